#!/usr/bin/env python3
"""An installed tree is complete, another program is built against it, and
uninstalling leaves nothing."""
import os
import pathlib
import shutil
import unittest

from place import BUILD, CMAKE, SOURCE, run, scratch

TEXT = "Good morning, this is a test."


def environment(prefix):
    """As of a program that knows nothing of the build tree."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("CHATTERBOX", "XDG_"))}
    pkgconfig = ":".join(map(str, prefix.glob("lib/**/pkgconfig")))
    return {**kept, "PKG_CONFIG_PATH": pkgconfig, "HOME": str(prefix),
            "LD_LIBRARY_PATH": ":".join(
                str(p.parent) for p in prefix.glob("lib/**/libchatterbox.so"))}


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = scratch()
        cls.prefix = pathlib.Path(cls.scratch.name) / "prefix"
        # The list of what was installed is kept for the last test.
        cls.manifest = BUILD / "install_manifest.txt"
        kept = cls.manifest.read_bytes() if cls.manifest.exists() else None
        run(CMAKE, "--install", BUILD, "--prefix", cls.prefix)
        cls.installed = cls.manifest.read_text().split("\n")
        if kept is None:
            cls.manifest.unlink()
        else:
            cls.manifest.write_bytes(kept)
        cls.env = environment(cls.prefix)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def render(self):
        return run(self.prefix / "bin/chatterbox", "render", "--raw", "-q",
                   TEXT, env=self.env).stdout

    def test_a_program_finds_library_headers_and_voice(self):
        program = self.prefix / "speak"
        flags = run("pkg-config", "--cflags", "--libs", "chatterbox",
                    env=self.env).stdout.decode().split()
        # The installed .pc names the configured prefix; this one moved.
        moved = [f"-I{self.prefix}/include",
                 *(f"-L{p}" for p in self.env["LD_LIBRARY_PATH"].split(":"))]
        run("cc", SOURCE / "examples/speak.c", *moved, *flags, "-o", program,
            env=self.env)
        spoken = run(program, TEXT, env=self.env).stdout
        self.assertGreater(len(spoken), 24000)
        self.assertEqual(spoken, self.render())

    def test_a_program_in_cxx_does_too(self):
        source = self.prefix / "one.cc"
        source.write_text("#include <chatterbox/chatterbox.h>\n"
                          "#include <cstdio>\n"
                          "int main() { std::puts(cbx_version()); }\n")
        libraries = self.env["LD_LIBRARY_PATH"].split(":")
        run("c++", source, f"-I{self.prefix}/include",
            *(f"-L{p}" for p in libraries), "-lchatterbox", "-o",
            self.prefix / "one", env=self.env)
        said = run(self.prefix / "one", env=self.env).stdout.decode()
        self.assertRegex(said, r"^\d+\.\d+\.\d+\n$")

    def test_the_shell_completes_commands_options_and_values(self):
        script = self.prefix / "share/bash-completion/completions/chatterbox"
        ask = ('. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
               '_chatterbox; echo "${COMPREPLY[*]}"')

        def complete(*words):
            done = run("bash", "-c", ask, script, "chatterbox", *words,
                       env={**self.env, "PATH": f"{self.prefix}/bin:"
                                                + self.env["PATH"]})
            return done.stdout.decode().split()

        self.assertEqual(["render"], complete("rend"))
        self.assertEqual(["--latency"], complete("say", "--lat"))
        self.assertEqual(["lowest"], complete("say", "--latency", "low"))
        self.assertEqual(["slt"], complete("say", "--voice", "sl"))

    def test_man_pages_are_well_formed(self):
        pages = list(self.prefix.glob("share/man/man*/*"))
        self.assertTrue(pages)
        for page in pages:
            run("mandoc", "-T", "lint", "-W", "warning", page)

    def test_the_metainfo_is_valid(self):
        if not shutil.which("appstreamcli"):
            self.skipTest("appstreamcli is not installed")
        for file in self.prefix.glob("share/metainfo/*.xml"):
            run("appstreamcli", "validate", "--no-net", file)

    def test_zz_uninstalling_leaves_nothing(self):
        for name in self.installed:
            if name:
                pathlib.Path(name).unlink()
        left = [p for p in self.prefix.rglob("*") if p.is_file()
                and p.parent != self.prefix]
        self.assertEqual([], [p for p in left if "__pycache__" not in p.parts])


if __name__ == "__main__":
    unittest.main()
