#!/usr/bin/env python3
"""What hosts read before they load: lv2_validate without a word of complaint,
lv2info, lv2bench, and Qtractor's scanner for CLAP. Usage: scan.py BUILD"""
import pathlib
import sys

from common import URI, Place, need

QTRACTOR = "/usr/lib/x86_64-linux-gnu/qtractor/qtractor_plugin_scan"


def main():
    need("lv2_validate", "lv2info", "lv2bench")
    with Place(sys.argv[1]) as place:
        bundle = place.toy / "lv2/chatterbox_voice.lv2"
        said = place.run("lv2_validate", *sorted(bundle.glob("*.ttl")))
        print(said)
        assert "Found 0 errors" in said and "warning" not in said.lower()
        said = place.run("lv2info", URI)
        for part in ("Chatterbox Voice", "hardRTCapable", "worker#schedule",
                     "Has latency:       yes", "Two pinned phrases",
                     "chatterbox_voice_window.so"):
            assert part in said, part
        assert URI in place.run("lv2bench", URI)
        if not pathlib.Path(QTRACTOR).exists():
            sys.exit("Qtractor is not installed")
        import subprocess
        clap = place.toy / "clap/chatterbox_voice.clap"
        done = subprocess.run([QTRACTOR], input=f"CLAP:{clap}\n", text=True,
                              env=dict(place.env, QT_QPA_PLATFORM="offscreen"),
                              stdout=subprocess.PIPE, timeout=60, check=True)
        print(done.stdout)
        # audio 0 in 1 out, MIDI 1 in 0 out, 7 parameters
        assert "CLAP|Chatterbox Voice|0:1|1:0|7:0|" in done.stdout


if __name__ == "__main__":
    main()
