"""What the tests with hosts share: a private home, the bundles, WAV files."""
import array
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

URI = "urn:chatterbox:voice"
SYSTEM_LV2 = "/usr/lib/lv2"


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def need(*programs):
    for name in programs:
        if not shutil.which(name):
            skip(f"{name} is not installed")


class Place:
    """A folder that is removed, and an environment that knows nothing of this
    machine but the bundles under `build`."""

    def __init__(self, build, toy=True):
        self.build = pathlib.Path(build).resolve()
        self.is_toy, self.daemon = toy, None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cbx-host-"))
        self.toy = self.build / "tests/toy"
        bundles = self.toy / "lv2" if toy else self.build / "lv2"
        self.presets = self.folder / "presets"
        self.presets.mkdir()
        self.env = dict(os.environ, HOME=str(self.folder), LC_ALL="C.UTF-8",
                        XDG_RUNTIME_DIR=str(self.folder),
                        JACK_NO_START_SERVER="1",
                        LV2_PATH=f"{bundles}:{self.presets}:{SYSTEM_LV2}")
        self.env.pop("DISPLAY", None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_daemon()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command, timeout=120, check=True, **more):
        env = dict(self.env, **more)
        done = subprocess.run([str(c) for c in command], cwd=self.folder,
                              env=env, timeout=timeout, text=True, check=False,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if check and done.returncode:
            print(done.stdout)
            sys.exit(f"{command[0]} ended with {done.returncode}")
        return done.stdout

    def preset(self, name, text, seed=0):
        """A preset bundle of our own, as a host finds it."""
        bundle = self.presets / f"{name}.lv2"
        bundle.mkdir()
        head = ("@prefix lv2: <http://lv2plug.in/ns/lv2core#> .\n"
                "@prefix pset: <http://lv2plug.in/ns/ext/presets#> .\n"
                "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
                "@prefix state: <http://lv2plug.in/ns/ext/state#> .\n"
                f"<{URI}#test-{name}> a pset:Preset ; lv2:appliesTo <{URI}> ;\n"
                f'  rdfs:label "{name}" ')
        (bundle / "manifest.ttl").write_text(
            head + "; rdfs:seeAlso <preset.ttl> .\n")
        (bundle / "preset.ttl").write_text(
            head + f';\n lv2:port [ lv2:symbol "seed" ; pset:value {seed} ] ;\n'
            f' state:state [ <{URI}#text> """{text}""" ] .\n')

    def start_daemon(self, source):
        """The real one with the built-in model, for the real bundles."""
        self.env.update(CHATTERBOX_SOCKET=str(self.folder / "control.sock"),
                        CHATTERBOX_DATA=f"{source}/presets")
        self.daemon = subprocess.Popen(
            [str(self.build / "bin/chatterboxd"), "-s",
             self.env["CHATTERBOX_SOCKET"]], env=self.env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop_daemon(self):
        if self.daemon:
            self.daemon.kill()
            self.daemon.wait()
        self.daemon = None

    def rendered(self, text, seed, rate):
        if not self.is_toy:
            path = self.folder / "want.wav"
            self.run(self.build / "bin/chatterbox", "render", "-s", seed,
                     "--rate", rate, "-o", path, text)
            return read_wav(path)[2]
        path = self.folder / "want.f32"
        self.run(self.toy / "toy_render", text, seed, rate, path)
        want = array.array("f")
        want.frombytes(path.read_bytes())
        return want


def read_wav(path):
    """(rate, channels, frames of the first channel) of a WAV of 32 bit."""
    data = pathlib.Path(path).read_bytes()
    at, rate, channels, form = 12, 0, 0, 3
    while at + 8 <= len(data):
        size = struct.unpack("<I", data[at + 4:at + 8])[0]
        if data[at:at + 4] == b"fmt ":
            form, channels, rate = struct.unpack("<HHI", data[at + 8:at + 16])
        if data[at:at + 4] == b"data":
            frames = array.array("i" if form == 1 else "f")
            size = min(size, len(data) - at - 8)
            frames.frombytes(data[at + 8:at + 8 + size // 4 * 4])
            if form == 1:  # 32 bit whole numbers
                frames = array.array("f", (x / 2 ** 31 for x in frames))
            return rate, channels, frames[0::channels]
        at += 8 + size + (size & 1)
    sys.exit(f"{path}: no sound in it")
