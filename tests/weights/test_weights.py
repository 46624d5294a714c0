#!/usr/bin/env python3
"""--weights and --compute change the sound, each in one way only, whatever the
threads; what is no format is refused. The tool `weights` shows what they cost.

Usage: test_weights.py WEIGHTS CHATTERBOX SOURCE_ROOT"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

WEIGHTS, CHATTERBOX, ROOT = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
ENVIRONMENT = dict(os.environ, CHATTERBOX_DATA=str(ROOT / "presets"))
SENTENCES = ROOT / "tests/speech/sentences.txt"


def run(*command):
    return subprocess.run([str(c) for c in command], env=ENVIRONMENT, text=True,
                          capture_output=True)


def spoken(*options):
    done = subprocess.run(
        [CHATTERBOX, "render", "--raw", "--no-watermark", *options,
         "Good morning."], env=ENVIRONMENT, capture_output=True)
    assert done.returncode == 0 and len(done.stdout) > 10000, done.stderr
    return done.stdout


def each_format_is_a_sound_of_its_own():
    plain = spoken()
    assert spoken("--weights", "f32", "--compute", "f32") == plain
    seen = {plain}
    for option, name in (("--weights", "bf16"), ("--weights", "int8"),
                         ("--weights", "int4"), ("--compute", "bf16"),
                         ("--compute", "int8")):
        one = spoken(option, name, "--threads", "1")
        # good weights of T3 may draw the very same tokens
        assert one not in seen or name in ("bf16", "int8"), (option, name)
        if option == "--compute":
            assert one not in seen, name
            seen.add(one)
        assert spoken(option, name, "--threads", "2") == one


def what_is_no_format_is_refused(scratch):
    for option, value, offered in (("--weights", "int5", "int4"),
                                   ("--compute", "int4", "bf16")):
        done = run(CHATTERBOX, "render", "-o", scratch / "no.wav", option, value,
                   "Hello.")
        assert done.returncode != 0
        assert value in done.stderr and offered in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


def the_tool_shows_what_formats_cost():
    done = run(WEIGHTS, "errors", "builtin")
    assert done.returncode == 0, done.stderr
    last = [float(x) for x in done.stdout.splitlines()[-1].split()[1:]]
    bf16, int8, int4 = last[0], last[2], last[4]
    assert 1e-3 < bf16 < 2e-3 < int8 < 1e-2 < int4 < 0.12, last
    done = run(WEIGHTS, "tokens", "builtin", SENTENCES, "2", "30")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["bf16", "int8", "int4"]
    for line in lines:
        same, of = map(int, re.search(r"in (\d+) of (\d+) lines", line).groups())
        assert 0 <= same <= of == 2, line


def bad_use_is_named():
    assert run(WEIGHTS).returncode == 2
    assert run(WEIGHTS, "paint", "builtin").returncode == 2
    done = run(WEIGHTS, "errors", "/no/such/folder")
    assert done.returncode == 1 and "/no/such" in done.stderr, done.stderr
    done = run(WEIGHTS, "tokens", "builtin", "/no/such/text")
    assert done.returncode == 1 and "/no/such/text" in done.stderr, done.stderr


each_format_is_a_sound_of_its_own()
with tempfile.TemporaryDirectory() as d:
    what_is_no_format_is_refused(pathlib.Path(d))
the_tool_shows_what_formats_cost()
bad_use_is_named()
