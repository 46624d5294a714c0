#!/usr/bin/env python3
"""The core with the real daemon and the built-in model: an offline run gives
the frames of `chatterbox render`, within 24 bit; also when the daemon is killed
midway and started again; and without one the log says what is missing.
Usage: test_daemon.py BUILD SOURCE"""
import array
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "hosts"))
from common import read_wav  # noqa: E402

TEXT = ("Good morning, this is a test of the plugin. It goes on for a second "
        "sentence, so that there is a middle to be cut off in.")
STEP = 2 ** -22  # one of 24 bit, and the resampler's own rounding


class Daemon:
    def __init__(self, build, env, socket):
        self.command = [str(build / "bin/chatterboxd"), "-s", str(socket)]
        self.env, self.process = env, None

    def start(self):
        self.process = subprocess.Popen(self.command, env=self.env,
                                        stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None


def through(build, env, rate, frames, out, wait=120):
    return subprocess.Popen([str(build / "tests/toy/through_daemon"), TEXT, "7",
                             str(rate), str(frames), str(out), str(wait)],
                            env=env, stderr=subprocess.PIPE, text=True)


def equal(out, want):
    got = array.array("f")
    got.frombytes(out.read_bytes())
    off = max(abs(a - b) for a, b in zip(want, got))
    assert max(map(abs, want)) > 0.05 and len(got) >= len(want)
    assert off <= STEP, off
    assert not any(got[len(want):]), "sound behind the end"
    return off


def main():
    build, source = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="cbx-plug-") as name:
        folder = pathlib.Path(name)
        socket = folder / "control.sock"
        env = dict(os.environ, XDG_RUNTIME_DIR=name, HOME=name,
                   CHATTERBOX_SOCKET=str(socket),
                   CHATTERBOX_DATA=str(source / "presets"))
        daemon = Daemon(build, env, socket)
        out = folder / "out.f32"
        try:
            for rate in (48000, 44100):
                wav = folder / "want.wav"
                subprocess.run([str(build / "bin/chatterbox"), "render", "-s",
                                "7", "--rate", str(rate), "-o", str(wav), "-"],
                               input=TEXT, text=True, env=env, check=True,
                               timeout=120, stderr=subprocess.DEVNULL)
                want = read_wav(wav)[2]
                frames = len(want) + rate
                daemon.start()
                run = through(build, env, rate, frames, out)
                if rate == 44100:
                    # killed as soon as some of it has been written
                    while not out.exists() or out.stat().st_size < 4096:
                        assert run.poll() is None
                        time.sleep(0.01)
                    daemon.kill()
                    time.sleep(0.5)
                    daemon.start()
                said = run.communicate(timeout=200)[1]
                assert run.returncode == 0 and "late 0" in said, said
                print(f"{rate} Hz: {len(want)} frames, off {equal(out, want):.2e}")
                daemon.kill()
                out.unlink()
            run = through(build, env, 48000, 4800, out, wait=1)
            said = run.communicate(timeout=60)[1]
            assert "phrase 60 is missing in this run" in said, said
        finally:
            daemon.kill()


if __name__ == "__main__":
    main()
