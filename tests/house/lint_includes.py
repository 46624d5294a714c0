#!/usr/bin/env python3
"""The arrows between folders (docs/ARCHITECTURE.md): fails on an include that
a folder may not have, and on an outside library used outside its own files.

Usage: lint_includes.py ROOT      (or --self-test)
"""
import pathlib
import re
import sys
import tempfile

# Each folder may include itself, the public headers, and these.
MAY_USE = {
    "include": [],
    "rt": [],
    "dsp": ["rt"],
    "kernels": ["rt"],
    "models": ["kernels", "dsp", "rt"],
    "engine": ["models", "kernels", "dsp", "rt"],
    "client": ["rt"],
    "plugin": ["client", "rt"],
    "daemon": ["client", "rt", "dsp"],
    "packaging": [],
    "examples": [],
    "tools": ["rt", "dsp", "kernels", "models", "engine", "client", "daemon"],
    "tests": ["rt", "dsp", "kernels", "models", "engine", "client", "plugin",
              "daemon", "tools"],
}

# Outside header -> the only places that may know it (path prefixes).
ONLY_IN = {
    r"cuda|cublas": ["kernels/cuda/"],
    r"portaudio\.h": ["daemon/sinks/portaudio", "examples/", "tests/"],
    r"jack/": ["daemon/sinks/jack", "daemon/sinks/devices", "daemon/sinks/quiet",
               "tests/"],
    r"sonic\.h": ["dsp/"],
    r"soxr\.h": ["dsp/", "plugin/core/resample", "tests/"],
    r"microhttpd\.h": ["daemon/http/", "tests/"],
    r"sndfile\.h": ["daemon/sinks/", "daemon/http/encoder", "dsp/", "plugin/core/take_file",
                     "tools/", "tests/"],
    r"jansson\.h": ["models/", "engine/", "client/", "daemon/", "tools/",
                    "tests/"],
    r"ini\.h": ["engine/", "daemon/", "tests/"],
    r"systemd/": ["daemon/"],
    r"lv2/|clap/": ["plugin/lv2/", "plugin/clap/", "tests/"],
    r"X11/|cairo|pango": ["plugin/window/", "tests/"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')


def faults_in(root):
    """Yields (path, line number, sentence); counts the files it read."""
    for folder, allowed in MAY_USE.items():
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in {".c", ".h", ".cu", ".cuh", ".cc"}:
                continue
            faults_in.files += 1
            inside = path.relative_to(root).as_posix()
            lines = path.read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines, 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                name = found[1] or found[2]
                top = name.split("/")[0]
                if (found[1] and top in MAY_USE
                        and top not in [folder, *allowed]):
                    yield inside, number, f"{folder} may not include {top}"
                for header, places in ONLY_IN.items():
                    if (found[2] and re.match(header, name)
                            and not any(map(inside.startswith, places))):
                        yield inside, number, f"{name} belongs to {places[0]}"


def self_test():
    """A planted fault of each kind must be found, a good file must not."""
    with tempfile.TemporaryDirectory() as d:
        root = pathlib.Path(d)
        for folder in ("rt", "models", "daemon"):
            (root / folder).mkdir()
        (root / "rt/a.c").write_text('#include "models/b.h"\n')
        (root / "models/b.c").write_text('#include "rt/a.h"\n')
        (root / "daemon/c.c").write_text("#include <jack/jack.h>\n")
        faults_in.files = 0
        found = sorted(f[0] for f in faults_in(root))
        assert found == ["daemon/c.c", "rt/a.c"], found
        assert faults_in.files == 3


def main():
    self_test()
    if sys.argv[1:] == ["--self-test"]:
        return
    faults_in.files = 0
    bad = 0
    for path, number, sentence in faults_in(pathlib.Path(sys.argv[1])):
        print(f"{path}:{number}: {sentence}")
        bad += 1
    if faults_in.files < 20:
        sys.exit(f"only {faults_in.files} source files found: wrong folder?")
    print(f"{faults_in.files} files, {bad} forbidden includes")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
