#!/bin/sh
# Builds Debian packages of this tree in build-deb/, and looks at them with
# lintian. Usage: tools/deb.sh
set -eu
cd "$(dirname "$0")/.."
top=$(pwd)
version=$(sed -n 's/^project(chatterbox VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
abi=$(sed -n 's/^set(CBX_ABI \([0-9]*\))/\1/p' CMakeLists.txt)
tree=$top/build-deb/chatterbox-tts-$version
rm -rf build-deb
mkdir -p "$tree"

# What git knows (without git, in an unpacked archive: all but builds).
if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files -z | xargs -0 tar -cf - --ignore-failed-read | tar -xf - -C "$tree"
else
    tar -cf - --exclude='./build*' . | tar -xf - -C "$tree"
fi
# Tests and their goldens are not needed to build.
rm -rf "$tree/tests" "$tree/.ci"
cp -r packaging/debian "$tree/debian"
cd "$tree/debian"
mv libchatterbox.install "libchatterbox$abi.install"
depends=$(awk '$1 !~ /^#/ && $2 == "build" && $1 != "build-essential" {
    printf "%s %s", sep, $1; sep = ",\n" }' "$top/packages.txt")
awk -v depends="$depends" '{ gsub(/@BUILD_DEPENDS@/, depends); print }' control |
    sed "s/@ABI@/$abi/g" >control.new
mv control.new control
date=$(date -R -u -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}")
sed -i "s/@VERSION@/$version/; s/@DATE@/$date/" changelog
# The licence itself, without title and names, indented as the format asks.
sed -n '/^Permission/,$p' "$top/LICENSE" | sed 's/^$/./; s/^/ /' >licence
sed -i -e '/@LICENSE@/{r licence' -e 'd}' copyright
rm licence
cd ..
dpkg-buildpackage -b -us -uc -j"$(nproc)" >"$top/build-deb/build.log" 2>&1 || {
    tail -30 "$top/build-deb/build.log" >&2
    exit 1
}
cd "$top/build-deb"
rm -rf "$tree"
lintian --fail-on error --suppress-tags bad-distribution-in-changes-file \
    ./*.changes
ls -1 ./*.deb
