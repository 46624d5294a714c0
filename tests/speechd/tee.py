#!/usr/bin/env python3
"""Runs a module and writes down what goes between it and the server, with
times: `SECONDS < BYTES` to the module, `SECONDS > BYTES` from it, as Python
writes them.

Usage: tee.py FILE MODULE [ARGS...]
"""
import os
import subprocess
import sys
import threading
import time

lock = threading.Lock()
out = open(sys.argv[1], "ab", 0)
module = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE)


def pump(source, to, sign):
    while True:
        data = os.read(source, 65536)
        if not data:
            break
        with lock:
            out.write(b"%.6f %s %s\n" % (time.time(), sign,
                                        repr(data).encode()))
        os.write(to, data)


def towards():
    pump(0, module.stdin.fileno(), b"<")
    module.stdin.close()


threading.Thread(target=towards, daemon=True).start()
pump(module.stdout.fileno(), 1, b">")
sys.exit(module.wait())
