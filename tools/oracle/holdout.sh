#!/bin/sh
# Hold-out goldens: other dims, unrounded weights, other texts and lengths,
# checked against the formulas before use.
# Usage: holdout.sh PYTHON OUT SEED [VARIANT] [FAMILY...]   (1; turbo nano)
# Keep OUT apart from the sources: whoever writes code must not see these.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 3 ]; then
    sed -n '2,5s/^# //p' "$0" >&2
    exit 2
fi
py=$(command -v "$1")
py=$(cd "$(dirname "$py")" && pwd)/$(basename "$py")
mkdir -p "$2/checkpoints"
out=$(cd "$2" && pwd)
seed=$3
variant=${4:-1}
if [ $# -gt 4 ]; then shift 4; else set -- turbo nano; fi
cd "$here"
for family; do
    lang=en
    case $family in
    multilingual)
        text="Guten Morgen, seed $seed says: bring 2 umbrellas"
        lang=de
        ;;
    original) text="seed $seed: Nobody knows, nobody cares - and yet it moves" ;;
    *) text="seed $seed here [sigh] and now something else... [laugh]" ;;
    esac
    "$py" make_checkpoint.py --family "$family" --seed "$seed" \
        --variant "$variant" --mantissa-bits 0 --ref-seconds 2.2 \
        --out "$out/checkpoints/$family"
    "$py" export_golden.py --ckpt "$out/checkpoints/$family" \
        --seed $((seed + 1000)) --text "$text" --lang $lang --steps 6 \
        --gen-steps 48 --tokens 9 --detail all \
        --out "$out/golden_$family.safetensors"
done
"$py" verify_facts.py --goldens "$out" --ckpts "$out/checkpoints"
