#!/bin/sh
# Runs the tests that need real hosts beside us (speech-dispatcher, Orca, DAWs,
# browsers): CTest's label `hosts`, which the quick tier leaves out. Uses the
# release build of `make test`. Ends with CTest's own summary.
# Usage: tools/check_hosts.sh
set -eu
cd "$(dirname "$0")/.."
cmake --preset release -DCBX_TESTS=ON >/tmp/cbx-hosts.$$ 2>&1 || {
    cat /tmp/cbx-hosts.$$
    exit 1
}
rm -f /tmp/cbx-hosts.$$
cmake --build build -j "$(nproc)"
echo "== tests: with hosts"
# One at a time: they share displays, ports and the clock. A busy machine can
# spoil a run beside programs of others: what fails gets a second one, and the
# output says so.
ctest --test-dir build --output-on-failure -L '^hosts$' --no-tests=error \
    --repeat until-pass:2
