#!/bin/sh
# Make tiny checkpoints, their goldens, the archive and the sums.
# Usage: goldens.sh PYTHON OUT [FAMILY...]      (default: all four)
#   PYTHON  of the environment made by setup.sh
# SEED (1), VARIANT (0: the shipped dims; 1, 2, ... other widths, heads, layers)
# and BITS (4 mantissa bits a weight; 0: unrounded) may be set outside.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 2 ]; then
    sed -n '2,6s/^# //p' "$0" >&2
    exit 2
fi
py=$(command -v "$1")
py=$(cd "$(dirname "$py")" && pwd)/$(basename "$py")
mkdir -p "$2/checkpoints"
out=$(cd "$2" && pwd)
shift 2
[ $# -gt 0 ] || set -- original multilingual turbo nano
seed=${SEED:-1}
cd "$here"
for family; do
    "$py" make_checkpoint.py --family "$family" --seed "$seed" \
        --variant "${VARIANT:-0}" --mantissa-bits "${BITS:-4}" \
        --out "$out/checkpoints/$family"
    "$py" export_golden.py --ckpt "$out/checkpoints/$family" --seed "$seed" \
        --out "$out/golden_$family.safetensors"
done
"$py" pack_goldens.py "$out"
