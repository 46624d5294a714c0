"""Text that no writer would write, and text that comes in odd ways."""
import time

import harness


class Text(harness.Case):
    def render(self, text, *args, **how):
        return self.run_it("render", "--model", harness.MODEL, "-o", "out.wav",
                           *args, "-", stdin=text, **how)

    def data(self):
        return harness.wav_chunks(self.folder / "out.wav")[b"data"]

    def test_nothing_to_speak(self):
        for text in (b"", b" ", b"\n\n\n", b"...", b"?! -- ()", b"\t\r\n",
                     "\u2026\u200b\ufeff".encode(), b" " * 100000,
                     b"." * 100000):
            with self.subTest(text=text[:20]):
                self.complains(self.render(text), "nothing to speak", code=1)
                self.leaves_nothing()
        for word in ("", " ", "...", "-- --"):
            self.fails("render", "--model", harness.MODEL, "-o", "out.wav",
                       "--", word, names=["nothing to speak"], code=1)
        self.leaves_nothing()

    def test_invalid_utf8_is_spoken_with_a_warning(self):
        for bad in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80",
                    b"\xe2\x82", b"\x80"):
            with self.subTest(bad=bad):
                r = self.render(b"Hello" + bad + b" world.", "--no-watermark")
                self.assertEqual(r.code, 0, r.err)
                self.assertRegex(r.err, r"\Achatterbox: warning: .*UTF-8.*\n\Z")
                self.assertTrue(self.data())
        r = self.render(b"Hello \xff world.", "--quiet")
        self.assertEqual((r.code, r.err), (0, ""))
        r = self.run_it("render", "--model", harness.MODEL, "-o", "out.wav",
                        b"Hello \xff world.".decode("utf-8", "surrogateescape"))
        self.assertEqual(r.code, 0, r.err)
        self.assertIn("warning", r.err)

    def test_what_comes_before_a_nul_is_spoken(self):
        self.assertEqual(self.render(b"Hello world.").code, 0)
        whole = self.data()
        r = self.render(b"Hello world.\0 Never said.")
        self.complains(r, "NUL", code=1)
        self.assertTrue(self.data() == whole)
        self.complains(self.render(b"\0"), "NUL", code=1)

    def test_a_megabyte_without_a_space(self):
        self.assertEqual(self.render(b"Well.").code, 0)
        said = self.data()
        r = self.render(b"Well. " + b"a" * (1 << 20))
        self.complains(r, "without", code=1)
        self.assertTrue(self.data() == said)

    def test_control_characters_and_odd_letters(self):
        for text in (b"\x01\x02Hello\x1b[31m world\x7f.",
                     "\u202eHello\u202c w\u0308\u0308\u0308orld.".encode(),
                     "\ufeffHello, \U0001f600 world.".encode(),
                     b"a" + "\u0301".encode() * 1000, b"Hello\r\nworld.\r\n"):
            with self.subTest(text=text[:20]):
                r = self.render(text)
                self.assertEqual(r.code, 0, r.err)

    def test_words_are_the_same_as_standard_input(self):
        a = self.samples("Good morning, this is a test. And more.")
        self.assertTrue(self.samples("Good", "morning, this", "is a test.",
                                      "And", "more.") == a)
        for args in (["-"], []):
            self.assertTrue(self.samples(*args, stdin=b"Good morning, this is "
                                          b"a test. And more.") == a)
        self.assertTrue(self.samples("--", "Good morning, this is a test. And "
                                      "more.") == a)

    def test_text_that_trickles_in_sounds_the_same(self):
        text = "One caf\u00e9. Two cups of tea, and \u201cthree\u201d."
        whole = self.samples("--model", harness.MODEL, text)
        process = self.start("render", "--raw", "--model", harness.MODEL, "-",
                             stdin=harness.subprocess.PIPE)
        for byte in text.encode():
            process.stdin.write(bytes([byte]))
            process.stdin.flush()
            time.sleep(0.005)
        r = self.finish(process)
        self.assertEqual(r.code, 0, r.err)
        self.assertTrue(r.out == whole)

    def test_speech_starts_before_the_text_ends(self):
        process = self.start("render", "--raw", "--model", harness.MODEL, "-",
                             stdin=harness.subprocess.PIPE)
        process.stdin.write(b"This is said at once. And this ")
        process.stdin.flush()
        self.assertEqual(len(process.stdout.read(4000)), 4000)
        process.stdin.write(b"later.")
        r = self.finish(process)
        self.assertEqual(r.code, 0, r.err)
        self.assertTrue(r.out)


if __name__ == "__main__":
    harness.main()
