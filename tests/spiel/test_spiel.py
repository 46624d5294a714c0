#!/usr/bin/env python3
"""A client of org.freedesktop.Speech.Provider, written from its documentation
(https://project-spiel.org): voices, sound, events, and the end by closing the
pipe. The session's bus is a private one, and starts the provider itself.

Usage: test_spiel.py PROVIDER DAEMON DATA
"""
import array
import os
import pathlib
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import dbus
    import dbus.bus
except ImportError:
    print("skipped: python3-dbus is not installed", file=sys.stderr)
    sys.exit(77)

PROVIDER = DAEMON = DATA = None
NAME = "io.github.chatterbox.Speech.Provider"
PATH = "/" + NAME.replace(".", "/")
INTERFACE = "org.freedesktop.Speech.Provider"
TEXT = "One two three. Another sentence with caf\u00e9 words."
WORD, SENTENCE, MARK = 1, 2, 4


class Stream:
    """The reader's end of a pipe in the format audio/x-spiel, version 0.01."""

    def __init__(self):
        self.fd, self.theirs = os.pipe()
        self.events, self.frames, self.header = [], array.array("h"), None
        self.buffer = b""

    def close(self):
        for fd in (self.fd, self.theirs):
            if fd is not None:
                os.close(fd)
        self.fd = self.theirs = None

    def give(self):
        """Our copy of the writer's end is closed once it was handed over."""
        os.close(self.theirs)
        self.theirs = None

    def take(self, n):
        while len(self.buffer) < n:
            if not select.select([self.fd], [], [], 60)[0]:
                raise AssertionError("nothing comes")
            data = os.read(self.fd, 65536)
            if not data:
                return None
            self.buffer += data
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def chunk(self):
        """False at the end."""
        if self.header is None:
            self.header = self.take(4)
            if self.header is None:
                return False
        kind = self.take(1)
        if kind is None:
            assert not self.buffer, "half a chunk"
            return False
        if kind == b"\x01":
            (size,) = struct.unpack("<I", self.take(4))
            self.frames.frombytes(self.take(size))
        elif kind == b"\x02":
            event, start, end, n = struct.unpack("<BIII", self.take(13))
            name = self.take(n).decode()
            self.events.append((event, start, end, name, len(self.frames)))
        else:
            raise AssertionError(f"a chunk of kind {kind}")
        return True

    def all(self):
        while self.chunk():
            pass
        return self

    def of(self, kind):
        return [x for x in self.events if x[0] == kind]


