#!/bin/sh
# Lists for dh_install, as PACKAGE.install, what no other package's list names.
# Usage: rest.sh PACKAGE
set -eu
list=$(pwd)/debian/$1.install
rm -f "$list"
others=$(cat debian/*.install)
cd debian/tmp
# shellcheck disable=SC2086 # patterns
{
    find . \( -type f -o -type l \) ! -path '*/__pycache__/*' | sed 's#^\./##'
    # each of these twice more: only what stands once is left
    find $others \( -type f -o -type l \)
    find $others \( -type f -o -type l \)
} | sort | uniq -u >"$list"
