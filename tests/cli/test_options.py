"""Commands and options: the names are a contract, mistakes are named."""
import re
import shutil
import subprocess

import harness

COMMANDS = ("say", "render", "voices", "devices", "inspect", "help", "version")
PROMISED = {
    "say": ("voice seed temperature top-k top-p min-p repetition-penalty model "
            "threads latency stats jack device").split(),
    "render": ("voice seed temperature top-k top-p min-p repetition-penalty "
               "model threads latency stats output").split(),
}


def options_in(text):
    return set(re.findall(r"^ +(?:-\w, )?--([a-z][a-z0-9-]*)", text, re.M))


class Help(harness.Case):
    def test_every_command_has_help(self):
        overview = self.succeeds("help").out.decode()
        self.assertEqual(self.succeeds("--help").out.decode(), overview)
        self.assertEqual(self.succeeds("-h").out.decode(), overview)
        for command in COMMANDS:
            self.assertIn(f"chatterbox {command}", overview)
            a = self.succeeds(command, "--help")
            b = self.succeeds("help", command)
            self.assertEqual(a.out, b.out)
            self.assertEqual(a.err, "")
        for command, names in PROMISED.items():
            found = options_in(self.succeeds(command, "--help").out.decode())
            self.assertLessEqual(set(names), found)

    def test_help_fits_a_terminal(self):
        for command in COMMANDS:
            for line in self.succeeds("help", command).out.decode().split("\n"):
                self.assertLess(len(line), 80, line)
                self.assertEqual(line, line.rstrip())

    def test_version(self):
        for word in ("version", "--version"):
            self.assertRegex(self.succeeds(word).out.decode(),
                             r"^chatterbox \d+\.\d+\.\d+\n$")

    def test_the_man_page_lists_every_option(self):
        page = self.succeeds("--man").out.decode()
        plain = page.replace("\\-", "-")
        for command in ("say", "render"):
            for name in options_in(
                    self.succeeds(command, "--help").out.decode()):
                self.assertIn(f"--{name}", plain)
        for command in COMMANDS[:5]:
            self.assertIn(f"chatterbox {command}", plain)

    def test_the_man_page_is_sound(self):
        if not shutil.which("mandoc"):
            self.skipTest("no mandoc")
        page = self.succeeds("--man").out
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"],
                              input=page, capture_output=True, check=False)
        self.assertEqual(lint.stdout, b"")
        self.assertEqual(lint.returncode, 0)

    def test_output_that_cannot_be_written_is_reported(self):
        for args in (["help"], ["say", "--help"], ["--man"], ["version"],
                     ["voices"], ["inspect", harness.MODEL]):
            with open("/dev/full", "wb") as full:
                self.fails(*args, stdout=full, names=["No space"], code=1)


class Mistakes(harness.Case):
    def test_commands(self):
        self.fails(names=["command"], code=2)
        self.fails("sing", names=["sing"], code=2)
        self.fails("", names=["''"], code=2)
        self.fails("help", "sing", names=["sing"], code=2)
        self.fails("--sing", names=["--sing"], code=2)
        self.fails("x" * 100000, names=["xxxx"], code=2)

    def test_surplus_words(self):
        for command in ("voices", "devices", "version"):
            self.fails(command, "more", names=["more"], code=2)
        self.fails("inspect", harness.MODEL, "more", names=["more"], code=2)

    def test_unknown_options(self):
        for command in ("say", "render", "voices", "inspect"):
            self.fails(command, "--loud", names=["--loud"], code=2)
            self.fails(command, "-Z", names=["-Z"], code=2)
        self.fails("say", "-qZ", "Hello.", names=["-Z"], code=2)

    def test_options_of_other_commands(self):
        for command, option in (("voices", "--seed=1"), ("say", "--output=x"),
                                ("render", "--jack"), ("inspect", "--stats")):
            self.fails(command, option, names=[command, option.split("=")[0]],
                       code=2)

    def test_missing_values(self):
        for option in ("--seed", "--voice", "--model", "--rate", "-v", "-o"):
            self.fails("render", option, names=[option], code=2)

    def test_values_out_of_range(self):
        for option, values in {
                "temperature": ("0", "-1", "nan", "inf", "hot", "", "1e99"),
                "top-p": ("0", "1.5", "x", "-0.1"),
                "min-p": ("-0.1", "1", "x"),
                "top-k": ("-1", "1.5", "1e9", "x"),
                "repetition-penalty": ("0.5", "0", "x", "1e9"),
                "seed": ("-1", "x", "1.5", "18446744073709551616", ""),
                "threads": ("-1", "1000", "x", "0.5"),
                "rate": ("0", "100", "1e9", "x", "44100.5"),
                "latency": ("never", ""),
                "kernels": ("abacus",),
                "sampling": ("unheard-of",),
                "subtype": ("8", "x"),
                "format": ("doc",)}.items():
            for value in values:
                with self.subTest(option=option, value=value):
                    r = self.fails("render", f"--{option}={value}", "-o",
                                   "out.wav", "--model", harness.MODEL,
                                   "Hello.")
                    name = re.escape(option).replace(r"\-", "[-_]")
                    self.assertRegex(r.err, f"{name}|{re.escape(value)}")
        self.leaves_nothing()

    def test_options_that_exclude_each_other(self):
        self.fails("render", "Hello.", names=["-o"], code=2)
        self.fails("render", "-o", "x.wav", "--raw", "Hello.", names=["--raw"],
                   code=2)
        self.fails("say", "--jack", "--null", "Hello.", names=["--jack"],
                   code=2)
        self.leaves_nothing()


class Lists(harness.Case):
    def test_voices(self):
        self.assertRegex(self.succeeds("voices").out.decode(),
                         r"(?m)^slt +en +builtin ")

    def test_devices(self):
        self.assertTrue(self.succeeds("devices").out)

    def test_inspect(self):
        file = harness.MODEL / "t3_turbo_v1.safetensors"
        tensors = harness.read_tensors(file)
        for path in (file, harness.MODEL):
            lines = self.succeeds("inspect", path).out.decode().splitlines()
            rows = {line.split()[0]: line for line in lines
                    if line.startswith("  ")}
            for name, (dtype, shape, data) in tensors.items():
                self.assertIn(dtype, rows[name])
                self.assertIn(str(shape), rows[name])
                self.assertTrue(rows[name].endswith(f" {len(data)}"))
        self.assertIn("family: turbo", lines)
        conds = self.succeeds("inspect", harness.MODEL / "conds.pt").out
        self.assertIn(b"speaker_emb", conds)


if __name__ == "__main__":
    harness.main()
