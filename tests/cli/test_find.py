"""Presets and models are found: installed, in the build tree, at home."""
import os
import shutil
import subprocess

import harness


class Find(harness.Case):
    NOTHING = {"CHATTERBOX_DATA": None, "HOME": None, "PATH": None}

    def speaks(self, *args, program=None, **env):
        how = {"program": program} if program else {}
        r = self.succeeds("render", "--raw", *args, "Hi.",
                          env=self.environment(**self.NOTHING | env), **how)
        self.assertGreater(len(r.out), 4000)

    def test_an_installed_program_needs_no_environment(self):
        prefix = self.folder / "prefix"
        subprocess.run([os.environ["CLI_CMAKE"], "--install",
                        os.environ["CLI_BUILD"], "--prefix", prefix],
                       check=True, capture_output=True)
        program = prefix / "bin" / "chatterbox"
        self.speaks(program=program)
        self.speaks("--voice", "slt", program=program)
        self.assertTrue((prefix / "share/man/man1/chatterbox.1").stat().st_size)
        moved = self.folder / "elsewhere"
        prefix.rename(moved)
        self.speaks(program=moved / "bin" / "chatterbox")
        link = self.folder / "link"
        link.symlink_to(moved / "bin" / "chatterbox")
        self.speaks(program=link)

    def test_a_build_tree_needs_none_either(self):
        tree = self.folder / "tree"
        (tree / "build" / "bin").mkdir(parents=True)
        shutil.copy2(harness.PROGRAM, tree / "build" / "bin")
        (tree / "presets").symlink_to(harness.SOURCE / "presets")
        self.speaks(program=tree / "build" / "bin" / "chatterbox")

    def test_folders_are_searched_in_order(self):
        for name in ("first", "second"):
            voices = self.folder / name / "voices"
            voices.mkdir(parents=True)
            (voices / "me.ini").write_text(f"[voice]\ndescription = {name}\n")
        first, second = self.folder / "first", self.folder / "second"

        def description(**env):
            r = self.succeeds("voices", env=self.environment(**env))
            lines = [line for line in r.out.decode().splitlines()
                     if line.startswith("me ")]
            self.assertEqual(len(lines), 1)
            return lines[0].split()[-1]
        self.assertEqual(description(
            CHATTERBOX_DATA=f"{first}:{second}"), "first")
        self.assertEqual(description(
            CHATTERBOX_DATA=f":/nowhere::{second}:{first}:"), "second")
        xdg = self.folder / "xdg"
        xdg.mkdir()
        (xdg / "chatterbox").symlink_to(second)
        self.assertEqual(description(CHATTERBOX_DATA=str(first),
                                     XDG_DATA_HOME=str(xdg)), "first")
        self.assertEqual(description(CHATTERBOX_DATA=None,
                                     XDG_DATA_HOME=str(xdg)), "second")
        home = self.folder / ".local" / "share"
        home.mkdir(parents=True)
        (home / "chatterbox").symlink_to(first)
        self.assertEqual(description(CHATTERBOX_DATA=None), "first")

    def test_nothing_found_is_said(self):
        program = self.folder / "chatterbox"
        shutil.copy2(harness.PROGRAM, program)
        env = self.environment(**self.NOTHING)
        if self.run_it("voices", program=program, env=env).code == 0:
            self.skipTest("the program is installed on this machine")
        self.fails("render", "--raw", "Hi.", program=program, env=env,
                   names=["builtin"], code=2)


if __name__ == "__main__":
    harness.main()
