#!/bin/sh
# The NEON kernels: compiled by a cross compiler, their tests run under
# qemu-user. Exit code 77: the tools are not here (packages.txt, purpose hosts).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cc=${CROSS_CC:-aarch64-linux-gnu-gcc}
run=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
if ! command -v "$cc" > /dev/null || [ -z "$run" ]; then
    echo "neon: needs gcc-aarch64-linux-gnu and qemu-user-static"
    exit 77
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$root"
flags="-std=gnu11 -O2 -Wall -Wextra -Werror -ffp-contract=off -fno-math-errno
    -DCBX_ARM64 -DCBX_ISA=neon -I. -Iinclude"
sources="kernels/*.c kernels/ref/*.c kernels/cpu/*.c rt/*.c
    tests/kernels/devices.c"
for f in kernels/cpu/simd/*.c; do
    case $f in
    */vnni.c | */bf16a.c | */multiply_bf16a.c | */multiply_amx.c) ;;
    *) sources="$sources $f" ;;
    esac
done
i=0
for f in $sources; do
    i=$((i + 1))
    $cc $flags -c "$f" -o "$out/$i.o"
done
for t in ${*:-linear norm attention elementwise source istft sampler vecmath}; do
    $cc $flags -static "tests/kernels/test_$t.c" "$out"/*.o -lm -lpthread \
        -o "$out/$t"
    echo "neon: $t"
    timeout 900 "$run" "$out/$t"
done
