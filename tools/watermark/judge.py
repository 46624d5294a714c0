#!/usr/bin/env python3
"""Lets Python's own detector judge our watermark.

Renders utterances with `chatterbox`, each with another seed, grid of chunks and
look-ahead, marked by us, and without a mark; marks the latter with the
reference. Prints how often resemble-perth finds the mark, as it is and after a
change of rate, MP3 and gain; both signal-to-noise ratios; how far apart the two
are with all of the look-ahead; and how far our own detector is from Python's.

  pip install resemble-perth==1.0.1 soundfile "setuptools<81"
  tools/watermark/judge.py build/bin/chatterbox [-n 100] [--keep FOLDER]
"""
import argparse
import contextlib
import io
import pathlib
import random
import re
import subprocess
import tempfile

import librosa
import numpy as np
import perth
import soundfile

SUBJECTS = ["the old harbour", "my neighbour", "a quiet engineer",
            "the morning train", "every child in town", "our teacher",
            "a small brown dog", "the weather office"]
VERBS = ["waited beside", "wrote a letter about", "looked carefully at",
         "never spoke of", "painted", "walked slowly past", "remembered"]
OBJECTS = ["the river bridge", "an empty house", "the broken clock",
           "three red boxes", "the northern road", "her first garden"]
TIMES = ["before the rain began", "in early spring", "on a Tuesday evening",
         "without saying a word", "as if nothing had happened"]
LATENCIES = ["lowest", "balanced", "safest"]
FLOWS = ["prefix", "causal", "full"]


def render(program, out, words, *options):
    subprocess.run([program, "render", "-q", "-o", out, *options, words],
                   check=True, stdin=subprocess.DEVNULL)
    return soundfile.read(out, dtype="float32")[0]


def snr(clean, marked):
    n = min(len(clean), len(marked))
    noise = np.sum((clean[:n] - marked[:n]) ** 2)
    return 10 * np.log10(np.sum(clean[:n] ** 2) / max(noise, 1e-20))


def mp3(x, rate, folder):
    """128 kbit/s, constant; 44.1 kHz mono, as MP3 players have it."""
    x = librosa.resample(x, orig_sr=rate, target_sr=44100)
    # of MPEG 1's range from 32 to 320 kbit/s, counted from above
    level = (320 - 128) / (320 - 32)
    path = folder / "x.mp3"
    with soundfile.SoundFile(path, "w", 44100, 1, format="MP3",
                             subtype="MPEG_LAYER_III",
                             bitrate_mode="CONSTANT",
                             compression_level=level) as f:
        f.write(x)
    y, rate = soundfile.read(path, dtype="float32")
    mp3.kbits.append(path.stat().st_size * 8e-3 / (len(y) / rate))
    return y, rate


mp3.kbits = []


def attacks(x, folder):
    rate = 24000
    yield "as it is", x, rate
    yield "44.1 kHz", librosa.resample(x, orig_sr=rate, target_sr=44100), 44100
    yield "MP3 128k", *mp3(x, rate, folder)
    yield "+6 dB", np.clip(2 * x, -1, 1), rate
    yield "-6 dB", 0.5 * x, rate


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("chatterbox")
    a.add_argument("-n", type=int, default=100)
    a.add_argument("--ahead", type=int, help="ms; default: one of 0, 40, 150")
    a.add_argument("--options", default="", help="more options for render")
    a = a.parse_args()
    with contextlib.redirect_stdout(io.StringIO()):
        mark = perth.PerthImplicitWatermarker()
    pick = random.Random(1)
    found, ratios, apart, detectors = {}, {"ours": [], "reference": []}, [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for i in range(a.n):
            words = " ".join(map(pick.choice, (SUBJECTS, VERBS, OBJECTS, TIMES)))
            words = words.capitalize() + "."
            ahead = a.ahead if a.ahead is not None else (0, 0, 0, 40, 150)[i % 5]
            options = ["--seed", str(i), "--latency", LATENCIES[i % 3],
                       "--flow", FLOWS[i // 3 % 3], *a.options.split()]
            plain = render(a.chatterbox, folder / "plain.wav", words,
                           "--no-watermark", *options)
            ours = render(a.chatterbox, folder / "ours.wav", words,
                          "--watermark-ahead", str(ahead), *options)
            assert len(plain) == len(ours) > 24000, (len(plain), len(ours))
            theirs = mark.apply_watermark(plain, sample_rate=24000)
            for who, x in (("ours", ours), ("reference", theirs)):
                ratios[who].append(snr(plain, x))
                for name, y, rate in attacks(x, folder):
                    sure = float(mark.get_watermark(y, rate, round=False))
                    found.setdefault((name, who), []).append(sure)
            clean = float(mark.get_watermark(plain, 24000, round=False))
            found.setdefault(("no mark", "ours"), []).append(clean)
            if ahead == 150:
                apart.append(np.abs(ours - theirs[:len(ours)]).max())
            if i % 5 == 0:
                said = subprocess.run([a.chatterbox, "detect",
                                       folder / "ours.wav"],
                                      capture_output=True, text=True).stdout
                sure = float(re.search(r"\((.*)\)", said).group(1))
                detectors.append(abs(sure - found["as it is", "ours"][-1]))
    print(f"{a.n} utterances")
    print(f"{'':12} {'':10} found  mean    least")
    for (name, who), sure in found.items():
        print(f"{name:12} {who:10} {sum(s >= 0.5 for s in sure):5}  "
              f"{np.mean(sure):.4f}  {min(sure):.4f}")
    for who, r in ratios.items():
        print(f"SNR {who}: {np.mean(r):.2f} dB, least {min(r):.2f}")
    if apart:
        print(f"150 ms ahead: at most {max(apart):.1e} from the reference")
    print(f"our detector is at most {max(detectors):.4f} from Python's "
          "(it prints three digits)")
    print(f"MP3 files: {np.mean(mp3.kbits):.0f} kbit/s")


if __name__ == "__main__":
    main()
