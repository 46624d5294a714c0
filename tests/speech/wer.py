#!/usr/bin/env python3
"""Word error rate of a folder of recordings, as pocketsphinx hears them.

FOLDER holds 001.wav, 002.wav, ...: line N of the sentence file, spoken.
Needs the programs sox and pocketsphinx_continuous (Debian packages sox,
pocketsphinx and pocketsphinx-en-us). Exit status: 0 scored, 1 a recording is
missing or the rate is over --max-wer, 2 wrong use, 77 a program is missing.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAMS = ("sox", "pocketsphinx_continuous")


def words(text):
    """Lower case, letters and apostrophes only."""
    return re.sub(r"[^a-z' ]", " ", text.lower()).split()


def recognise(wav):
    """What pocketsphinx hears, at 16 kHz with silence on both sides."""
    with tempfile.TemporaryDirectory() as folder:
        clip = os.path.join(folder, "clip.wav")
        subprocess.run(
            ["sox", wav, "-r", "16000", "-c", "1", "-b", "16", clip]
            + ["pad", "0.3", "0.3"],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        heard = subprocess.run(
            ["pocketsphinx_continuous", "-infile", clip]
            + ["-logfn", os.devnull],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    # The dictionary's second pronunciations are written "read(2)".
    return re.sub(r"\(\d+\)", "", heard).replace("\n", " ").strip()


def edits(want, got):
    """Levenshtein distance of two word lists."""
    row = list(range(len(got) + 1))
    for i, a in enumerate(want, 1):
        corner, row[0] = row[0], i
        for j, b in enumerate(got, 1):
            best = min(row[j] + 1, row[j - 1] + 1, corner + (a != b))
            corner, row[j] = row[j], best
    return row[-1]


def score(job):
    number, sentence, wav = job
    heard = recognise(wav)
    want = words(sentence)
    return {
        "number": number,
        "sentence": sentence,
        "heard": heard,
        "errors": edits(want, words(heard)),
        "words": len(want),
    }


def read_jobs(folder, sentence_file):
    with open(sentence_file, encoding="utf-8") as f:
        sentences = [line.strip() for line in f if line.strip()]
    wav = lambda number: os.path.join(folder, "%03d.wav" % number)
    return [(n, s, wav(n)) for n, s in enumerate(sentences, 1)]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ap.add_argument("folder", help="holds 001.wav, 002.wav, ...")
    ap.add_argument(
        "sentences", nargs="?", default=os.path.join(here, "sentences.txt")
    )
    ap.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    ap.add_argument("--json", action="store_true", help="one JSON object")
    ap.add_argument("--max-wer", type=float, help="exit 1 above this (percent)")
    args = ap.parse_args()

    for program in PROGRAMS:
        if not shutil.which(program):
            print("wer.py: %s is not installed" % program, file=sys.stderr)
            return 77
    try:
        jobs = read_jobs(args.folder, args.sentences)
    except OSError as e:
        print("wer.py: %s: %s" % (e.filename, e.strerror), file=sys.stderr)
        return 2
    if not jobs:
        print("wer.py: %s has no sentences" % args.sentences, file=sys.stderr)
        return 2
    missing = [wav for _, _, wav in jobs if not os.path.isfile(wav)]
    if missing:
        print(
            "wer.py: %d of %d recordings are missing, the first is %s"
            % (len(missing), len(jobs), missing[0]),
            file=sys.stderr,
        )
        return 1

    # The recognition runs in other processes, so threads are enough here.
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        results = list(pool.map(score, jobs))
    errors = sum(r["errors"] for r in results)
    total = sum(r["words"] for r in results)
    wer = 100.0 * errors / total
    if args.json:
        report = {"wer": wer, "errors": errors, "words": total}
        print(json.dumps({**report, "sentences": results}, indent=1))
    else:
        for r in results:
            print("%(number)03d %(errors)d/%(words)d | %(sentence)s | %(heard)s" % r)
        print("WER %.1f %% (%d errors in %d words)" % (wer, errors, total))
    return 1 if args.max_wer is not None and not wer <= args.max_wer else 0


if __name__ == "__main__":
    sys.exit(main())
