#!/usr/bin/env python3
"""The window under a bare X server, by keyboard and clipboard only: what was
typed, copied, pasted, taken back and turned is what the instance has in the
end. Usage: window.py BUILD"""
import os
import subprocess
import sys
import time

from common import Place, need


class Screen:
    def __init__(self, place):
        self.place = place
        self.number = f":{100 + os.getpid() % 800}"
        self.server = subprocess.Popen(
            ["Xvfb", self.number, "-screen", "0", "900x600x24"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        place.env["DISPLAY"] = self.number
        time.sleep(1)

    def close(self):
        self.server.terminate()
        self.server.wait(timeout=20)

    def tool(self, *words):
        time.sleep(0.1)
        return subprocess.run(["xdotool", *words], env=self.place.env,
                              check=True, timeout=30, text=True,
                              stdout=subprocess.PIPE).stdout

    def keys(self, *names):
        self.tool("key", "--delay", "40", *names)

    def text(self, words):
        self.tool("type", "--delay", "40", words)


def open_window(place, screen, script):
    shown = subprocess.Popen([str(place.toy / "toy_window"), script],
                             env=place.env, stdout=subprocess.PIPE, text=True)
    for _ in range(50):
        time.sleep(0.2)
        found = subprocess.run(["xdotool", "search", "--name",
                                "Chatterbox Voice"], env=place.env, check=False,
                               stdout=subprocess.PIPE, text=True).stdout.split()
        if found:
            screen.tool("windowfocus", found[-1])
            time.sleep(0.5)
            return shown, found[-1]
    sys.exit("no window came")


def result(shown):
    said = shown.communicate(timeout=30)[0]
    assert shown.returncode == 0, said
    script, rest = said.split("--\n")
    voice, *values = rest.split("\n")
    return script, voice, [float(v) for v in values if v]


def main():
    need("Xvfb", "xdotool")
    with Place(sys.argv[1]) as place:
        screen = Screen(place)
        try:
            shown, window = open_window(place, screen, "Hello.")
            screen.keys("ctrl+End")
            screen.text("One two three.")
            # words taken by Ctrl+Shift and cut, pasted twice in front
            screen.keys("ctrl+shift+Left", "ctrl+x", "ctrl+Home", "Down",
                        "ctrl+v", "ctrl+v", "ctrl+z")
            screen.keys("ctrl+End", "Return")
            screen.text("@61 at 1s")
            screen.keys("Return")
            screen.text("Nx")
            screen.keys("BackSpace", "ctrl+Return")
            time.sleep(0.5)
            # Tab: voice, gain, speed, pitch, seed, note off
            screen.keys("Tab", "Down", "Down", "Tab", "Left", "Tab", "Page_Up",
                        "Tab", "Right", "Home", "Tab", "Right", "Page_Up",
                        "Tab", "space")
            time.sleep(0.5)
            # Destroyed from outside, as a host does with its parent.
            screen.tool("windowclose", window)
            script, voice, values = result(shown)
        finally:
            screen.close()
        print(script, voice, values)
        assert script == ("@60 at 0\nthree.Hello.\nOne two\n"
                          "@61 at 1s\nN\n"), script
        assert voice == "bert", voice
        assert values[:5] == [-0.5, 1.25, 0, 101, 1], values


if __name__ == "__main__":
    main()
