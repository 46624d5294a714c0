#!/usr/bin/env python3
"""House rules for text files: formatting, no stray machine paths, size.

Usage: lint_text.py ROOT     (reads the files that git tracks)
"""
import pathlib
import re
import shutil
import subprocess
import sys

MAX_TREE = 48 << 20
MAX_FILE_LINES = 700
# The start of a path that belongs to somebody's machine.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|home/\w+|Users)/")


def main():
    root = pathlib.Path(sys.argv[1])
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=False,
                             capture_output=True, text=True)
    if listing.returncode:
        print("not a git checkout: the files cannot be listed")
        sys.exit(77)
    names = [n for n in listing.stdout.split("\0")
             if n and (root / n).is_file()]
    faults = []
    size = sum((root / n).stat().st_size for n in names)
    if size > MAX_TREE:
        faults.append(f"the tree holds {size >> 20} MiB, more than 48")

    sources = [n for n in names if n.endswith((".c", ".h", ".cu"))]
    for name in sources + [n for n in names if n.endswith((".py", ".sh", ".md"))]:
        text = (root / name).read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line) and "lint_text" not in name:
                faults.append(f"{name}:{number}: a path of one machine")
    for name in sources:
        lines = (root / name).read_text(encoding="utf-8").count("\n")
        if lines > MAX_FILE_LINES:
            faults.append(f"{name}: {lines} lines; split it by meaning")

    formatter = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not formatter:
        faults.append("clang-format-14 is not installed")
    else:
        done = subprocess.run([formatter, "--dry-run", "--Werror", *sources],
                              cwd=root, check=False, capture_output=True,
                              text=True)
        if done.returncode:
            bad = sorted(set(re.findall(r"^([^:\n]+):\d+", done.stderr, re.M)))
            faults += [f"{n}: run `make format`" for n in bad]

    print("\n".join(faults) or f"{len(names)} files in order")
    sys.exit(1 if faults or not sources else 0)


if __name__ == "__main__":
    main()
