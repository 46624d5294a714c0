"""What tee.py wrote, as utterances."""
import ast
import re

from module import unescape


class Utterance:
    def __init__(self, command, time):
        self.command, self.asked = command, time
        self.text, self.settings = "", {}
        self.events = []  # (time, code, name or frames)
        self.stopped = self.paused = None  # when asked

    def marks(self):
        return [x[2] for x in self.events if x[1] == 700]

    def ends(self):
        return [x[1] for x in self.events if x[1] in (702, 703, 704)]

    def wanted_marks(self):
        return re.findall(r'<mark name="([^"]*)"', self.text)

    def plain(self):
        return " ".join(re.sub(r"<[^>]*>", "", self.text).split())

    def frames(self):
        return sum(x[2] for x in self.events if x[1] == 705)

    def first_sound(self):
        return next((x[0] for x in self.events if x[1] == 705), None)

    def faults(self):
        """Sentences; none if the protocol was kept."""
        found = []
        codes = [x[1] for x in self.events]
        if codes[:1] == [301]:
            return [f"refused: {self.plain()!r}"]
        if codes[:2] != [200, 701]:
            found.append(f"begins with {codes[:2]}")
        if len(self.ends()) != 1 or codes[-1:] != self.ends():
            found.append(f"ends {self.ends()}")
        wanted, got = self.wanted_marks(), self.marks()
        if self.ends() == [702] and got != wanted:
            found.append(f"marks {got} instead of {wanted}")
        if got != wanted[:len(got)]:
            found.append(f"marks {got} out of order: {wanted}")
        if self.ends() == [703] and self.stopped is None:
            found.append("stopped by itself")
        return [f"{x}: {self.plain()!r}" for x in found]


def lines(path, sign):
    """(time, line) of one direction; sound is one line."""
    buffer = b""
    with open(path, encoding="ascii") as f:
        for row in f:
            time, way, data = row.split(" ", 2)
            if way != sign:
                continue
            buffer += ast.literal_eval(data)
            while b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                yield float(time), line


def read(path):
    """The utterances of a transcript, in order."""
    rows = sorted([(t, 0, x) for t, x in lines(path, "<")] +
                  [(t, 1, x) for t, x in lines(path, ">")],
                  key=lambda row: row[0])
    all_of_them, current, data, settings = [], None, None, {}
    for time, way, line in rows:
        if way == 0:
            if data is not None and line != b".":
                data.append(line[1:] if line[:2] == b".." else line)
            elif data is not None:
                text = b"\n".join(data).decode()
                if command == b"SET":
                    settings = dict(x.split("=", 1) for x in text.split("\n"))
                elif current and command in (b"SPEAK", b"CHAR", b"KEY",
                                             b"SOUND_ICON"):
                    current.text, current.settings = text, settings
                    current.asked = time
                data = None
            elif line in (b"SPEAK", b"CHAR", b"KEY", b"SOUND_ICON"):
                command, data = line, []
                current = Utterance(line.decode(), time)
                all_of_them.append(current)
            elif line in (b"SET", b"AUDIO", b"LOGLEVEL"):
                command, data = line, []
            elif line == b"STOP" and current and not current.ends():
                current.stopped = time
            elif line == b"PAUSE" and current and not current.ends():
                current.paused = time
        elif current:
            if line.startswith(b"705-AUDIO\0"):
                current.events.append((time, 705, len(unescape(line[10:])) // 2))
            elif line.startswith((b"700-", b"706-")):
                current.events.append((time, int(line[:3]), line[4:].decode()))
            elif line in (b"200 OK SPEAKING", b"301 ERROR CANT SPEAK",
                          b"701 BEGIN", b"702 END", b"703 STOP", b"704 PAUSE"):
                current.events.append((time, int(line[:3]), None))
    return all_of_them
