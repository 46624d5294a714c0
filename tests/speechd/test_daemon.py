#!/usr/bin/env python3
"""The module with the real daemon and the built-in model: order, counts and
bytes. Times are printed, not judged.

Usage: test_daemon.py MODULE DAEMON DATA [many]
"""
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from module import Module, marks, pcm

MODULE = DAEMON = DATA = None
TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps."
LONG = " ".join(f"This is sentence {i} of a text." for i in range(8))
KILLS, STOPS = 4, 40  # or many, where there is time


def milliseconds(times):
    times = sorted(times)
    return (f"min {times[0] * 1e3:.2f}, median "
            f"{times[len(times) // 2] * 1e3:.2f}, max {times[-1] * 1e3:.2f} ms "
            f"of {len(times)}")


class Case(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="chatterbox-speechd-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        (self.folder / "run").mkdir(mode=0o700)
        self.env = {k: v for k, v in os.environ.items()
                    if k in ("PATH", "CBX_KERNELS") or
                    k.endswith("SAN_OPTIONS")}
        self.env.update(HOME=str(self.folder), CHATTERBOX_DATA=DATA,
                        XDG_RUNTIME_DIR=str(self.folder / "run"))
        self.process = None
        self.addCleanup(self.kill)

    def daemon(self):
        with open(self.folder / "daemon.log", "ab") as log:
            self.process = subprocess.Popen([DAEMON], env=self.env, stderr=log,
                                            stdin=subprocess.DEVNULL,
                                            stdout=log)
        path = str(self.folder / "run/chatterbox/control.sock")
        for _ in range(400):
            with socket.socket(socket.AF_UNIX) as s:
                if s.connect_ex(path) == 0:
                    return
            time.sleep(0.05)
        self.fail("no daemon: " + (self.folder / "daemon.log").read_text())

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def start(self, conf="PrepareCommonWords Off\nStartDaemon Off\n"):
        (self.folder / "chatterbox.conf").write_text(conf)
        m = Module(MODULE, self.folder / "chatterbox.conf", env=self.env)
        self.addCleanup(m.close)
        began = time.monotonic()
        m.initialize()
        m.send("LIST VOICES\n")
        m.expect(200)
        self.init_time = time.monotonic() - began
        m.set()
        return m

    def until_it_speaks(self, m):
        """The module sees a daemon that has just come."""
        for _ in range(100):
            m.ask(TEXT)
            if m.expect(200, 301).code == 200:
                m.expect(701)
                m.rest()
                return
            time.sleep(0.1)
        self.fail("it does not recover: " + m.log())


class Speaking(Case):
    def test_words_are_spoken_with_their_marks(self):
        self.daemon()
        m = self.start()
        words = TEXT.split()
        text = " ".join(f'<mark name="{i}"/>{w}' for i, w in enumerate(words))
        events = m.speak(f"<speak>{text}</speak>")
        self.assertEqual(marks(events), [str(i) for i in range(len(words))])
        self.assertGreater(len(pcm(events)), 24000)
        self.assertGreater(max(pcm(events)), 2000)
        # the sound does not depend on the marks
        self.assertEqual(pcm(events), pcm(m.speak(TEXT)))

    def test_ssml_is_spoken_with_its_marks(self):
        self.daemon()
        events = self.start().speak(
            '<speak>One <break time="200ms"/><mark name="a"/>two.'
            '<prosody rate="fast"> Three <mark name="b"/>four.</prosody>'
            '<mark name="c"/></speak>')
        self.assertEqual(events[-1].code, 702)
        self.assertEqual(marks(events), ["a", "b", "c"])
        self.assertGreater(len(pcm(events)), 12000)

    def test_rate_makes_it_shorter(self):
        self.daemon()
        m = self.start()
        m.speak(TEXT)
        lengths = []
        for rate in (-100, 0, 50, 100):
            m.set(rate=rate)
            lengths.append(len(pcm(m.speak(LONG))))
        words = len(LONG.split())
        print("figure: words a minute at rate -100, 0, 50, 100: " + ", ".join(
            f"{words / (n / 24000 / 60):.0f}" for n in lengths))
        self.assertEqual(lengths, sorted(lengths, reverse=True))
        self.assertLess(lengths[3] * 2.2, lengths[1])

    def test_an_unknown_voice_and_language_are_spoken_all_the_same(self):
        self.daemon()
        m = self.start()
        for values in (dict(synthesis_voice="bogus"), dict(language="fr-FR"),
                       dict(voice="female1"), dict(voice="child_male"),
                       dict(synthesis_voice="slt")):
            m.set(**values)
            events = m.speak(TEXT)
            self.assertEqual(events[-1].code, 702, values)
            self.assertGreater(len(pcm(events)), 24000, values)

    def test_start_times(self):
        self.daemon()
        m = self.start()
        m.speak(TEXT)
        for what, text in (("cached letter", "b"), ("cached word", "OK"),
                           ("sentence", None)):
            took = []
            for i in range(12):
                m.ask(text or f"Number {i}: {TEXT}")
                began = time.monotonic()
                for code in (200, 701, 705):
                    m.expect(code)
                took.append(time.monotonic() - began)
                m.rest()
            print(f"figure: first sound of a {what}: {milliseconds(took[1:])}")


class Stopping(Case):
    def test_stop_is_answered_while_others_speak(self):
        self.daemon()
        m = self.start()
        others = [self.start() for _ in range(8)]
        m.speak(TEXT)
        for other in others:
            other.begin(LONG)
        draw, took, stopped = random.Random(1), [], 0
        for i in range(STOPS):
            m.begin(f"Utterance {i}. {TEXT}")
            for _ in range(draw.randrange(3)):
                m.expect(705)
            began = time.monotonic()
            m.send("STOP\n")
            got = m.rest()
            took.append(time.monotonic() - began)
            stopped += got[-1].code == 703
            for other in others:  # their sound is taken, so that they go on
                if not other.more(0):
                    continue
                other.buffer = other.buffer[-20:]
                if b"702 END" in other.buffer:
                    other.buffer = b""
                    other.begin(LONG)
        print(f"figure: STOP to 703 beside 8 others: {milliseconds(took)}")
        self.assertEqual(stopped, STOPS)
        m.speak(TEXT)

    def test_bursts_of_letters_end_as_they_began(self):
        self.daemon()
        m = self.start("StartDaemon Off\n")
        for i in range(40):
            m.begin("abcdefg"[i % 7], "CHAR")
            time.sleep(0.01)
            m.send("STOP\n")
            got = m.expect(702, 703, 705)
            while got.code == 705:
                got = m.expect(702, 703, 705)
        first = pcm(m.speak("q", "CHAR"))
        for _ in range(5):
            self.assertEqual(pcm(m.speak("q", "CHAR")), first)


class Away(Case):
    def test_without_a_daemon_it_starts_lists_and_refuses(self):
        m = self.start()
        print(f"figure: INIT and LIST VOICES without a daemon: "
              f"{self.init_time * 1e3:.1f} ms")
        m.ask(TEXT)
        m.expect(301)
        self.daemon()
        self.until_it_speaks(m)

    def test_it_starts_the_daemon_where_none_runs(self):
        self.env["CHATTERBOXD"] = DAEMON
        m = self.start("PrepareCommonWords Off\n")
        self.addCleanup(self.end_spawned)
        self.assertEqual(m.speak(TEXT)[-1].code, 702)

    def end_spawned(self):
        """Only ours: the one whose environment has our folder."""
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                if (f"XDG_RUNTIME_DIR={self.env['XDG_RUNTIME_DIR']}".encode()
                        in path.read_bytes().split(b"\0")):
                    os.kill(int(path.parent.name), signal.SIGKILL)
            except OSError:
                pass

    def test_a_daemon_that_is_killed_in_mid_speech_is_waited_for(self):
        self.daemon()
        m = self.start()
        whole = pcm(m.speak(LONG))
        m.begin(LONG)
        heard = [m.expect(705) for _ in range(3)]
        self.kill()
        self.daemon()
        heard += m.rest()
        self.assertEqual(heard[-1].code, 702, m.log())
        self.assertEqual(pcm(heard), whole)

    def test_a_daemon_that_is_killed_again_and_again_loses_nobody(self):
        self.daemon()
        m = self.start()
        draw = random.Random(2)
        for i in range(KILLS):
            m.ask(f'<speak>{TEXT} <mark name="{i}"/>{TEXT}</speak>')
            if m.expect(200, 301).code == 301:
                self.until_it_speaks(m)
                continue
            m.expect(701)
            time.sleep(draw.random() * 0.3)
            self.kill()
            self.daemon()
            events = m.rest()
            self.assertIn(events[-1].code, (702, 703))
            if events[-1].code == 702:
                self.assertEqual(marks(events), [str(i)])
        self.until_it_speaks(m)


if __name__ == "__main__":
    MODULE, DAEMON, DATA = sys.argv[1:4]
    if sys.argv[4:] == ["many"]:
        KILLS, STOPS = 200, 500
    unittest.main(argv=[sys.argv[0]])
