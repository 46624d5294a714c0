#!/bin/sh
# Builds and runs the quick tier of tests: with AddressSanitizer and UBSan, with
# ThreadSanitizer, and as released. Compares the skipped tests with
# tests/skips.txt. Ends with CTest's own summary of the release build.
# Usage: tools/test.sh [asan|tsan|release ...]
set -eu
cd "$(dirname "$0")/.."
jobs=$(nproc)

# Which of the conditions in tests/skips.txt hold on this machine.
holds() {
    case $1 in
    no-avx2) ! grep -qw avx2 /proc/cpuinfo ;;
    no-avx512) ! grep -qw avx512dq /proc/cpuinfo ;;
    asan | tsan | release) [ "$1" = "$preset" ] ;;
    *)
        echo "tests/skips.txt: unknown condition '$1'" >&2
        exit 1
        ;;
    esac
}

# The tests that a build can tell something about. What only listens to the
# sound as a whole, or counts what happens in some seconds, runs in the release
# build; ThreadSanitizer sees what has threads.
choose() {
    case $1 in
    asan) echo "-E ^(plugin_daemon|daemon_protocol|engine_effects|soak_|speech_|house_|live_(jack_bits|portaudio_bits|clock|reconnect))" ;;
    tsan) echo "-R ^(rt_|client_|engine_|sink_|kernels_linear|live_storm_tiny|plugin_(core|threads)) -E ^engine_(words|pipeline|guards)$" ;;
    esac
}

expected_skips() {
    grep -v '^#' tests/skips.txt | while read -r name condition _; do
        [ -n "$name" ] || continue
        if holds "$condition"; then echo "$name"; fi
    done | sort -u
}

# Whether tests failed, and all of them run beside a real sound server or in real
# time, where a busy machine can spoil a run: those get a second one.
only_clocked_failed() {
    list=$folder/Testing/Temporary/LastTestsFailed.log
    [ -s "$list" ] && ! grep -qvE ':(live_|sink_)' "$list"
}

for preset in ${*:-asan tsan release}; do
    folder=build-$preset
    [ "$preset" = release ] && folder=build
    cmake --preset "$preset" -DCBX_TESTS=ON >"/tmp/cbx-configure.$$" 2>&1 || {
        cat "/tmp/cbx-configure.$$"
        exit 1
    }
    rm -f "/tmp/cbx-configure.$$"
    cmake --build "$folder" -j "$jobs"
    echo "== tests: $preset"
    status=0
    # shellcheck disable=SC2046 # an option and its value, or nothing
    ctest --test-dir "$folder" --output-on-failure -j "$jobs" -LE '^(hosts|unsteady)$' \
        $(choose "$preset") --output-junit tests.xml \
        >"$folder/tests.log" 2>&1 || status=$?
    sed -n 's/.*<testcase name="\([^"]*\)".*status="notrun".*/\1/p' \
        "$folder/tests.xml" | sort -u >"$folder/skips.seen"
    sed -n 's/.*<testcase name="\([^"]*\)".*/\1/p' "$folder/tests.xml" |
        sort -u >"$folder/tests.names"
    expected_skips | comm -12 - "$folder/tests.names" >"$folder/skips.expected"
    if ! diff -u "$folder/skips.expected" "$folder/skips.seen"; then
        echo "skipped tests differ from tests/skips.txt (above: - expected, + seen)"
        exit 1
    fi
    cat "$folder/tests.log"
    if [ "$status" != 0 ]; then
        only_clocked_failed || exit 1
        echo "== tests: $preset: once more, those that share a clock with others"
        ctest --test-dir "$folder" --rerun-failed --output-on-failure
    fi
done
