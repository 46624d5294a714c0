#!/usr/bin/env python3
"""The page in a real Chromium: it speaks, stops, works by keyboard, and is
readable by assistive programs. Driven through the browser's own protocol
(WebSocket on a pipe: --remote-debugging-pipe).
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import front

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="chatterbox-page-")
        theirs_in, self.out = os.pipe()
        self.inp, theirs_out = os.pipe()

        def wire():
            # the browser reads commands from 3 and writes answers to 4
            a, b = os.dup(theirs_in), os.dup(theirs_out)
            high = [os.dup(a), os.dup(b)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)
        self.process = subprocess.Popen(
            [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run",
             "--autoplay-policy=no-user-gesture-required",
             "--remote-debugging-pipe", f"--user-data-dir={self.folder.name}",
             "about:blank"],
            preexec_fn=wire, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.number, self.rest, self.events, self.session = 0, b"", [], None
        target = self.call("Target.createTarget", url="about:blank")
        self.session = self.call("Target.attachToTarget", flatten=True,
                                 targetId=target["targetId"])["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.call(domain + ".enable")

    def message(self):
        while b"\0" not in self.rest:
            more = os.read(self.inp, 1 << 16)
            if not more:
                raise AssertionError("the browser ended")
            self.rest += more
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        while True:
            m = self.message()
            if m.get("id") == self.number:
                if "error" in m:
                    raise AssertionError(f"{method}: {m['error']}")
                return m["result"]
            self.events.append(m)

    def js(self, code):
        r = self.call("Runtime.evaluate", expression=code, returnByValue=True,
                      awaitPromise=True)
        if "exceptionDetails" in r:
            raise AssertionError(r["exceptionDetails"])
        return r["result"].get("value")

    def wait_for(self, code, seconds=60):
        until = time.monotonic() + seconds
        while not self.js(code):
            if time.monotonic() > until:
                raise AssertionError(f"never: {code}; the page says "
                                     f"{self.js('document.body.innerText')!r}")
            time.sleep(0.05)

    def key(self, key, code, text="", modifiers=0):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=code, modifiers=modifiers,
                      **({"text": text} if text and kind == "keyDown" else {}))

    def complaints(self):
        """Errors of the console and of scripts so far."""
        out = []
        for e in self.events:
            p = e.get("params", {})
            if e.get("method") == "Runtime.exceptionThrown":
                out.append(p["exceptionDetails"])
            elif (e.get("method") == "Log.entryAdded"
                  and p["entry"]["level"] == "error"
                  and "favicon" not in json.dumps(p)):
                out.append(p["entry"])
            elif (e.get("method") == "Runtime.consoleAPICalled"
                  and p["type"] in ("error", "warning")):
                out.append(p)
        return out

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
        except (OSError, AssertionError):
            pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.out)
        os.close(self.inp)
        self.folder.cleanup()


class Page(front.Case):
    def setUp(self):
        self.browser = Browser()
        self.browser.call("Page.navigate",
                          url=f"http://127.0.0.1:{self.daemon.http}/")
        self.browser.wait_for("document.readyState === 'complete' && "
                              "document.getElementById('voice').length > 1")

    def tearDown(self):
        self.browser.close()

    def test_it_speaks_all_of_it_without_a_gap(self):
        b = self.browser
        b.js("document.getElementById('text').value = "
             + json.dumps(front.TEXT))
        b.js("document.getElementById('speak').click()")
        b.wait_for("document.getElementById('status').textContent === "
                   "'Done.'")
        wanted = front.rendered(front.TEXT, "--latency", "lowest")
        self.assertEqual(len(wanted) // 2,
                         int(b.js("document.body.dataset.samples")))
        self.assertRegex(b.js("document.getElementById('first').textContent"),
                         r"^\d+ ms$")
        self.assertGreater(
            float(b.js("parseFloat(document.getElementById('heard')"
                       ".textContent)")), 1)
        self.assertEqual([], b.complaints())

    def test_it_stops_and_the_server_with_it(self):
        b = self.browser
        b.js("document.getElementById('text').value = "
             + json.dumps(front.LONG))
        b.js("document.getElementById('speak').click()")
        b.wait_for("document.getElementById('status').textContent === "
                   "'Speaking.'")
        b.js("document.getElementById('stop').click()")
        b.wait_for("document.getElementById('status').textContent === "
                   "'Stopped.'")
        self.assertTrue(b.js("document.getElementById('stop').disabled"))
        self.daemon.wait_for(lambda: self.daemon.busy() == 0)
        self.assertEqual([], b.complaints())

    def test_it_needs_no_mouse(self):
        b = self.browser
        b.key("Tab", 9)
        self.assertEqual("text", b.js("document.activeElement.id"))
        b.key("a", 65, modifiers=2)
        for c in "Hi.":
            b.call("Input.insertText", text=c)
        seen = []
        for _ in range(3):
            b.key("Tab", 9)
            seen.append(b.js("document.activeElement.id"))
        self.assertEqual(["voice", "speed", "speak"], seen)
        b.key("Enter", 13, "\r")
        b.wait_for("document.getElementById('status').textContent === "
                   "'Done.'")
        b.js("document.getElementById('text').value = "
             + json.dumps(front.LONG))
        b.js("document.getElementById('text').focus()")
        b.key("Enter", 13, "\r", modifiers=2)  # Control
        b.wait_for("document.getElementById('status').textContent === "
                   "'Speaking.'")
        b.key("Escape", 27)
        b.wait_for("document.getElementById('status').textContent === "
                   "'Stopped.'")
        self.assertEqual([], b.complaints())

    def test_a_fault_is_told(self):
        b = self.browser
        b.js("document.getElementById('voice').add(new Option('n', 'nobody'));"
             "document.getElementById('voice').value = 'nobody'")
        b.js("document.getElementById('speak').click()")
        b.wait_for("document.getElementById('error').textContent.includes("
                   "\"unknown voice 'nobody'\")")

    def test_assistive_programs_find_names_and_roles(self):
        nodes = self.browser.call("Accessibility.getFullAXTree")["nodes"]
        found = {}
        for n in nodes:
            role = n.get("role", {}).get("value")
            name = n.get("name", {}).get("value", "")
            found.setdefault(role, []).append(name)
        self.assertIn("Text", found["textbox"])
        self.assertIn("Voice", found["combobox"])
        self.assertTrue(any(n.startswith("Speed") for n in found["slider"]))
        self.assertIn("Speak", found["button"])
        self.assertIn("Stop", found["button"])
        self.assertIn("status", found)
        self.assertIn("alert", found)
        self.assertIn("Chatterbox", found["heading"])
        unnamed = [r for r in ("textbox", "combobox", "slider", "button")
                   for name in found.get(r, []) if not name]
        self.assertEqual([], unnamed)
        self.assertEqual("en", self.browser.js(
            "document.documentElement.lang"))

    def test_ink_stands_out_from_paper(self):
        """WCAG's contrast of 4.5, in both colour schemes."""
        def light(colour):
            parts = [int(x) / 255 for x in re.findall(r"\d+", colour)[:3]]
            linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055)
                      ** 2.4 for c in parts]
            return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear))

        for scheme in ("light", "dark"):
            self.browser.call("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme", "value": scheme}])
            pairs = self.browser.js("""(() => {
                const style = (e) => getComputedStyle(e);
                const body = style(document.body);
                const speak = style(document.getElementById('speak'));
                const error = style(document.getElementById('error'));
                return [[body.color, body.backgroundColor],
                        [speak.color, speak.backgroundColor],
                        [error.color, body.backgroundColor]]; })()""")
            for ink, paper in pairs:
                a, b = sorted((light(ink), light(paper)))
                self.assertGreaterEqual((b + 0.05) / (a + 0.05), 4.5,
                                        (scheme, ink, paper))


if __name__ == "__main__":
    if not BROWSER:
        print("no Chromium here: make check-hosts installs it")
        sys.exit(77)
    unittest.main()