class Spiel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory(prefix="chatterbox-spiel-")
        cls.folder = folder = pathlib.Path(cls.holder.name)
        (folder / "run").mkdir(mode=0o700)
        services = folder / "share/dbus-1/services"
        services.mkdir(parents=True)
        (services / f"{NAME}.service").write_text(
            f"[D-BUS Service]\nName={NAME}\nExec={PROVIDER}\n")
        address = f"unix:path={folder}/run/bus"
        env = {k: v for k, v in os.environ.items() if k == "PATH" or
               k.endswith("SAN_OPTIONS")}
        env.update(HOME=str(folder), XDG_RUNTIME_DIR=str(folder / "run"),
                   XDG_DATA_HOME=str(folder / "share"), CHATTERBOX_DATA=DATA,
                   DBUS_SESSION_BUS_ADDRESS=address)
        cls.log = open(folder / "log", "ab")
        cls.started = [subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=cls.log,
            stderr=cls.log)
            for command in ([DAEMON], ["dbus-daemon", "--session",
                                       f"--address={address}", "--nofork"])]
        for path in ("bus", "chatterbox/control.sock"):
            for _ in range(400):
                with socket.socket(socket.AF_UNIX) as s:
                    if s.connect_ex(str(folder / "run" / path)) == 0:
                        break
                time.sleep(.05)
        cls.bus = dbus.bus.BusConnection(address)

    @classmethod
    def tearDownClass(cls):
        cls.bus.close()
        for process in reversed(cls.started):
            process.terminate()
            process.wait()
        cls.log.close()
        cls.holder.cleanup()

    def setUp(self):
        self.object = self.bus.get_object(NAME, PATH)

    def property(self, name):
        return self.object.Get(INTERFACE, name,
                               dbus_interface=dbus.PROPERTIES_IFACE)

    def speak(self, text, voice="slt", pitch=1.0, rate=1.0, ssml=False,
              language="en"):
        stream = Stream()
        self.addCleanup(stream.close)
        self.object.Synthesize(dbus.types.UnixFd(stream.theirs), text, voice,
                               pitch, rate, ssml, language,
                               dbus_interface=INTERFACE)
        stream.give()
        return stream

    def refused(self, name, **how):
        with self.assertRaises(dbus.exceptions.DBusException) as got:
            self.speak(TEXT, **how)
        self.assertEqual(got.exception.get_dbus_name(),
                         f"org.freedesktop.DBus.Error.{name}")
        return got.exception.get_dbus_message()

    def test_the_bus_can_start_it(self):
        self.assertIn(NAME, self.bus.list_activatable_names())
        self.assertEqual(self.property("Name"), "Chatterbox")

    def test_voices_have_what_the_interface_asks_for(self):
        voices = self.property("Voices")
        self.assertEqual(voices.signature, "(ssstas)")
        name, voice, form, features, languages = next(
            v for v in voices if v[1] == "slt")
        self.assertEqual(form, "audio/x-spiel,format=S16LE,channels=1,"
                               "rate=24000")
        self.assertEqual(features & 0xf, 0xb)  # words, sentences, marks
        self.assertEqual(list(languages), ["en"])
        self.assertTrue(name)

    def test_sound_and_events_come_in_order(self):
        stream = self.speak(TEXT).all()
        self.assertEqual(stream.header, b"0.01")
        self.assertGreater(len(stream.frames), 24000)
        self.assertGreater(max(stream.frames), 2000)
        places = [x[4] for x in stream.events]
        self.assertEqual(places, sorted(places))
        said = [TEXT[a:b].strip() for _, a, b, _, _ in stream.of(SENTENCE)]
        self.assertEqual(said, ["One two three.",
                                "Another sentence with caf\u00e9 words."])
        words = [TEXT[a:b] for _, a, b, _, _ in stream.of(WORD)]
        self.assertEqual([w.strip(".") for w in words],
                         TEXT.replace(".", "").split())

    def test_the_same_text_is_the_same_sound(self):
        self.assertEqual(self.speak(TEXT).all().frames,
                         self.speak(TEXT).all().frames)

    def test_marks_of_ssml_come_once_and_in_order(self):
        stream = self.speak('<speak>One <mark name="a"/>two <mark name="b"/>'
                            'three.<mark name="c"/></speak>', ssml=True).all()
        self.assertEqual([x[3] for x in stream.of(MARK)], ["a", "b", "c"])

    def test_rate_changes_the_length(self):
        normal = len(self.speak(TEXT).all().frames)
        fast = len(self.speak(TEXT, rate=2.0).all().frames)
        self.assertTrue(0.4 < fast / normal < 0.65, (fast, normal))

    def test_several_are_spoken_at_once(self):
        streams = [self.speak(f"Number {i}. {TEXT}") for i in range(6)]
        open_ones = list(streams)
        while open_ones:  # in turns
            open_ones = [s for s in open_ones if s.chunk()]
        for i, s in enumerate(streams):
            self.assertEqual(s.frames,
                             self.speak(f"Number {i}. {TEXT}").all().frames)

    def test_closing_the_pipe_ends_it(self):
        streams = [self.speak(TEXT * 50) for _ in range(16)]
        self.assertIn("16 utterances", self.refused("LimitsExceeded"))
        for s in streams:
            s.close()
        for _ in range(100):  # until it is seen
            try:
                self.assertGreater(len(self.speak("Over.").all().frames), 2000)
                return
            except dbus.exceptions.DBusException:
                time.sleep(.1)
        self.fail("utterances without a reader do not end")

    def test_a_reader_that_takes_nothing_holds_nobody_up(self):
        slow = self.speak(TEXT * 20)
        self.assertGreater(len(self.speak(TEXT).all().frames), 24000)
        slow.close()

    def test_what_cannot_be_spoken_is_refused(self):
        self.assertIn("nobody", self.refused("InvalidArgs", voice="nobody"))
        stream = Stream()
        self.addCleanup(stream.close)
        with self.assertRaises(dbus.exceptions.DBusException) as got:
            self.object.Synthesize(dbus.types.UnixFd(stream.fd), TEXT, "slt",
                                   1.0, 1.0, False, "en",
                                   dbus_interface=INTERFACE)
        self.assertIn("written", got.exception.get_dbus_message())
        for text in ("", " \n"):
            self.assertEqual(len(self.speak(text).all().of(WORD)), 0)


if __name__ == "__main__":
    PROVIDER, DAEMON, DATA = sys.argv[1:4]
    unittest.main(argv=[sys.argv[0]])
