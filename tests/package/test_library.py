#!/usr/bin/env python3
"""The shared library shows what the headers declare, and the headers serve C
and C++ programs."""
import pathlib
import re
import unittest

from place import HEADERS, LIBRARY, SOURCE, run, scratch


def declared():
    """Functions of the headers, read in another way than the build does it."""
    text = "\n".join(h.read_text() for h in HEADERS)
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"\(\*\w+\)\([^)]*\)", " ", text)
    return set(re.findall(r"\b(cbx_\w+)\s*\(", text))


def exported():
    lines = run("nm", "-D", "--defined-only", LIBRARY).stdout.decode()
    return {line.split()[2].split("@")[0] for line in lines.splitlines()
            if line.split()[1] != "A"}


class Library(unittest.TestCase):
    def test_it_shows_what_the_headers_declare_and_nothing_else(self):
        self.assertGreater(len(declared()), 30)
        self.assertEqual(declared(), exported())

    def test_its_name_carries_the_abi(self):
        shown = run("readelf", "-d", LIBRARY).stdout.decode()
        abi = re.search(r"set\(CBX_ABI (\d+)\)",
                        (SOURCE / "CMakeLists.txt").read_text())[1]
        self.assertIn(f"[libchatterbox.so.{abi}]", shown)

    def test_no_code_is_patched_when_it_is_loaded(self):
        self.assertNotIn("TEXTREL", run("readelf", "-d", LIBRARY)
                         .stdout.decode())


class Headers(unittest.TestCase):
    def compile(self, compiler, *options, suffix):
        with scratch() as folder:
            for header in HEADERS:
                source = pathlib.Path(folder) / f"one{suffix}"
                source.write_text(f"#include <chatterbox/{header.name}>\n"
                                  "int main(void) { return 0; }\n")
                run(compiler, *options, "-Wall", "-Wextra", "-Werror",
                    "-pedantic", "-I", SOURCE / "include", "-c", source, "-o",
                    "/dev/null")

    def test_each_stands_alone_in_c(self):
        self.compile("cc", "-std=c99", suffix=".c")

    def test_each_stands_alone_in_cxx(self):
        self.compile("c++", "-std=c++11", suffix=".cc")


if __name__ == "__main__":
    unittest.main()
