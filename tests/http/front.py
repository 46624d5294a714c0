"""A daemon of the test's own, and what it should say."""
import array
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ["FRONT_SOURCE"])
BUILD = pathlib.Path(os.environ["FRONT_BUILD"])
TEXT = "Good morning. This is a test."
LONG = "This sentence is one of very many that nobody waits for. " * 200


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    """chatterboxd with HTTP and Wyoming on ports of its own."""

    def __init__(self, **http):
        self.folder = tempfile.TemporaryDirectory(prefix="chatterbox-front-")
        root = pathlib.Path(self.folder.name)
        self.http, self.wyoming = free_port(), free_port()
        settings = "".join(f"{k} = {v}\n" for k, v in http.items())
        (root / "d.ini").write_text(
            f"[http]\nport = {self.http}\n{settings}"
            f"[wyoming]\nport = {self.wyoming}\n"
            "[sinks]\ndefault = quiet\n[sink quiet]\nkind = null\n")
        self.log = open(root / "log", "w+b")
        (root / "run").mkdir(mode=0o700)
        self.process = subprocess.Popen(
            [BUILD / "bin/chatterboxd", "-c", root / "d.ini", "-s",
             root / "run/control.sock"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env={**os.environ, "HOME": str(root),
                 "XDG_RUNTIME_DIR": str(root / "run"),
                 "CHATTERBOX_DATA": str(SOURCE / "presets")})
        self.wait_for(lambda: self.get("/health")[0] == 200)

    def wait_for(self, what, seconds=60):
        """Until it is so: for what must happen, however slow the machine."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise AssertionError("the daemon ended:\n" + self.said())
            try:
                if what():
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError("it did not happen; the daemon said:\n"
                             + self.said())

    def said(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def connection(self, timeout=120):
        return http.client.HTTPConnection("127.0.0.1", self.http,
                                          timeout=timeout)

    def ask(self, method, path, body=None, headers=()):
        """(status, headers, body)"""
        c = self.connection()
        if isinstance(body, dict):
            body = json.dumps(body)
        c.request(method, path, body, dict(headers))
        r = c.getresponse()
        out = r.status, dict(r.getheaders()), r.read()
        c.close()
        return out

    def get(self, path, **headers):
        return self.ask("GET", path, headers=headers)

    def speech(self, text=TEXT, response_format="pcm", **more):
        return self.ask("POST", "/v1/audio/speech",
                        {"input": text, "response_format": response_format,
                         **more})

    def busy(self):
        return json.loads(self.get("/health")[2])["busy"]

    def metric(self, name):
        for line in self.get("/metrics")[2].decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError(f"no metric {name}")

    def stop(self):
        """True: it ended by itself, without a fault."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("it does not stop:\n" + self.said()) from None
        text = self.said()
        self.log.close()
        self.folder.cleanup()
        if code or "ERROR: " in text or "runtime error" in text:
            raise AssertionError(f"exit {code}:\n{text}")


class Case(unittest.TestCase):
    SETTINGS = {}

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(**cls.SETTINGS)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()


def rendered(text=TEXT, *options):
    """What `chatterbox render` makes of it, as 16-bit samples."""
    done = subprocess.run(
        [BUILD / "bin/chatterbox", "render", "--raw", "-q", *options, text],
        capture_output=True, check=True,
        env={**os.environ, "CHATTERBOX_DATA": str(SOURCE / "presets")})
    frames = array.array("f", done.stdout)
    top = 32767 / 32768
    return array.array("h", (round(max(-1.0, min(top, x)) * 32768)
                             for x in frames)).tobytes()


def decoded(data, suffix):
    """Frames and rate of a sound file, by libsndfile."""
    import ctypes
    import ctypes.util

    class Info(ctypes.Structure):
        _fields_ = [("frames", ctypes.c_int64)] + [
            (n, ctypes.c_int) for n in ("samplerate", "channels", "format",
                                        "sections", "seekable")]
    lib = ctypes.CDLL(ctypes.util.find_library("sndfile") or "libsndfile.so.1")
    lib.sf_open.restype = ctypes.c_void_p
    lib.sf_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
    lib.sf_readf_float.restype = ctypes.c_int64
    lib.sf_readf_float.argtypes = [ctypes.c_void_p, ctypes.c_void_p,
                                   ctypes.c_int64]
    lib.sf_close.argtypes = [ctypes.c_void_p]
    with tempfile.NamedTemporaryFile(suffix=suffix) as f:
        f.write(data)
        f.flush()
        info = Info()
        handle = lib.sf_open(f.name.encode(), 0x10, ctypes.byref(info))
        if not handle:
            raise AssertionError(f"{suffix}: not a sound file")
        block = (ctypes.c_float * (4096 * info.channels))()
        out = array.array("f")
        while (n := lib.sf_readf_float(handle, block, 4096)) > 0:
            out.extend(block[:n * info.channels])
        lib.sf_close(handle)
    return out, info.samplerate
