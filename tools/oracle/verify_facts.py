#!/usr/bin/env python3
"""Derive golden tensors again from the formulas in README.md (plain torch and numpy on raw
checkpoint tensors, no reference modules) and run the behavioural claims against the
reference. Prints one line per fact; exit status 1 if any fails."""

import argparse
import os
import sys

from safetensors.torch import load_file

import okit
from verify_behaviour import check_behaviour
from verify_common import FAILS
from verify_s3gen import check_s3gen
from verify_t3 import check_t3
from verify_text import check_text
from verify_voice import check_voice
from verify_wm import check_wm


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--goldens", required=True, help="folder with golden_<family>.safetensors")
    ap.add_argument("--ckpts", required=True, help="folder with <family>/ checkpoints")
    a = ap.parse_args()
    for fam in okit.FAMILIES:
        gp, ck = os.path.join(a.goldens, "golden_%s.safetensors" % fam), os.path.join(a.ckpts, fam)
        if not os.path.exists(gp):
            continue
        print("--", fam)
        G, dims = load_file(gp), okit.load_dims(ck)
        check_text(ck, G, fam)
        check_t3(ck, G, dims)
        if "flow.out_mel" in G:
            check_s3gen(ck, G, dims, fam in okit.TURBO_LIKE)
        if "vc.flow.out_mel" in G:
            check_s3gen(ck, G, dims, False, "vc.")
        if "voice.wav16_librosa" in G:
            check_voice(ck, G, dims)
        if "wm.in24" in G:
            check_wm(G)
    print("-- behaviour of the reference")
    check_behaviour(a.ckpts)
    print("%d failures %s" % (len(FAILS), FAILS))
    sys.exit(1 if FAILS else 0)


if __name__ == "__main__":
    main()
