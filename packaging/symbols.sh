#!/bin/sh
# Functions that the public headers declare, one a line, sorted; with --map ABI
# as a version script for the linker.
# Usage: symbols.sh [--map ABI] HEADER...
set -eu
abi=
if [ "$1" = --map ]; then
    abi=$2
    shift 2
fi
# A declaration stands at the start of a line; a comment does not.
names=$(cat "$@" | grep -E '^[a-z].*\bcbx_[a-z0-9_]+\(' |
    grep -oE '\bcbx_[a-z0-9_]+\(' | tr -d '(' | sort -u)
[ -n "$names" ] || {
    echo "symbols.sh: no function in $*" >&2
    exit 1
}
if [ -z "$abi" ]; then
    echo "$names"
    exit
fi
echo "CHATTERBOX_$abi {"
echo "global:"
echo "$names" | sed 's/^/    /; s/$/;/'
echo "local:"
echo "    *;"
echo "};"
