#!/usr/bin/env python3
"""jalv under jackd: a state folder with a text is spoken when the transport
rolls. Usage: jalv.py BUILD"""
import os
import subprocess
import sys
import time

from common import URI, Place, need, read_wav

SERVER = f"cbx-jalv-{os.getpid()}"
RATE = 48000
TEXT = "This is spoken by a small host, from a folder."


def write_state(folder):
    folder.mkdir()
    (folder / "manifest.ttl").write_text(
        "@prefix lv2: <http://lv2plug.in/ns/lv2core#> .\n"
        "@prefix pset: <http://lv2plug.in/ns/ext/presets#> .\n"
        "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
        f"<state.ttl> a pset:Preset ; lv2:appliesTo <{URI}> ;\n"
        "  rdfs:seeAlso <state.ttl> .\n")
    (folder / "state.ttl").write_text(
        "@prefix lv2: <http://lv2plug.in/ns/lv2core#> .\n"
        "@prefix pset: <http://lv2plug.in/ns/ext/presets#> .\n"
        "@prefix state: <http://lv2plug.in/ns/ext/state#> .\n"
        f"<> a pset:Preset ; lv2:appliesTo <{URI}> ;\n"
        f'  state:state [ <{URI}#text> "@60 at 0.5s\\n{TEXT}" ] .\n')


def listen(place):
    out = place.folder / "out.wav"
    recorder = subprocess.Popen(
        ["jack_rec", "-f", str(out), "-d", "4", "-b", "32", "voice:out"],
        cwd=place.folder, env=place.env)
    time.sleep(1)
    subprocess.run(["jack_transport"], input="locate 0\nplay\nquit\n", text=True,
                   env=place.env, stdout=subprocess.DEVNULL, timeout=20,
                   check=True)
    recorder.wait(timeout=30)
    return out


def main():
    need("jackd", "jalv", "jack_rec", "jack_transport")
    with Place(sys.argv[1]) as place:
        place.env["JACK_DEFAULT_SERVER"] = SERVER
        write_state(place.folder / "state.lv2")
        started = [subprocess.Popen(
            ["jackd", "-n", SERVER, "-r", "-d", "dummy", "-r", str(RATE), "-p",
             "512"], env=place.env, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)]
        try:
            time.sleep(1)
            started.append(subprocess.Popen(
                ["jalv", "-p", "-n", "voice", "-l", "state.lv2", URI],
                cwd=place.folder, env=place.env, stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL))
            time.sleep(2)
            out = listen(place)
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(timeout=20)
        rate, _, frames = read_wav(out)
        want = place.rendered(TEXT, 0, rate)
        begin = next(i for i, x in enumerate(frames) if x)
        got = frames[begin:begin + len(want)]
        # 0 is a frame of the sound too: align at the first that is not
        lead = next(i for i, x in enumerate(want) if x)
        off = max(abs(x - y) for x, y in zip(got, want[lead:]))
        print(f"{len(want)} frames spoken, the largest difference {off:.2e}")
        assert rate == RATE and len(got) > len(want) - lead - 1
        assert off <= 2 ** -22, off


if __name__ == "__main__":
    main()
