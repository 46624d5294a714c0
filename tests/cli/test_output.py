"""Where the sound goes, and what happens when it cannot get there."""
import errno
import os
import shutil
import struct
import subprocess

import harness


class Output(harness.Case):
    def render(self, *args):
        return ("render", "--model", harness.MODEL, *args)

    # -- formats -------------------------------------------------------------

    def test_the_default_is_mono_float_at_24_khz(self):
        self.succeeds(*self.render("-o", "out.wav", "Hello."))
        chunks = harness.wav_chunks(self.folder / "out.wav")
        kind, channels, rate = struct.unpack_from("<HHI", chunks[b"fmt "])
        (bits,) = struct.unpack_from("<H", chunks[b"fmt "], 14)
        if kind == 0xFFFE:  # extensible: the type is in the sub-format
            (kind,) = struct.unpack_from("<H", chunks[b"fmt "], 24)
        self.assertEqual((kind, channels, rate, bits), (3, 1, 24000, 32))
        raw = self.samples("--model", harness.MODEL, "Hello.")
        self.assertTrue(chunks[b"data"] == raw)

    def test_other_types_and_rates(self):
        raw = self.samples("--model", harness.MODEL, "Hello.")
        seconds = len(raw) / 4 / 24000
        for subtype, bits, code in (("16", 16, 1), ("24", 24, 1), ("32", 32, 1),
                                    ("float", 32, 3)):
            self.succeeds(*self.render("-o", "out.wav", "--subtype", subtype,
                                       "--rate", "48000", "Hello."))
            chunks = harness.wav_chunks(self.folder / "out.wav")
            head = chunks[b"fmt "]
            kind, _, rate = struct.unpack_from("<HHI", head)
            if kind == 0xFFFE:
                (kind,) = struct.unpack_from("<H", head, 24)
            self.assertEqual((kind, rate, struct.unpack_from("<H", head, 14)[0]),
                             (code, 48000, bits))
            self.assertAlmostEqual(
                len(chunks[b"data"]) / (bits // 8) / 48000, seconds, delta=1e-3)
        s16 = self.samples("--model", harness.MODEL, "--format", "s16le",
                           "Hello.")
        self.assertEqual(len(s16), len(raw) // 2)

    def test_every_file_type_opens(self):
        kinds = {"out.flac": b"fLaC", "out.ogg": b"OggS", "out.opus": b"OggS",
                 "out.mp3": None, "out.wav": b"RIFF", "out.rf64": b"RF64"}
        for name, magic in kinds.items():
            with self.subTest(name=name):
                self.succeeds(*self.render("-o", name, "Hello."))
                data = (self.folder / name).read_bytes()
                self.assertGreater(len(data), 500)
                if magic:
                    self.assertEqual(data[:4], magic)
                else:
                    self.assertTrue(data[:3] == b"ID3" or
                                    data[0] == 0xFF and data[1] >= 0xE0)
                if name in ("out.flac", "out.ogg") and shutil.which("soxi"):
                    rate = subprocess.run(["soxi", "-r", name], check=True,
                                          cwd=self.folder, capture_output=True)
                    self.assertEqual(rate.stdout.strip(), b"24000")
        self.succeeds(*self.render("-o", "named", "--format", "flac", "Hello."))
        self.assertEqual((self.folder / "named").read_bytes()[:4], b"fLaC")

    def test_a_file_that_exists_is_replaced(self):
        (self.folder / "out.wav").write_bytes(b"old")
        self.succeeds(*self.render("-o", "out.wav", "Hello."))
        harness.wav_chunks(self.folder / "out.wav")
        self.leaves_nothing("out.wav")

    # -- failures ------------------------------------------------------------

    def keeps(self, *args, names=(), code=None, **how):
        """The command fails, and out.wav is what it was."""
        (self.folder / "out.wav").write_bytes(b"precious")
        self.fails(*args, names=names, code=code, **how)
        self.assertEqual((self.folder / "out.wav").read_bytes(), b"precious")
        self.leaves_nothing("out.wav")

    def test_nothing_is_destroyed_where_nothing_was_spoken(self):
        for text in ("", "...", " \n\t ", "?!"):
            self.keeps(*self.render("-o", "out.wav", text), code=1)
        self.keeps(*self.render("-o", "out.wav", "--voice", "nobody", "Hello."))
        self.keeps(*self.render("-o", "out.wav", "--temperature", "0", "Hi."))
        self.keeps(*self.render("-o", "out.wav", "--subtype", "9", "Hello."))

    def test_places_that_cannot_be_written(self):
        for path in ("no/folder/out.wav", "/proc/out.wav", ".", "/", ""):
            with self.subTest(path=path):
                self.fails(*self.render("-o", path, "--format", "wav",
                                        "Hello."), names=[path])
        for name in ("out.doc", "out", "out.", ".wav.d/x"):
            self.fails(*self.render("-o", name, "Hello."), names=[name])
        self.leaves_nothing()

    def test_no_permission(self):
        if os.geteuid() == 0:
            self.skipTest("root may write anywhere")
        locked = self.folder / "locked"
        locked.mkdir(0o555)
        self.fails(*self.render("-o", "locked/out.wav", "Hello."),
                   names=["locked/out.wav", os.strerror(errno.EACCES)], code=1)

    def test_a_full_disk(self):
        for kind in ("wav", "flac", "ogg"):
            with self.subTest(kind=kind):
                self.fails(*self.render("-o", "/dev/full", "--format", kind,
                                        "Hello."), names=["/dev/full"], code=1)
        with open("/dev/full", "wb") as full:
            self.fails(*self.render("--raw", "Hello."), stdout=full,
                       names=["No space"], code=1)

    def test_a_reader_that_leaves(self):
        process = self.start(*self.render("--raw", "Hello. " * 400))
        process.stdout.read(100)
        process.stdout.close()
        process.stdout = None
        self.complains(self.finish(process), "closed", code=1)

    def test_closed_streams(self):
        def close(fd):
            return lambda: os.close(fd)
        self.fails(*self.render("--raw", "Hello."), stdout=None,
                   preexec_fn=close(1), code=1)
        process = self.start(*self.render("-o", "x.wav", "-"),
                             preexec_fn=close(0))
        self.complains(self.finish(process), "standard input", code=1)
        self.leaves_nothing()
        process = self.start(*self.render("-o", "x.wav", "..."),
                             preexec_fn=close(2))
        self.assertEqual(self.finish(process).code, 1)

    def test_no_sound_device(self):
        devices = self.succeeds("devices").out
        if not devices.startswith(b"no sound device"):
            self.skipTest("this machine has a sound device")
        say = ("say", "--model", harness.MODEL)
        self.fails(*say, "Hello.", names=["device"], code=1)
        self.fails(*say, "--device", "gramophone", "Hello.",
                   names=["gramophone"], code=1)
        self.fails(*say, "--jack", "Hello.", names=["JACK"], code=1)
        r = self.succeeds(*say, "--fallback", "out.wav", "Hello.")
        self.assertIn("out.wav", r.err)
        harness.wav_chunks(self.folder / "out.wav")

    def test_homes_that_are_of_no_use(self):
        locked = self.folder / "home"
        locked.mkdir(0o555)
        for home in (None, "", "/nonexistent", "/proc", str(locked)):
            with self.subTest(home=home):
                self.succeeds(*self.render("-o", "out.wav", "Hello."),
                              env=self.environment(HOME=home))
        self.assertEqual(list(locked.iterdir()), [])


if __name__ == "__main__":
    harness.main()
