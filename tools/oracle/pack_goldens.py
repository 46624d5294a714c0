#!/usr/bin/env python3
"""Pack a folder of golden checkpoints into checkpoints.tar.xz and write SHA256SUMS (standard library only)."""

import argparse
import hashlib
import lzma
import os
import tarfile


def anonymous(info):
    """Drop owner and times, so that equal checkpoints give equal archives."""
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    info.mode = 0o644
    return info


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("folder", help="holds checkpoints/<family>/ and golden_<family>.safetensors")
    ap.add_argument("--archive", help="default: FOLDER/checkpoints.tar.xz")
    a = ap.parse_args()
    root = os.path.join(a.folder, "checkpoints")
    files = [os.path.relpath(os.path.join(d, f), root) for d, _, fs in os.walk(root) for f in fs]
    # Families share files; side by side they compress to one.
    files.sort(key=lambda p: (os.path.basename(p).split(".")[0], p))
    # lp=2: the weights are records of four bytes.
    filters = [
        {
            "id": lzma.FILTER_LZMA2,
            "preset": 9 | lzma.PRESET_EXTREME,
            "lc": 2,
            "lp": 2,
            "pb": 2,
            "dict_size": 32 << 20,
        }
    ]
    archive = a.archive or os.path.join(a.folder, "checkpoints.tar.xz")
    with lzma.open(archive, "wb", filters=filters) as x, tarfile.open(fileobj=x, mode="w") as t:
        for f in files:
            t.add(os.path.join(root, f), arcname=f, filter=anonymous)
    with open(os.path.join(a.folder, "SHA256SUMS"), "w") as s:
        for f in files:
            s.write("%s  checkpoints/%s\n" % (sha256(os.path.join(root, f)), f))
        for f in sorted(os.listdir(a.folder)):
            if f.endswith(".safetensors"):
                s.write("%s  %s\n" % (sha256(os.path.join(a.folder, f)), f))


if __name__ == "__main__":
    main()
