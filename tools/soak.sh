#!/bin/sh
# Long tests that the quick tier has a short form of. Uses the release build.
# Usage: tools/soak.sh [ROUNDS [SECONDS]]
set -eu
cd "$(dirname "$0")/.."
cmake --preset release -DCBX_TESTS=ON >/dev/null
cmake --build build -j "$(nproc)"
CHATTERBOX_DATA=$PWD/presets build/tests/soak_short "${2:-3600}"
ROUNDS=${1:-200} ctest --test-dir build --output-on-failure \
    --timeout 14400 -R '^daemon_crash$'
