#!/bin/sh
# Installs what packages.txt lists and this machine lacks.
# Usage: tools/packages.sh build|test|hosts|deb
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
what=${1:?build, test or hosts}

missing=
while read -r package purpose _; do
    case $package in '' | '#'*) continue ;; esac
    [ "$purpose" = build ] || [ "$purpose" = "$what" ] || continue
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) ||
        state=none
    [ "$state" = installed ] || missing="$missing $package"
done <"$here/packages.txt"
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "these packages are missing:$missing" >&2
        echo "install them as root, or install sudo" >&2
        exit 1
    }
    sudo=sudo
fi
echo "installing:$missing"
$sudo apt-get update -q
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive \
    $sudo apt-get install -q -y --no-install-recommends $missing
