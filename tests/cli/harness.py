"""Runs the chatterbox program the way a stranger would. No test in here knows
how it is made.

A test file ends in harness.main() and is called with: PROGRAM SOURCE MODEL
(a folder: a tiny checkpoint that says a few tokens, for tests that need a model
but not its speech).
"""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = SOURCE = MODEL = None
SLOW = 1  # sanitizers make everything slower
SANITIZED = False
TIMEOUT = 60


class Result:
    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.seconds = code, out, seconds
        self.err = err.decode("utf-8", "replace")

    def lines(self):
        return self.err.splitlines()


class Case(unittest.TestCase):
    """A test with a folder of its own, which is its HOME too."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="chatterbox-cli-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def environment(self, **changes):
        kept = {k: v for k, v in os.environ.items()
                if k in ("PATH", "CBX_KERNELS") or k.endswith("SAN_OPTIONS")}
        kept.update(HOME=str(self.folder), LC_ALL="C",
                    CHATTERBOX_DATA=str(SOURCE / "presets"))
        kept.update(changes)
        return {k: v for k, v in kept.items() if v is not None}

    def start(self, *args, env=None, **how):
        how.setdefault("stdin", subprocess.DEVNULL)
        how.setdefault("stdout", subprocess.PIPE)
        how.setdefault("stderr", subprocess.PIPE)
        how.setdefault("cwd", self.folder)
        process = subprocess.Popen([how.pop("program", PROGRAM),
                                    *map(str, args)],
                                   env=env or self.environment(), **how)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def finish(self, process, stdin=None):
        began = time.monotonic()
        try:
            out, err = process.communicate(stdin, timeout=TIMEOUT * SLOW)
        except subprocess.TimeoutExpired:
            self.fail(f"{process.args} hangs")
        return Result(process.returncode, out or b"", err or b"",
                      time.monotonic() - began)

    def run_it(self, *args, stdin=None, **how):
        if stdin is not None:
            how["stdin"] = subprocess.PIPE
        return self.finish(self.start(*args, **how), stdin)

    # -- what is expected ----------------------------------------------------

    def succeeds(self, *args, **how):
        r = self.run_it(*args, **how)
        self.assertEqual(r.code, 0, r.err)
        return r

    def complains(self, r, *culprits, code=None):
        """One sentence that names the culprits, and an exit code of its own
        making."""
        said = [x for x in r.lines()
                if not x.startswith("chatterbox: warning: ")]
        self.assertEqual(len(said), 1, f"not one sentence: {r.err!r}")
        self.assertTrue(said[0].startswith("chatterbox: "), said[0])
        self.assertGreater(len(said[0]), 25, said[0])
        for culprit in culprits:
            self.assertIn(str(culprit), said[0])
        if code is None:
            self.assertIn(r.code, (1, 2), said[0])
        else:
            self.assertEqual(r.code, code, said[0])

    def fails(self, *args, names=(), code=None, **how):
        r = self.run_it(*args, **how)
        self.complains(r, *names, code=code)
        return r

    def samples(self, *args, **how):
        """What render writes, as raw bytes."""
        r = self.succeeds("render", "--raw", *args, **how)
        self.assertGreater(len(r.out), 4000)
        return r.out

    def leaves_nothing(self, *besides):
        left = sorted(p.name for p in self.folder.iterdir())
        self.assertEqual(left, sorted(besides))

    def copy_model(self, **files):
        """A folder like MODEL, but for the files given: bytes, or None for
        none. Dots in names are written as __."""
        changed = {name.replace("__", "."): data
                   for name, data in files.items()}
        folder = self.folder / "model"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for original in MODEL.iterdir():
            if original.name not in changed:
                (folder / original.name).symlink_to(original.resolve())
        for name, data in changed.items():
            if data is not None:
                (folder / name).write_bytes(data)
        return folder


# -- files ---------------------------------------------------------------------

def read_tensors(path):
    """name -> [dtype, shape, bytes]"""
    data = pathlib.Path(path).read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    body = data[8 + size:]
    return {name: [t["dtype"], t["shape"],
                   body[t["data_offsets"][0]:t["data_offsets"][1]]]
            for name, t in header.items()}


def header_of(tensors):
    header, at = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [at, at + len(data)]}
        at += len(data)
    return header


def file_of(tensors, header=None):
    text = json.dumps(header or header_of(tensors)).encode()
    text += b" " * (-len(text) % 8)
    return (struct.pack("<Q", len(text)) + text +
            b"".join(t[2] for t in tensors.values()))


def wav_chunks(path):
    data = pathlib.Path(path).read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE", data[:12]
    chunks, at = {}, 12
    while at + 8 <= len(data):
        name = data[at:at + 4]
        (size,) = struct.unpack_from("<I", data, at + 4)
        chunks[name] = data[at + 8:at + 8 + size]
        at += 8 + size + size % 2
    return chunks


def main():
    global PROGRAM, SOURCE, MODEL, SLOW, SANITIZED
    PROGRAM, source, model = sys.argv[1:4]
    SOURCE, MODEL = pathlib.Path(source), pathlib.Path(model)
    if os.environ.get("CLI_SANITIZED"):
        SLOW, SANITIZED = 8, True
    # tests import this file under its own name
    for name in ("PROGRAM", "SOURCE", "MODEL", "SLOW", "SANITIZED"):
        setattr(sys.modules["harness"], name, globals()[name])
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
