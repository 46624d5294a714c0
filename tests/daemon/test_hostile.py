#!/usr/bin/env python3
"""Clients that break the rules: bounded, logged without their text, and nobody
else notices."""
import fcntl
import json
import os
import pathlib
import socket
import struct

import daemon
from daemon import Case

F_ADD_SEALS, SHRINK, GROW = 1033, 2, 4
GOOD = "While others misbehave, this one is spoken."


def memory(frames=1024, rate=24000, size=None, seals=SHRINK | GROW,
           magic=b"CBXRING1"):
    fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, 4096 + 4 * frames if size is None else size)
    os.pwrite(fd, magic + struct.pack("<II", rate, frames), 0)
    if seals:
        fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


class Hostile(Case):
    def setUp(self):
        super().setUp()
        self.process = self.daemon()
        self.good = self.client()

    def others_are_unaffected(self):
        self.assertIsNone(self.process.poll(), self.read_log())
        out, _ = self.run_it(daemon.SPEAKER, self.path, "render", 24000, GOOD)
        self.assertTrue(out == self.rendered(GOOD))
        self.assertTrue(self.good.ask("stats")["ok"])

    def is_closed(self, client):
        """With one error event at most."""
        try:
            while client.line() is not None:
                pass
        except (ConnectionError, ValueError):
            pass
        client.close()

    def send_anyhow(self, client, data):
        try:
            client.send_bytes(data)
        except (ConnectionError, TimeoutError):
            pass

    def test_lines_that_are_no_requests(self):
        deep = b'{"do":' + b"[" * 100000 + b"]" * 100000 + b"}\n"
        for line in (b"hello\n", b"[]\n", b"\n", b"\xff\xfe\n", b"null\n", deep,
                     b'{"do":"hello","version":1,"name":"\xc3\x28"}\n',
                     b'{"do":"hello","do":"hello"}\n', b"\0\n",
                     b'{"do":"hello","version":2}\n', b'{"do":"say"}\n',
                     b'{"do":5}\n', b'{}\n', b'{"do":"hello","version":1e999}\n'):
            c = self.client(hello=False)
            self.send_anyhow(c, line)
            self.is_closed(c)
        self.others_are_unaffected()

    def test_a_hundred_megabytes_without_an_end(self):
        c = self.client(hello=False)
        piece = b'{"do":"say","text":"' + b"x" * 1000000
        for _ in range(100):
            try:
                c.send_bytes(piece)
            except (ConnectionError, TimeoutError):
                break
        else:
            self.fail("all of it was taken")
        self.is_closed(c)
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0])
        self.assertLess(peak, 600_000 * daemon.SLOW)
        self.others_are_unaffected()

    def test_half_a_request_and_silence(self):
        idle = [self.client(hello=False) for _ in range(20)]
        for c in idle:
            c.send_bytes(b'{"do":"hello","vers')
        self.others_are_unaffected()

    def test_a_reader_that_does_not_read(self):
        c = self.client()
        try:
            c.socket.settimeout(10 * daemon.SLOW)
            for n in range(200000):
                c.send_bytes(b'{"do":"voices","id":1}\n' * 20)
        except (ConnectionError, TimeoutError):
            pass
        self.wait_for(lambda: self.good.ask("stats")["clients"] == 1)
        self.assertIn("does not read", self.read_log())
        self.others_are_unaffected()

    def test_more_clients_than_there_is_room_for(self):
        many = []
        for _ in range(100):
            s = socket.socket(socket.AF_UNIX)
            s.connect(str(self.path))
            self.addCleanup(s.close)
            many.append(s)
        many[-1].settimeout(30)
        self.assertIn(b"too many clients", many[-1].recv(1000))
        for s in many:
            s.close()
        self.wait_for(lambda: self.good.ask("stats")["clients"] == 1)
        self.others_are_unaffected()

    def test_a_flood_of_descriptors_leaves_none_behind(self):
        before = self.descriptors(self.process)
        for _ in range(5):
            c = self.client()
            for _ in range(40):
                fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(50)]
                try:
                    c.send("queue", fds=fds)
                finally:
                    for fd in fds:
                        os.close(fd)
            c.ask("queue")
            c.close()
        self.wait_for(lambda: self.descriptors(self.process) <= before + 1)
        self.others_are_unaffected()

    def test_memory_that_is_not_what_it_says(self):
        c = self.client()
        pipe = os.pipe()
        bad = [memory(seals=0), memory(seals=SHRINK), memory(seals=GROW),
               memory(size=100), memory(size=4096), memory(size=0),
               memory(frames=1000), memory(frames=2**31, size=8192),
               memory(rate=0), memory(magic=b"CBXRING2"),
               memory(seals=SHRINK | GROW | 8), pipe[0],
               os.open("/dev/null", os.O_RDWR)]
        for number, fd in enumerate(bad, 1):
            answer = c.ask("audio", fds=[fd], audio=number)
            self.assertFalse(answer["ok"], number)
            os.close(fd)
        os.close(pipe[1])
        self.assertIn("descriptor", c.ask("audio", audio=50)["error"])
        self.assertEqual(self.shared_memory(self.process), 0)
        self.others_are_unaffected()

    def test_memory_that_is_scribbled_on(self):
        c = self.client()
        fd = memory(frames=4096)
        self.addCleanup(os.close, fd)
        self.assertTrue(c.ask("audio", fds=[fd], audio=1)["ok"])
        with self.assertRaises(PermissionError):
            os.ftruncate(fd, 100)
        for job in range(1, 6):
            c.send("say", job=job, text=GOOD, audio=1)
            for value in (2**64 - 1, 0, 12345678901234567):
                os.pwrite(fd, struct.pack("<QQ", value, value), 64)
                os.pwrite(fd, struct.pack("<QQ", value, value), 128)
                os.pwrite(fd, os.urandom(2048), 192)
        self.others_are_unaffected()
        c.close()
        self.wait_for(lambda: self.shared_memory(self.process) == 0)

    def test_bounds_of_a_connection(self):
        c = self.client()
        fds = [memory() for _ in range(17)]
        ok = [c.ask("audio", fds=[fd], audio=n)["ok"]
              for n, fd in enumerate(fds, 1)]
        for fd in fds:
            os.close(fd)
        self.assertEqual(ok, [True] * 16 + [False])
        for job in range(1, 300):
            c.send("say", job=job, text="Again.", priority="message")
        refused = 0
        while not refused:
            refused = c.until("error")[-1]["status"] == "limit"
        self.assertLessEqual(len(c.ask("queue")["jobs"]), 256)
        c.ask("stop")
        c.send("say", job=400, text="x" * 200000, more=True)
        for _ in range(30):
            c.send("append", job=400, text="x " * 100000)
        self.assertIn("limit", json.dumps(
            [c.ask("append", job=400, text="x " * 100000)] + c.events))
        self.others_are_unaffected()

    def test_the_log_has_nothing_of_the_text(self):
        c = self.client()
        c.send("say", job=1, text="xyzzy secret", voice="nobody")
        c.until("error")
        self.send_anyhow(c, b'{"do":"say","text":"xyzzy\xff"}\n')
        self.is_closed(c)
        self.wait_for(lambda: "no JSON" in self.read_log())
        self.assertNotIn("xyzzy", self.read_log())


if __name__ == "__main__":
    daemon.main()
