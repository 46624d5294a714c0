"""Where the tests of this folder find things."""
import os
import pathlib
import subprocess
import tempfile

SOURCE = pathlib.Path(os.environ["PACKAGE_SOURCE"])
BUILD = pathlib.Path(os.environ["PACKAGE_BUILD"])
CMAKE = os.environ["PACKAGE_CMAKE"]
LIBRARY = BUILD / "lib/libchatterbox.so"
HEADERS = [pathlib.Path(line) for line in
           (BUILD / "public_headers.txt").read_text().split()]


def run(*command, ok=True, **more):
    """The finished process; its output is shown where it failed."""
    done = subprocess.run([str(c) for c in command], capture_output=True,
                          check=False, **more)
    if ok and done.returncode:
        raise AssertionError(f"{command}: exit {done.returncode}\n"
                             f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done


def scratch():
    return tempfile.TemporaryDirectory(prefix="chatterbox-package-")
