#!/usr/bin/env python3
"""The Debian packages build without lintian's errors, install, speak, and purge
without leaving anything. They are installed into a copy-on-write view of this
machine's root (an overlay in a namespace of its own): the machine stays as it
is.
"""
import subprocess
import sys
import unittest

from place import SOURCE, run, scratch

INSIDE = r"""
set -eu
mount -t tmpfs none "$1"
mkdir "$1/up" "$1/work" "$1/root"
mount -t overlay none -o lowerdir=/,upperdir="$1/up",workdir="$1/work" "$1/root"
mount --rbind /dev "$1/root/dev"
mount --rbind /proc "$1/root/proc"
mkdir -p "$1/root/debs"
cp "$2"/build-deb/*.deb "$1/root/debs"
rm -f "$1/root/debs"/*dbgsym*
chroot "$1/root" sh -eu -c '
    unset CHATTERBOX_DATA CHATTERBOX_LIBRARY
    export HOME=/tmp LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
    find /etc /opt /srv /usr /var -xdev -type f | sort >/tmp/before
    names=$(for d in /debs/*.deb; do dpkg-deb -f $d Package; done)
    dpkg -i /debs/*.deb >/tmp/install.log 2>&1 ||
        { cat /tmp/install.log; exit 1; }
    mkdir /tmp/here; cd /tmp/here
    /usr/bin/chatterbox render -q -o spoken.wav "Good morning."
    test $(stat -c %s spoken.wav) -gt 24000
    /usr/bin/python3 -c "
import chatterbox
with chatterbox.Engine() as e:
    n = sum(map(len, e.model().voice().speak(\"Good morning.\")))
assert n > 24000, n"
    cc '"$3"'/examples/speak.c $(pkg-config --cflags --libs chatterbox) \
        -o /tmp/speak
    test $(/tmp/speak "Good morning." | wc -c) -gt 24000
    dpkg -P $names >/tmp/purge.log 2>&1 || { cat /tmp/purge.log; exit 1; }
    find /etc /opt /srv /usr /var -xdev -type f | sort >/tmp/after
    comm -13 /tmp/before /tmp/after |
        grep -Ev "^/var/(lib/dpkg|log|cache)/|/ld.so.cache|__pycache__" \
        >/tmp/left || true
    if [ -s /tmp/left ]; then echo "left behind:"; cat /tmp/left; exit 1; fi
    echo installed, spoken, purged
'
"""


def may_overlay():
    with scratch() as folder:
        return subprocess.run(
            ["unshare", "-m", "sh", "-ec",
             'mount -t tmpfs none "$1"; mkdir "$1/u" "$1/w" "$1/m"; '
             'mount -t overlay none -o lowerdir=/,upperdir="$1/u",'
             'workdir="$1/w" "$1/m"', "sh", folder],
            capture_output=True, check=False).returncode == 0


class Deb(unittest.TestCase):
    def test_packages_build_install_speak_and_purge(self):
        built = run(SOURCE / "tools/deb.sh").stdout.decode()
        self.assertGreaterEqual(built.count(".deb"), 5)
        self.assertNotIn("E: ", built)
        with scratch() as folder:
            said = run("unshare", "-m", "sh", "-c", INSIDE, "sh", folder,
                       SOURCE, SOURCE).stdout.decode()
        self.assertIn("installed, spoken, purged", said)


if __name__ == "__main__":
    if not may_overlay():
        print("no right to mount an overlay here: needs root")
        sys.exit(77)
    unittest.main()
