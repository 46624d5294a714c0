"""A hub on this machine that misbehaves as it is told to."""
import hashlib
import http.server
import json
import random
import socket
import threading
import time


def git_name(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub:
    """files: name -> bytes. tricks: name -> list of tricks, one a request; when
    none is left the request is served well. `LIST` is the list's name."""

    LIST = "<list>"

    def __init__(self, repository, revision, files, large=4096):
        self.repository, self.revision = repository, revision
        self.files, self.large = dict(files), large
        self.tricks, self.requests = {}, []
        self.lies = {}  # name -> changes of its entry in the list
        self.token = None  # wanted, or None
        self.leaks = []  # tokens that came to the second host
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                hub.answer(self)

            def log_message(self, *args):
                pass

        self.servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                        Handler)
                        for _ in range(2)]
        for s in self.servers:
            s.daemon_threads = True
            threading.Thread(target=s.serve_forever, args=(0.02,),
                             daemon=True).start()
        self.url, self.other = (f"http://127.0.0.1:{s.server_port}"
                                for s in self.servers)

    def close(self):
        for s in self.servers:
            s.shutdown()
            s.server_close()

    def entries(self):
        out = [{"type": "directory", "path": "folder", "oid": "0" * 40,
                "size": 0}]
        for name, data in self.files.items():
            e = {"type": "file", "path": name, "size": len(data),
                 "oid": git_name(data)}
            if len(data) >= self.large:
                e["lfs"] = {"oid": hashlib.sha256(data).hexdigest(),
                            "size": len(data), "pointerSize": 134}
                e["oid"] = "1" * 40
            out.append(e)
        for e in out:
            change = self.lies.get(e["path"], {})
            e.update({k: v for k, v in change.items() if k != "lfs"})
            if "lfs" in change and "lfs" in e:
                e["lfs"].update(change["lfs"])
        return [e for e in out if not self.lies.get(e["path"], {}).get("gone")]

    def answer(self, h):
        path = h.path.split("?")[0]
        second = h.server is self.servers[1]
        if second and h.headers.get("Authorization"):
            self.leaks.append(h.headers["Authorization"])
        if path == f"/api/models/{self.repository}/tree/{self.revision}":
            name = self.LIST
            data = json.dumps(self.entries()).encode()
        else:
            prefix = f"/{self.repository}/resolve/{self.revision}/"
            name = path.rsplit("/", 1)[1]
            data = self.files.get(name)
            if not second and not path.startswith(prefix):
                data = None
        self.requests.append((name, h.headers.get("Range"), second))
        if self.token and not second and \
                h.headers.get("Authorization") != f"Bearer {self.token}":
            return self.status(h, 401)
        tricks = self.tricks.get(name, [])
        trick = tricks.pop(0) if tricks else ("well",)
        if data is None:
            return self.status(h, 404)
        getattr(self, "do_" + trick[0])(h, data, *trick[1:])

    @staticmethod
    def status(h, code, location=None):
        h.send_response(code)
        if location:
            h.send_header("Location", location)
        h.send_header("Content-Length", "5")
        h.end_headers()
        h.wfile.write(b"sorry")

    @staticmethod
    def head(h, data, length=None, ranges=True):
        """Sends the head; returns the bytes that are asked for."""
        wanted = h.headers.get("Range")
        start = 0
        if wanted and ranges:
            start = int(wanted.split("=")[1].split("-")[0])
            if start >= len(data):
                Hub.status(h, 416)
                return b""
            h.send_response(206)
            h.send_header("Content-Range",
                          f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            h.send_response(200)
        body = data[start:]
        h.send_header("Content-Length",
                      str(len(body) if length is None else length))
        h.end_headers()
        return body

    # -- tricks --------------------------------------------------------------

    def do_well(self, h, data):
        h.wfile.write(self.head(h, data))

    def do_cut(self, h, data, n):
        """n bytes, and the connection breaks."""
        body = self.head(h, data)
        h.wfile.write(body[:n])
        h.wfile.flush()
        h.connection.shutdown(socket.SHUT_RDWR)
        h.close_connection = True

    def do_status(self, h, data, code):
        self.status(h, code)

    def do_anew(self, h, data):
        """No ranges here."""
        h.wfile.write(self.head(h, data, ranges=False))

    def do_short(self, h, data, n):
        """A complete answer, of another file."""
        self.do_anew(h, data[:n])

    def do_long(self, h, data, n):
        h.wfile.write(self.head(h, data + b"x" * n, ranges=False))

    def do_damaged(self, h, data):
        h.wfile.write(self.head(h, bytes(b ^ 1 for b in data)))

    def do_other_range(self, h, data):
        h.send_response(206)
        h.send_header("Content-Range", f"bytes 0-{len(data) - 1}/{len(data)}")
        h.send_header("Content-Length", str(len(data)))
        h.end_headers()
        h.wfile.write(data)

    def do_redirect(self, h, data, where=None):
        name = h.path.split("?")[0].rsplit("/", 1)[1]
        self.status(h, 302, where or f"{self.other}/elsewhere/{name}")

    def do_loop(self, h, data):
        name = h.path.split("?")[0]
        self.tricks.setdefault(name.rsplit("/", 1)[1], []).append(("loop",))
        self.status(h, 302, f"{self.url}{name}")

    def do_stall(self, h, data, n):
        body = self.head(h, data)
        h.wfile.write(body[:n])
        h.wfile.flush()
        time.sleep(6)
        h.close_connection = True

    def do_nothing(self, h, data):
        h.connection.shutdown(socket.SHUT_RDWR)
        h.close_connection = True

    def do_text(self, h, data, text):
        h.wfile.write(self.head(h, text.encode()))

    def do_flood(self, h, data, n):
        h.send_response(200)
        h.send_header("Content-Length", str(n))
        h.end_headers()
        try:
            for _ in range(n >> 16):
                h.wfile.write(b" " * 65536)
        except OSError:
            pass
        h.close_connection = True


def some_bytes(n, seed):
    return random.Random(seed).randbytes(n)
