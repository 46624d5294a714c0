"""Runs chatterboxd and talks to it as docs/PROTOCOL.md says, with nothing of the
client library. A test file ends in daemon.main() and is called with: CHATTERBOXD
CHATTERBOX SPEAKER SOURCE."""
import array
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

DAEMON = CHATTERBOX = SPEAKER = SOURCE = None
SLOW = 1
PATIENCE = 30
NULL_SINK = "[sink default]\nkind = null\n"


class Client:
    def __init__(self, path, hello=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE * SLOW)
        self.socket.connect(str(path))
        self.buffer = b""
        self.events = []
        if hello:
            answer = self.ask("hello", version=1, name="test")
            assert answer["ok"], answer

    def close(self):
        self.socket.close()

    def send_bytes(self, data, fds=()):
        if not fds:
            self.socket.sendall(data)
            return
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                   array.array("i", fds))]
        sent = self.socket.sendmsg([data], rights)
        self.socket.sendall(data[sent:])

    def send(self, do, fds=(), **fields):
        line = json.dumps(dict(do=do, **fields)) + "\n"
        self.send_bytes(line.encode(), fds)

    def line(self):
        """The next line, or None at the end."""
        while b"\n" not in self.buffer:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def ask(self, do, fds=(), **fields):
        self.send(do, fds, id=do, **fields)
        while True:
            line = self.line()
            assert line is not None, f"no answer to {do}"
            if line.get("re") == do:
                return line
            self.events.append(line)

    def event(self):
        if self.events:
            return self.events.pop(0)
        return self.line()

    def until(self, *names, job=None):
        """All events up to the first of these names."""
        seen = []
        while True:
            e = self.event()
            assert e is not None, f"the connection ended; seen {seen}"
            if e.get("event") == "progress":
                continue
            seen.append(e)
            if e.get("event") in names and job in (None, e.get("job")):
                return seen


class Case(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory(prefix="cbxd-")
        self.addCleanup(self.holder.cleanup)
        self.folder = pathlib.Path(self.holder.name)
        self.path = self.folder / "run" / "control.sock"
        self.processes = []

    def environment(self, **changes):
        kept = {k: v for k, v in os.environ.items()
                if k in ("PATH", "CBX_KERNELS") or k.endswith("SAN_OPTIONS")}
        kept.update(HOME=str(self.folder), LC_ALL="C",
                    XDG_RUNTIME_DIR=str(self.folder / "xdg"),
                    CHATTERBOX_DATA=str(SOURCE / "presets"),
                    CHATTERBOX_SOCKET=str(self.path))
        kept.update(changes)
        return kept

    def start(self, *command, **how):
        how.setdefault("stdin", subprocess.DEVNULL)
        how.setdefault("stdout", subprocess.PIPE)
        how.setdefault("stderr", subprocess.PIPE)
        how.setdefault("env", self.environment())
        process = subprocess.Popen([str(c) for c in command], **how)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def daemon(self, config=NULL_SINK, args=(), **environment):
        """Starts a daemon and waits until it listens."""
        file = self.folder / "daemon.ini"
        file.write_text(config)
        self.log = open(self.folder / "log", "ab")
        self.addCleanup(self.log.close)
        process = self.start(DAEMON, "--socket", self.path, "--config", file,
                             *args, stderr=self.log,
                             env=self.environment(**environment))
        self.wait_for(lambda: process.poll() is not None or self.listens())
        self.assertIsNone(process.poll(), self.read_log())
        return process

    def listens(self):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
            try:
                s.connect(str(self.path))
                return True
            except OSError:
                return False

    def read_log(self):
        return (self.folder / "log").read_text(errors="replace")

    def client(self, **how):
        c = Client(self.path, **how)
        self.addCleanup(c.close)
        return c

    def wait_for(self, what):
        until = time.monotonic() + PATIENCE * SLOW
        while not what():
            self.assertLess(time.monotonic(), until, "waited in vain")
            time.sleep(0.005)

    def stops(self, process, number=signal.SIGTERM):
        process.send_signal(number)
        self.assertEqual(process.wait(PATIENCE * SLOW), 0, self.read_log())
        self.assertFalse(self.path.exists())

    def run_it(self, *command, code=0, **how):
        p = self.start(*command, **how)
        out, err = p.communicate(timeout=PATIENCE * SLOW)
        self.assertEqual(p.returncode, code, err.decode(errors="replace"))
        return out, err.decode(errors="replace")

    def rendered(self, text, rate=24000, *more):
        out, _ = self.run_it(CHATTERBOX, "render", "--raw", "-q", "-r", rate,
                             *more, text)
        self.assertGreater(len(out), 4000)
        return out

    @staticmethod
    def descriptors(process):
        return len(os.listdir(f"/proc/{process.pid}/fd"))

    @staticmethod
    def shared_memory(process):
        maps = pathlib.Path(f"/proc/{process.pid}/maps").read_text()
        return maps.count("memfd:")


def main():
    global DAEMON, CHATTERBOX, SPEAKER, SOURCE, SLOW
    DAEMON, CHATTERBOX, SPEAKER, source = sys.argv[1:5]
    SOURCE = pathlib.Path(source)
    SLOW = 8 if os.environ.get("CBXD_SANITIZED") else 1
    for name in ("DAEMON", "CHATTERBOX", "SPEAKER", "SOURCE", "SLOW"):
        setattr(sys.modules["daemon"], name, globals()[name])
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]])
