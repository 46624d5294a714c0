#!/bin/sh
# Fuzzes the readers of files and text with libFuzzer under ASan and UBSan.
# Usage: tools/fuzz.sh RUNS [TARGET|all]. What is found lies in build-fuzz/found.
set -eu
cd "$(dirname "$0")/.."
runs=$1
wanted=${2:-all}
cmake --preset fuzz > /dev/null
targets=$(ls tests/fuzz/fuzz_*.c | sed 's/.*fuzz_\(.*\)\.c/\1/')
[ "$wanted" = all ] || targets=$wanted
mkdir -p build-fuzz/found
for t in $targets; do
  cmake --build build-fuzz --target "fuzz_$t" > build-fuzz/build.log 2>&1 ||
    { tail -30 build-fuzz/build.log; exit 1; }
  mkdir -p "build-fuzz/corpus/$t"
  echo "$t:"
  # memory of one run, and seconds, are bounded: what takes more is a finding
  "build-fuzz/fuzz/fuzz_$t" -runs="$runs" -max_len=8192 -timeout=10 \
    -rss_limit_mb=2048 -malloc_limit_mb=1024 -artifact_prefix=build-fuzz/found/ \
    -print_final_stats=1 -verbosity=0 "build-fuzz/corpus/$t" \
    "tests/fuzz/corpus/$t" 2> "build-fuzz/$t.log" ||
    { tail -40 "build-fuzz/$t.log"; exit 1; }
  grep -E "number_of_executed_units|peak_rss_mb" "build-fuzz/$t.log"
done
