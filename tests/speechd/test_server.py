#!/usr/bin/env python3
"""The module in the real speech-dispatcher: spd-say, spdsend, and the Python
client, without a sound device. Times are printed, not judged.

Usage: test_server.py MODULE DATA [DAEMON]
"""
import os
import pathlib
import socket
import sys
import threading
import time
import unittest

from hosts import Host, needs
import transcript

needs("speech-dispatcher", "spd-say", "spdsend", "pipewire", "wireplumber",
      "pipewire-pulse", "pw-cli", "dbus-daemon")
try:
    import speechd
except ImportError:
    print("skipped: python3-speechd is not installed", file=sys.stderr)
    sys.exit(77)

MODULE = DATA = DAEMON = None


class Case(unittest.TestCase):
    """One server for all tests; each looks at its own utterances."""
    sound = "alsa"  # to nowhere, and as fast as it comes

    @classmethod
    def setUpClass(cls):
        cls.host = Host()
        cls.host.env.update(CHATTERBOX_DATA=DATA)
        cls.host.daemon(DAEMON)
        icons = cls.host.folder / "icons"
        icons.mkdir()
        if cls.sound == "pulse" and not cls.host.pipewire():
            raise AssertionError("PipeWire does not start")
        cls.conf = f'SoundIconFolder "{icons}"\nPrepareCommonWords Off\n'
        if not cls.host.speech_dispatcher(MODULE, cls.conf, cls.sound):
            log = cls.host.log("speech-dispatcher")
            for path in (cls.host.folder / "log").glob("*"):
                log += path.read_text(errors="replace")[-2000:]
            cls.host.close()
            raise AssertionError("speech-dispatcher has no module: " + log)

    @classmethod
    def tearDownClass(cls):
        cls.host.close()

    def setUp(self):
        self.before = len(transcript.read(self.host.transcript))

    def utterances(self):
        return transcript.read(self.host.transcript)[self.before:]

    def tearDown(self):
        faults = [x for u in self.utterances() for x in u.faults()]
        self.assertEqual(faults, [])

    def say(self, *args):
        done = self.host.command("spd-say", "-w", "-o", "chatterbox", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout + done.stderr  # marks go to stderr


class SpdSay(Case):
    def test_it_is_there_with_its_voices(self):
        self.assertIn("chatterbox", self.host.command("spd-say", "-O").stdout)
        voices = self.host.command("spd-say", "-o", "chatterbox", "-L").stdout
        self.assertIn("slt", voices)

    def test_plain_text_is_spoken_to_its_end(self):
        self.say("-l", "en", "-r", "50", "Hello. How are you? Well!")
        (u,) = self.utterances()
        self.assertEqual(u.plain(), "Hello. How are you? Well!")
        self.assertEqual(u.ends(), [702])
        self.assertGreater(u.frames(), 5000)

    def test_marks_of_ssml_come_back(self):
        got = self.say("-x", '<speak>one <mark name="m1"/> two '
                             '<mark name="m2"/> three</speak>')
        self.assertLess(got.index("m1"), got.index("m2"))

    def test_every_option_is_spoken(self):
        for args in (["-l", "fr-FR", "Bonjour tout le monde."],
                     ["-y", "bogus", "No such voice."],
                     ["-t", "female1", "A female voice."],
                     ["-t", "child_male", "A child."],
                     ["-m", "all", "a < b & c > d ... x/y"],
                     ["-m", "none", "a, b; c"], ["-s", "spell me"],
                     ["-r", "-100", "slow"], ["-r", "100", "fast"],
                     ["-p", "100", "high"], ["-p", "-100", "low"],
                     ["-i", "-50", "quiet"], ["-R", "50", "lively"],
                     ["-y", "slt", "By name."], ["-P", "important", "Urgent."],
                     ["-I", "bell"]):
            before = len(self.utterances())
            self.say(*args)
            new = self.utterances()[before:]
            self.assertEqual([u.ends() for u in new], [[702]], args)

    def test_long_text_comes_whole(self):
        text = " ".join(f"Sentence number {i} is here." for i in range(12))
        self.say("-r", "80", text)
        (u,) = self.utterances()
        self.assertEqual(len(u.marks()), 11)  # none behind the last


class Ssip(Case):
    """The server's own protocol, as a program without a library speaks it."""

    def connect(self):
        self.events = []
        s = socket.socket(socket.AF_UNIX)
        s.connect(self.host.env["SPEECHD_ADDRESS"].split(":", 1)[1])
        self.addCleanup(s.close)
        s.settimeout(60)
        return s.makefile("rw", encoding="utf-8", newline="")

    def ask(self, f, text):
        """Its answer; events that come before are kept for wait()."""
        f.write(text + "\r\n")
        f.flush()
        while True:
            line = f.readline().rstrip()
            if line[:1] == "7":
                self.events.append(line)
                continue
            self.assertEqual(line[:1], "2", line)
            if line[3] == " ":
                return line

    def wait(self, f, code):
        while True:
            line = self.events.pop(0) if self.events else f.readline()
            self.assertTrue(line)
            if line.startswith(code + " "):
                return

    def test_characters_keys_and_icons(self):
        f = self.connect()
        self.ask(f, "SET self CLIENT_NAME test:ssip:main")
        self.ask(f, "SET self NOTIFICATION END on")
        for line in ("CHAR a", "CHAR space", "CHAR \u00e9", "KEY control_alt_b",
                     "KEY f12", "KEY space", "SOUND_ICON new-mail"):
            self.ask(f, line)
            self.wait(f, "702")
        self.assertEqual([u.command for u in self.utterances()],
                         ["CHAR", "SPEAK", "CHAR", "KEY", "KEY", "KEY",
                          "SOUND_ICON"])

    def test_pause_and_resume_say_everything(self):
        f = self.connect()
        self.ask(f, "SET self CLIENT_NAME test:ssip:main")
        self.ask(f, "SET self NOTIFICATION ALL on")
        self.ask(f, "SPEAK")
        f.write(" ".join(f"This is sentence {i} of many." for i in range(10)) +
                "\r\n")
        self.ask(f, ".")
        self.wait(f, "701")
        self.ask(f, "PAUSE self")
        self.wait(f, "704")
        self.ask(f, "RESUME self")
        self.wait(f, "702")


class Spdsend(unittest.TestCase):
    """spdsend speaks TCP only, so this server does, too."""

    def test_raw_ssip_is_spoken(self):
        host = Host()
        self.addCleanup(host.close)
        host.env.update(CHATTERBOX_DATA=DATA)
        host.daemon(DAEMON)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.assertTrue(host.speech_dispatcher(
            MODULE, "PrepareCommonWords Off\n", port=port))
        opened = host.command("spdsend", "--open", "127.0.0.1", port)
        if opened.returncode:
            # 0.11.4's ends its own server with exit(1) before it listens
            self.skipTest("this spdsend cannot open a connection to anything")
        for lines in ("SET self CLIENT_NAME test:spdsend:main\r\n",
                      "SPEAK\r\n", "Raw words.\r\n.\r\n"):
            done = host.command("spdsend", "--send", opened.stdout.strip(),
                                stdin=lines)
            self.assertEqual(done.stdout[:1], "2", done)
        self.assertTrue(host.until(
            lambda: [u.ends() for u in transcript.read(host.transcript)] ==
            [[702]]))
        host.command("spdsend", "--close", opened.stdout.strip())


class Client(Case):
    """In real time: the Python client drops events that come before it has
    seen the answer to its own command."""
    sound = "pulse"

    def client(self):
        os.environ["SPEECHD_ADDRESS"] = self.host.env["SPEECHD_ADDRESS"]
        c = speechd.SSIPClient("test", autospawn=False)
        self.addCleanup(c.close)
        c.set_output_module("chatterbox")
        c.set_language("en")
        return c

    def speak(self, c, text, interrupt=None):
        """Events of an utterance, with their times after it was asked for."""
        events, over = [], threading.Event()
        start = time.monotonic()

        def see(kind, index_mark=None):
            events.append((kind, index_mark, time.monotonic() - start))
            if kind in ("end", "cancel"):
                over.set()
        c.speak(text, callback=see,
                event_types=("begin", "end", "cancel", "index_marks"))
        if interrupt is not None:
            time.sleep(interrupt)
            c.cancel()
        self.assertTrue(over.wait(30), f"no end: {events}")
        return events

    def test_events_come_in_order(self):
        c = self.client()
        c.set_data_mode("ssml")
        kinds = [(k, m) for k, m, _ in self.speak(
            c, '<speak>one <mark name="a"/>two <mark name="b"/>three</speak>')]
        self.assertEqual(kinds, [("begin", None), ("index_marks", "a"),
                                 ("index_marks", "b"), ("end", None)])

    def test_bursts_are_spoken_or_interrupted(self):
        c = self.client()
        for i in range(30):
            c.char("abc"[i % 3])
            time.sleep(0.02)
            if i % 4 == 3:
                c.cancel()
        self.assertEqual(self.speak(c, "done")[-1][0], "end")
        for u in self.utterances():
            self.assertIn(u.ends(), ([702], [703]))

    def test_every_setting_and_voice(self):
        c = self.client()
        for f, values in ((c.set_rate, (-100, 0, 100)),
                          (c.set_pitch, (-100, 100)), (c.set_volume, (0, 100)),
                          (c.set_spelling, (True, False)),
                          (c.set_cap_let_recogn, ("spell", "icon", "none")),
                          (c.set_punctuation,
                           (speechd.PunctuationMode.ALL,
                            speechd.PunctuationMode.NONE)),
                          (c.set_voice, ("MALE1", "FEMALE2", "CHILD_FEMALE")),
                          (c.set_language, ("de", "en-us"))):
            for value in values:
                f(value)
                self.assertEqual(self.speak(c, "Hello Bob.")[-1][0], "end",
                                 (f, value))
        voices = c.list_synthesis_voices()
        self.assertIn("slt", [v[0] for v in voices])
        c.set_synthesis_voice("slt")
        self.assertEqual(self.speak(c, "Named.")[-1][0], "end")

    def test_start_times(self):
        c = self.client()
        for text in ("b", "OK button", "This is a longer sentence of words."):
            c.set_data_mode("text")
            for _ in range(5):
                self.speak(c, text)
            took = [u.first_sound() - u.asked for u in self.utterances()[-5:]]
            print(f"figure: first sound of {text!r}: min "
                  f"{min(took) * 1e3:.1f} ms, max {max(took) * 1e3:.1f} ms")


if __name__ == "__main__":
    MODULE, DATA = sys.argv[1:3]
    DAEMON = sys.argv[3] if len(sys.argv) > 3 else None
    unittest.main(argv=[sys.argv[0]])
