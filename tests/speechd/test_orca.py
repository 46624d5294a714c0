#!/usr/bin/env python3
"""The screen reader Orca with the module: its keys, and what is spoken for
them. Everything runs on a screen that nobody sees, and in real time on a
private PipeWire. Times are printed, not judged.

Usage: test_orca.py MODULE DATA [DAEMON]
"""
import os
import pathlib
import subprocess
import sys
import time
import unittest
import wave

from hosts import Host, needs
import transcript

needs("speech-dispatcher", "orca", "Xvfb", "openbox", "zenity", "xdotool",
      "pipewire", "wireplumber", "pipewire-pulse", "pw-cat", "dbus-daemon")

MODULE = DATA = DAEMON = None
PARAGRAPHS = [
    "The river was quiet in the morning. A boat lay at the shore.",
    "Nobody had seen the old man since spring. His house stood empty.",
    "Then the rain came, and with it the first guests of the year."]


class Orca(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = host = Host()
        try:
            cls.begin(host)
        except BaseException:
            host.close()
            raise

    @classmethod
    def begin(cls, host):
        host.env.update(CHATTERBOX_DATA=DATA, NO_AT_BRIDGE="0",
                        GTK_MODULES="gail:atk-bridge", GDK_BACKEND="x11",
                        GSETTINGS_BACKEND="memory")
        host.daemon(DAEMON)
        cls.display(host)
        if not host.pipewire():
            raise AssertionError("PipeWire does not start")
        if not host.speech_dispatcher(MODULE, "", "pulse"):
            raise AssertionError("the module does not start: " +
                                 host.log("speech-dispatcher"))
        host.start("openbox", wait=.5)
        host.start("zenity", "--info", "--text", "Hello from here.", wait=2,
                   name="hello")
        host.start("/usr/bin/python3", "/usr/bin/orca", "--replace",
                   "--debug-file", host.folder / "orca.debug", name="orca")
        if not host.until(lambda: any("Screen reader on" in u.plain()
                                      for u in cls.all()), 40):
            raise AssertionError("Orca does not speak: " + host.log("orca"))
        time.sleep(3)

    @classmethod
    def display(cls, host):
        read, write = os.pipe()
        process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1024x768x24",
             "-nolisten", "tcp"], pass_fds=[write], env=host.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        host.started.append(process)
        os.close(write)
        with os.fdopen(read) as number:
            host.env["DISPLAY"] = ":" + number.readline().strip()

    @classmethod
    def tearDownClass(cls):
        cls.host.close()

    @classmethod
    def all(cls):
        path = cls.host.transcript
        return transcript.read(path) if path.exists() else []

    def setUp(self):
        self.before = len(self.all())
        self.windows = []

    def tearDown(self):
        for window in self.windows:
            window.terminate()
            window.wait()
        self.quiet()
        self.assertEqual([x for u in self.new() for x in u.faults()], [])

    def new(self):
        return self.all()[self.before:]

    def window(self, *args):
        self.windows.append(self.host.start("zenity", *args, name="window"))
        title = args[args.index("--title") + 1]
        self.assertTrue(self.host.until(
            lambda: any(title in u.plain() for u in self.new()), 20),
            f"Orca does not notice the window: "
            f"{[u.plain() for u in self.new()]}")
        self.quiet()

    def press(self, *keys):
        for key in keys:
            self.host.command("xdotool", "key", key)
            time.sleep(.8)

    def quiet(self, seconds=1.0):
        """Until nothing has been spoken for a while."""
        self.host.until(lambda: not self.new() or all(
            u.ends() for u in self.new()) and time.time() -
            max(u.events[-1][0] for u in self.new()) > seconds, 60, .2)

    def spoken(self):
        return [u.plain() for u in self.new()]

    def expect_spoken(self, *texts):
        """Each one, in this order."""
        said = self.spoken()
        at = 0
        for text in texts:
            found = [i for i in range(at, len(said)) if text in said[i]]
            self.assertTrue(found, f"{text!r} is not in {said[at:]} of {said}")
            at = found[0]

    def print_times(self, what):
        took = [u.first_sound() - u.asked for u in self.new()
                if u.first_sound()]
        stops = [u.events[-1][0] - u.stopped for u in self.new()
                 if u.stopped and u.ends() == [703]]
        if took:
            print(f"figure: {what}: first sound {min(took) * 1e3:.1f} to "
                  f"{max(took) * 1e3:.1f} ms")
        if stops:
            print(f"figure: {what}: STOP to 703 {max(stops) * 1e3:.1f} ms at "
                  f"most, {len(stops)} times")

    # -- what a user does --------------------------------------------------------

    def test_1_the_greeting_and_the_window_were_spoken(self):
        self.before = 0
        self.expect_spoken("Screen reader on.", "Hello from here.")

    def test_2_tab_says_what_has_the_focus(self):
        self.window("--forms", "--title", "Card", "--text", "Who are you",
                    "--add-entry", "Street", "--add-entry", "Town")
        self.press("Tab", "Tab", "Tab")
        self.quiet()
        self.expect_spoken("text", "tab", "text", "tab", "Cancel push button",
                           "tab", "OK push button")
        self.print_times("Tab")

    def test_3_arrows_say_rows(self):
        self.window("--list", "--title", "Fruit", "--column", "Name",
                    "apple", "banana", "cherry")
        self.press("Down", "Down", "Up")
        self.quiet()
        self.expect_spoken("banana", "cherry", "banana")
        self.print_times("arrows")

    def test_4_typing_says_each_key(self):
        self.window("--entry", "--title", "Asking", "--text", "Your name")
        self.quiet(3)
        self.before = len(self.all())
        self.host.command("xdotool", "type", "--delay", "100", "abc")
        time.sleep(1.5)
        self.quiet()
        # a key that follows before the server has sent the last one to the
        # module replaces it there; the last one is always heard
        said = [x for x in self.spoken() if x in ("a", "b", "c")]
        self.assertEqual(said, sorted(set(said)))
        self.assertEqual(said[-1:], ["c"])
        self.assertEqual(self.new()[-1].ends(), [702])
        print(f"figure: typing abc: {len(said)} of 3 keys reached the module")
        self.print_times("typing abc")

    def test_5_say_all_reads_three_paragraphs(self):
        text = self.host.folder / "text"
        text.write_text("\n".join(PARAGRAPHS) + "\n")
        self.window("--text-info", "--title", "Story", "--filename", text,
                    "--width", "900")
        self.press("ctrl+Home")
        self.quiet()
        self.before = len(self.all())
        record = self.host.folder / "say_all.wav"
        pw_cat = self.host.start("pw-cat", "-r", "--target", "ttsnull", "-P",
                                 "{ stream.capture.sink=true }", record,
                                 wait=.5)
        self.press("KP_Add")
        self.host.until(lambda: "guests of the year" in
                        " ".join(self.spoken()), 60)
        self.quiet(2)
        pw_cat.terminate()
        pw_cat.wait()
        self.expect_spoken("The river was quiet", "A boat lay",
                           "Nobody had seen", "His house stood empty",
                           "Then the rain came")
        told = [u for u in self.new() if len(u.plain()) > 15]
        self.assertEqual([u.ends() for u in told], [[702]] * len(told))
        self.print_gaps(record)
        self.print_times("say-all")

    def print_gaps(self, record):
        """Silences between the first and the last sound of a recording."""
        with wave.open(str(record)) as w:
            rate, channels = w.getframerate(), w.getnchannels()
            data = memoryview(w.readframes(w.getnframes())).cast("h")
        loud = [i // channels for i in range(0, len(data), channels)
                if abs(data[i]) > 32]
        gaps = sorted(((b - a) / rate for a, b in zip(loud, loud[1:])
                       if b - a > rate // 100), reverse=True)
        print("figure: say-all: longest silences within, ms: " +
              ", ".join(f"{g * 1e3:.0f}" for g in gaps[:6]))


if __name__ == "__main__":
    MODULE, DATA = sys.argv[1:3]
    DAEMON = sys.argv[3] if len(sys.argv) > 3 else None
    unittest.main(argv=[sys.argv[0]])
