#!/usr/bin/env python3
"""Runs parity with every kernel variant of this CPU: all must pass.

Usage: every_variant.py PARITY CHECKPOINT_DIR GOLDEN [OPTIONS...]
"""
import subprocess
import sys


def main():
    parity, *arguments = sys.argv[1:]
    variants = subprocess.run([parity, "--list-kernels"], check=True,
                              capture_output=True, text=True).stdout.split()
    if "ref" not in variants:
        sys.exit(f"no ref among the variants {variants}")
    bad = [v for v in variants
           if subprocess.run([parity, "--kernels", v, *arguments]).returncode]
    sys.exit(f"not within tolerance: {', '.join(bad)}" if bad else 0)


if __name__ == "__main__":
    main()
