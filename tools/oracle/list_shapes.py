#!/usr/bin/env python3
"""Tensor names and shapes of a published-size checkpoint (or a tiny one), from empty modules: no weights needed.
Also writes the table of dims."""

import argparse
import json

import okit

ap = argparse.ArgumentParser(description=__doc__)
ap.add_argument("--family", choices=okit.FAMILIES, required=True)
ap.add_argument("--size", choices=("tiny", "full"), default="full")
a = ap.parse_args()
d = okit.full_dims(a.family) if a.size == "full" else okit.tiny_dims(a.family)
if d["t3"]["text_vocab"] is None:
    d["t3"]["text_vocab"] = 596
print(json.dumps(d, indent=1))
with okit.no_init():
    for fname, build in (
        (okit.T3_FILE[a.family], okit.build_t3),
        (okit.S3GEN_FILE[a.family], okit.build_s3gen),
        ("ve.safetensors", okit.build_ve),
    ):
        sd = build(d).state_dict()
        print(
            "# %s: %d tensors, %d bytes fp32"
            % (fname, len(sd), sum(v.numel() * 4 for v in sd.values()))
        )
        for k, v in sd.items():
            print("%-90s %s" % (k, list(v.shape)))
