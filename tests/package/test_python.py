#!/usr/bin/env python3
"""The binding has the header's layout, and speaks as the program does."""
import ctypes
import os
import pathlib
import sys
import unittest

from place import BUILD, LIBRARY, SOURCE, run, scratch

os.environ["CHATTERBOX_LIBRARY"] = str(LIBRARY)
sys.path.insert(0, str(BUILD / "python"))
import _chatterbox_abi as abi  # noqa: E402
import chatterbox  # noqa: E402

TEXT = "Good morning. This is a test."


class Layout(unittest.TestCase):
    def test_every_field_lies_where_the_compiler_puts_it(self):
        structs = [(n, s) for n, s in vars(abi).items()
                   if isinstance(s, type) and s.__name__.startswith("cbx_")]
        self.assertGreater(len(structs), 6)
        lines, wanted = [], []
        for name, s in structs:
            lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
            wanted.append(f"{name} {ctypes.sizeof(s)}")
            for field, _ in s._fields_:
                lines.append(f'printf("{name}.{field} %zu\\n", '
                             f"offsetof({name}, {field}));")
                wanted.append(f"{name}.{field} {getattr(s, field).offset}")
        for name, value in vars(abi).items():
            if name.startswith("CBX_"):
                lines.append(f'printf("{name} %d\\n", (int){name});')
                wanted.append(f"{name} {value}")
        with scratch() as folder:
            source = pathlib.Path(folder) / "layout.c"
            source.write_text("#include <chatterbox/chatterbox.h>\n"
                              "#include <stdio.h>\nint main(void) {\n"
                              + "\n".join(lines) + "\nreturn 0; }\n")
            program = source.with_suffix("")
            run("cc", "-I", SOURCE / "include", source, "-o", program)
            said = run(program).stdout.decode().splitlines()
        self.assertEqual(wanted, said)


class Speech(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = chatterbox.Engine()
        cls.voice = cls.engine.model().voice()

    @classmethod
    def tearDownClass(cls):
        cls.engine.close()

    def test_it_speaks_what_render_writes(self):
        wanted = run(BUILD / "bin/chatterbox", "render", "--raw", "-q",
                     "--seed", "3", TEXT).stdout
        self.assertGreater(len(wanted), 24000)
        self.assertEqual(wanted, b"".join(self.voice.speak(TEXT, seed=3)))

    def test_text_may_come_in_pieces_and_events_tell_of_it(self):
        whole = b"".join(self.voice.speak(TEXT, seed=3))
        with self.voice.stream(seed=3) as stream:
            for byte in TEXT.encode():
                stream.push(bytes([byte]))
            stream.finish()
            heard, kinds = b"", []
            while (block := stream.read(777)) is not None:
                heard += block
                kinds += [e.kind for e in stream.events()]
            kinds += [e.kind for e in stream.events()]
            self.assertTrue(any(whole))
            self.assertEqual(whole, heard)
            self.assertEqual(2, stream.stats["segments"])
        self.assertEqual("started", kinds[0])
        self.assertEqual("ended", kinds[-1])
        self.assertEqual(2, kinds.count("sentence"))

    def test_a_cancelled_stream_speaks_again(self):
        with self.voice.stream(seed=3) as stream:
            stream.push(TEXT * 20)
            stream.read(100)
            stream.cancel()
            while stream.read() is not None:
                pass
            stream.push(TEXT)
            stream.finish()
            heard = b""
            while (block := stream.read()) is not None:
                heard += block
        self.assertIn(b"".join(self.voice.speak(TEXT, seed=3)), heard)

    def test_text_without_a_word_ends(self):
        with self.voice.stream() as stream:
            for text in ("...", "Hi.", "!"):
                stream.push(text)
                stream.finish()
                heard = b""
                while (block := stream.read()) is not None:
                    heard += block
                self.assertEqual(text == "Hi.", any(heard))
                stream.cancel()
                while stream.read() is not None:
                    pass

    def test_faults_are_exceptions_with_the_librarys_sentence(self):
        with self.assertRaisesRegex(chatterbox.Error, "unknown model 'nope'"):
            self.engine.model("nope")
        with self.assertRaisesRegex(chatterbox.Error, "temperature"):
            self.voice.stream(temperature=-1)
        with self.assertRaisesRegex(TypeError, "no parameter 'sed'"):
            self.voice.stream(sed=1)
        stream = self.voice.stream()
        stream.close()
        with self.assertRaisesRegex(ValueError, "closed"):
            stream.push("x")

    def test_voices_are_listed(self):
        self.assertIn("slt", [v["name"] for v in chatterbox.voices()])


if __name__ == "__main__":
    unittest.main()
