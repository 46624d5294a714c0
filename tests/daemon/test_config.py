#!/usr/bin/env python3
"""The configuration: its faults with their lines, reading it again, and what it
does to models in memory. And what systemd is told."""
import signal
import socket

import daemon
from daemon import Case


class Config(Case):
    def check(self, text, code=0):
        file = self.folder / "c.ini"
        file.write_text(text)
        out, err = self.run_it(daemon.DAEMON, "--check-config", "--config",
                               file, code=code)
        return err or out.decode()

    def test_faults_have_a_line(self):
        for text, line, word in (
                ("[daemon]\nclients = many\n", 2, "clients"),
                ("[daemon]\n\n# x\nclients = 0\n", 4, "from 1"),
                ("[voice]\npreload = perhaps\n", 2, "preload"),
                ("[sink a]\nkind = loud\n", 2, "portaudio"),
                ("[engine]\nthreads = 1.5\n", 2, "whole"),
                ("[nothing]\na = b\n", 2, "section"),
                ("[daemon]\ncolour = red\n", 2, "colour"),
                ("clients = 3\n", 1, "before any section"),
                ("[daemon]\nclients = 3\nclients = 4\n", 3, "twice"),
                ("[daemon]\nthis is nothing\n", 2, "key = value"),
                ("[daemon\nclients = 3\n", 1, "section"),
                ("[voice]\nvoice = " + "x" * 300 + "\n", 2, "longer")):
            with self.subTest(text=text[:40]):
                said = self.check(text, code=1)
                self.assertIn(f"c.ini:{line}: ", said)
                self.assertIn(word, said)
        self.assertIn("there is no [sink z]",
                      self.check("[sinks]\ndefault = z\n", code=1))

    def test_the_sample_is_valid_and_is_what_the_documents_show(self):
        sample, _ = self.run_it(daemon.DAEMON, "--sample-config")
        bare = sample.decode().replace("\n#", "\n")
        keys = [x for x in bare.splitlines() if " =" in x]
        self.assertGreater(len(keys), 20)
        self.check(sample.decode())
        document = (daemon.SOURCE / "docs" / "DAEMON.md").read_text()
        self.assertIn(sample.decode().strip(), document)
        active = "\n".join(x for x in bare.splitlines()
                           if x.startswith("[") or " =" in x)
        self.check(active)

    def test_sighup_reads_it_again_and_keeps_the_old_one_on_a_fault(self):
        d = self.daemon()
        c = self.client()
        names = lambda: [s["name"] for s in c.ask("sinks")["sinks"]]
        self.assertEqual(names(), ["default"])
        file = self.folder / "daemon.ini"
        file.write_text(daemon.NULL_SINK + "[sink more]\nkind = null\n")
        d.send_signal(signal.SIGHUP)
        self.wait_for(lambda: names() == ["default", "more"])
        c.send("say", job=1, text="Hello.", sink="more")
        c.until("ended")
        file.write_text("[sink]\nkind = null\n")
        d.send_signal(signal.SIGHUP)
        self.wait_for(lambda: "daemon.ini:2: " in self.read_log())
        self.assertIn("old configuration stays", self.read_log())
        self.assertEqual(names(), ["default", "more"])
        self.assertFalse(c.ask("reload")["ok"])
        self.stops(d)

    def test_a_model_that_is_not_used_leaves_memory_and_comes_back(self):
        self.daemon(daemon.NULL_SINK + "[voice]\nidle_unload = 0.3\n")
        c = self.client()
        state = lambda: [m["state"] for m in c.ask("models")["models"]]
        c.send("say", job=1, text="Hello.")
        c.until("ended")
        self.wait_for(lambda: state() == ["unloaded"])
        c.send("say", job=2, text="Hello.")
        c.until("ended", job=2)
        self.assertGreaterEqual(c.ask("stats")["loads"], 2)

    def test_an_idle_daemon_ends_where_it_is_told_to(self):
        d = self.daemon(args=["--exit-when-idle", "0.2"])
        self.assertEqual(d.wait(30 * daemon.SLOW), 0)


class Notify(Case):
    def test_systemd_hears_ready_alive_reloading_and_stopping(self):
        name = str(self.folder / "notify")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(name)
        listener.settimeout(30 * daemon.SLOW)
        heard = []

        def until(word):
            while not any(word in x for x in heard):
                heard.append(listener.recv(4096).decode())

        d = self.daemon(NOTIFY_SOCKET=name, WATCHDOG_USEC="200000")
        until("READY=1")
        until("WATCHDOG=1")
        heard.clear()
        d.send_signal(signal.SIGHUP)
        until("RELOADING=1")
        until("READY=1")
        d.send_signal(signal.SIGTERM)
        until("STOPPING=1")
        self.assertEqual(d.wait(30), 0)


if __name__ == "__main__":
    daemon.main()
