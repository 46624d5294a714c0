#!/usr/bin/env python3
"""How far word events lie from a forced alignment.

FOLDER is what the program `words` wrote: 001.wav, 001.txt, ... pocketsphinx is
given exactly those words, with silence between them where it hears some, and
says when each begins. Lines that it cannot align, or that hold a word which
its dictionary lacks, are counted and left out. Needs the programs sox and
pocketsphinx_continuous, and the en-us model (Debian packages sox, pocketsphinx,
pocketsphinx-en-us).
"""

import argparse
import concurrent.futures
import glob
import os
import re
import statistics
import subprocess
import tempfile

MODEL = "/usr/share/pocketsphinx/model/en-us"
PAD = 0.3  # seconds of silence in front, for the recogniser to settle


def plain(word):
    return re.sub(r"[^a-z']", "", word.lower().replace("’", "'")).strip("'")


def read_events(path):
    with open(path, encoding="utf-8") as f:
        rows = [line.split(None, 1) for line in f if len(line.split()) == 2]
    return [(float(at), plain(word)) for at, word in rows]


def align(wav, words):
    """When each word begins, or None."""
    with tempfile.TemporaryDirectory() as folder:
        clip = os.path.join(folder, "clip.wav")
        grammar = os.path.join(folder, "words.gram")
        subprocess.run(
            ["sox", wav, "-r", "16000", "-c", "1", "-b", "16", clip]
            + ["pad", str(PAD), "0.3"],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        with open(grammar, "w", encoding="utf-8") as f:
            f.write("#JSGF V1.0;\ngrammar words;\npublic <words> = ")
            f.write(" ".join(words) + ";\n")
        heard = subprocess.run(
            ["pocketsphinx_continuous", "-infile", clip, "-jsgf", grammar]
            + ["-time", "yes", "-remove_noise", "no", "-vad_threshold", "0.1"]
            + ["-vad_postspeech", "500", "-logfn", os.devnull],
            capture_output=True,
            text=True,
        ).stdout
    times = []
    for line in heard.splitlines():
        parts = line.split()
        if len(parts) == 4 and not parts[0].startswith(("<", "[", "+")):
            times.append((re.sub(r"\(\d+\)$", "", parts[0]), float(parts[1])))
    if [w for w, _ in times] != words:
        return None
    return [at - PAD for _, at in times]


def compare(wav):
    events = read_events(wav[:-4] + ".txt")
    words = [w for _, w in events]
    if not words or not all(words):
        return None
    want = align(wav, words)
    return want and [e[0] - w for e, w in zip(events, want)]


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    wavs = sorted(glob.glob(os.path.join(args.folder, "*.wav")))
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        results = list(pool.map(compare, wavs))
    errors = [e for r in results if r for e in r]
    if not errors:
        raise SystemExit("align.py: nothing could be aligned")
    sizes = [abs(e) for e in errors]
    print(
        "%d words of %d lines (%d lines left out): median error %.0f ms, "
        "95th percentile %.0f ms, largest %.0f ms, bias %+.0f ms"
        % (
            len(errors),
            len(wavs),
            sum(r is None for r in results),
            1000 * statistics.median(sizes),
            1000 * quantile(sizes, 0.95),
            1000 * max(sizes),
            1000 * statistics.median(errors),
        )
    )


if __name__ == "__main__":
    main()
