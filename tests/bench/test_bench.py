#!/usr/bin/env python3
"""bench runs, reports every part, and finds that decoding allocates nothing.
No time is looked at: a figure is only ever wanted to be there.

Usage: test_bench.py BENCH SOURCE_ROOT"""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

BENCH, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])

PARTS = {
    "machine": {"cpu", "features", "threads", "kernels"},
    "fma": {"set", "gflops"},
    "read": {"mib", "gb_s"},
    "gemm": {"m", "k", "n", "gflops", "of_peak"},
    "gemv": {"rows", "gb_s", "of_read", "times_one_row"},
    "attention": {"queries", "keys", "ms"},
    "variants": {"kernels", "format", "ms", "times_default"},
    "variants_summary": {"default", "behind_the_best"},
    "t3_load": {"family", "mb", "seconds"},
    "t3_prefill": {"ids", "ms", "allocations"},
    "t3_step": {"kv", "streams", "ms", "tokens_s", "gb_s", "allocations"},
    "flow": {"grid", "cell", "ms", "rtf", "allocations"},
    "flow_causal": {"grid", "cell", "ms", "allocations"},
    "vocoder": {"ms_a_frame", "allocations"},
    "load": {"model_s", "weights_mb", "allocations"},
    "first_audio": {"state", "latency", "ms"},
    "speech": {"rtf", "t3", "flow", "vocoder", "cuts", "allocations"},
    "memory": {"own_mb"},
    "neighbours": {"during", "share_of_machine"},
}
DECODING = ("t3_prefill", "t3_step", "flow", "flow_causal", "vocoder", "speech")


def run(scratch, *arguments):
    environment = dict(os.environ, CHATTERBOX_DATA=str(ROOT / "presets"),
                       TMPDIR=str(scratch))
    return subprocess.run([BENCH, *arguments], env=environment, text=True,
                          capture_output=True)


def every_part_is_in_the_report(report):
    for part, keys in PARTS.items():
        assert report.get(part), f"no rows of {part}"
        for row in report[part]:
            assert keys <= row.keys(), (part, keys - row.keys())
            for key, value in row.items():
                if isinstance(value, float):
                    assert math.isfinite(value) and value >= 0, (part, key)


def decoding_allocates_nothing(report):
    # What opens a model is seen to allocate, so the count counts.
    assert report["load"][0]["allocations"] > 0
    for part in DECODING:
        for row in report[part]:
            assert row["allocations"] == 0, (part, row)


def a_limit_of_tokens_cuts_speech_and_leaves_no_folder(scratch):
    out = scratch / "cut.json"
    done = run(scratch, "--quick", "--only", "speech", "--max-tokens", "20",
               "--json", str(out))
    assert done.returncode == 0, done.stderr
    for row in json.loads(out.read_text())["speech"]:
        assert row["cuts"] == 1 and row["tokens"] <= 20, row
    assert not list(scratch.glob("bench-*"))


def faults_are_named(scratch):
    for arguments, status, words in (
            (["--model", "no such"], 1, "no such"),
            (["--kernels", "no such"], 1, "no such"),
            (["--only", "weather"], 2, "Usage"),
            (["--threads", "many"], 2, "Usage"),
            (["--json"], 2, "Usage"),
            (["--only", "machine", "--json", "/no/such/file"], 1, "/no/such")):
        done = run(scratch, "--quick", *arguments)
        assert done.returncode == status, (arguments, done.returncode)
        assert words in done.stderr, (arguments, done.stderr)


def main():
    with tempfile.TemporaryDirectory() as d:
        scratch = pathlib.Path(d)
        out = scratch / "rows.json"
        done = run(scratch, "--quick", "--json", str(out))
        assert done.returncode == 0, done.stderr
        report = json.loads(out.read_text())
        every_part_is_in_the_report(report)
        decoding_allocates_nothing(report)
        a_limit_of_tokens_cuts_speech_and_leaves_no_folder(scratch)
        faults_are_named(scratch)
    print("ok")


if __name__ == "__main__":
    main()
