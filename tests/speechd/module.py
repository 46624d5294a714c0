"""speech-dispatcher's side of the module protocol, for tests that run a module
over pipes. A message is what the server takes as one: its code, its lines, and
for 705 the samples."""
import array
import os
import select
import subprocess
import time

TIMEOUT = 30


class Message:
    def __init__(self, code, lines, pcm=None, rate=None):
        self.code, self.lines, self.rate = code, lines, rate
        self.pcm = array.array("h", pcm) if pcm is not None else None

    def __repr__(self):
        if self.pcm is not None:
            return f"<705 {len(self.pcm)} frames>"
        return f"<{self.code} {self.lines}>"


def unescape(data):
    out, at = bytearray(), 0
    while True:
        cut = data.find(b"\x7d", at)
        if cut < 0:
            return bytes(out + data[at:])
        out += data[at:cut]
        out.append(data[cut + 1] ^ 0x20)
        at = cut + 2


class Module:
    def __init__(self, program, *args, env=None, cwd=None):
        self.process = subprocess.Popen(
            [program, *map(str, args)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=cwd)
        self.buffer = b""
        os.set_blocking(self.process.stdout.fileno(), False)
        os.set_blocking(self.process.stderr.fileno(), False)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout,
                       self.process.stderr):
            stream.close()

    def log(self):
        return (self.process.stderr.read() or b"").decode()

    # -- bytes ---------------------------------------------------------------

    def send(self, text):
        self.send_bytes(text.encode())

    def send_bytes(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def more(self, timeout):
        """Reads what comes; false at the end of the time or the module."""
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
        self.buffer += data
        return bool(data)

    def take(self, mark, timeout):
        """Bytes up to and with `mark`."""
        until = time.monotonic() + timeout
        while mark not in self.buffer:
            if not self.more(max(0, until - time.monotonic())):
                return None
        at = self.buffer.index(mark) + len(mark)
        data, self.buffer = self.buffer[:at], self.buffer[at:]
        return data

    # -- messages --------------------------------------------------------------

    def message(self, timeout=TIMEOUT):
        """The next one; None when none comes."""
        lines, pcm, rate = [], None, None
        while True:
            line = self.take(b"\n", timeout)
            if line is None:
                assert not lines, f"half a message: {lines}"
                return None
            if line.startswith(b"705-AUDIO\0"):
                pcm = unescape(line[10:-1])
                continue
            text = line[:-1].decode()
            assert len(text) > 3 and text[:3].isdigit(), line
            lines.append(text[4:])
            if text[3] == " ":
                break
            assert text[3] == "-", line
        message = Message(int(text[:3]), lines, pcm)
        if pcm is not None:
            values = dict(x.split("=") for x in lines if "=" in x)
            assert (values["bits"], values["num_channels"],
                    values["big_endian"]) == ("16", "1", "0"), values
            assert int(values["num_samples"]) * 2 == len(pcm), values
            message.rate = int(values["sample_rate"])
        return message

    def expect(self, *codes, timeout=TIMEOUT):
        got = self.message(timeout)
        assert got is not None and got.code in codes, \
            f"{got} instead of {codes}; log: {self.log()}"
        return got

    # -- commands --------------------------------------------------------------

    def initialize(self):
        self.send("INIT\n")
        self.expect(299)
        self.send("AUDIO\n")
        self.expect(207)
        self.send("audio_output_method=server\n.\n")
        self.expect(203)
        self.send("LOGLEVEL\n")
        self.expect(207)
        self.send("log_level=3\n.\n")
        self.expect(203)

    def set(self, **values):
        all_of_them = {"pitch": 0, "pitch_range": 0, "rate": 0, "volume": 100,
                       "punctuation_mode": "none", "spelling_mode": "off",
                       "cap_let_recogn": "none", "voice": "male1",
                       "language": "en", "synthesis_voice": "NULL", **values}
        self.send("SET\n")
        self.expect(203)
        self.send("".join(f"{k}={v}\n" for k, v in all_of_them.items()) + ".\n")
        return self.expect(203, 302, 303)

    def ask(self, text, command="SPEAK"):
        self.send(command + "\n")
        self.expect(202)
        self.send(text + "\n.\n")

    def begin(self, text, command="SPEAK", silent=False):
        """Up to the first sound, or where none comes yet, up to its reply."""
        self.ask(text, command)
        self.expect(200)
        if not silent:
            self.expect(701)

    def rest(self, ends=(702, 703, 704)):
        """Events up to the last of an utterance."""
        events = []
        while True:
            got = self.expect(700, 705, 706, *ends)
            events.append(got)
            if got.code in ends:
                return events

    def speak(self, text, command="SPEAK"):
        self.begin(text, command)
        return self.rest()


def marks(events):
    return [e.lines[0] for e in events if e.code == 700]


def pcm(events):
    out = array.array("h")
    for e in events:
        if e.pcm is not None:
            out += e.pcm
    return out
