#!/usr/bin/env python3
"""Socket activation, by systemd's own program."""
import shutil
import sys

import daemon
from daemon import Case


class Activation(Case):
    def test_the_first_client_starts_it(self):
        self.path.parent.mkdir(mode=0o700)
        config = self.folder / "daemon.ini"
        config.write_text(daemon.NULL_SINK)
        passed = [f"-E{n}" for n in ("CHATTERBOX_DATA", "HOME")]
        s = self.start("systemd-socket-activate", "-l", self.path, *passed,
                       daemon.DAEMON, "--config", config)
        self.wait_for(self.path.exists)
        c = self.client()
        c.send("say", job=1, text="Hello, systemd.")
        c.until("ended")
        self.assertEqual(c.ask("hello", version=1)["pid"], s.pid)
        self.assertTrue(c.ask("shutdown", mode="finish")["ok"])
        self.assertEqual(s.wait(30), 0)
        self.assertTrue(self.path.exists())  # it is systemd's


if __name__ == "__main__":
    if not shutil.which("systemd-socket-activate"):
        print("skipped: systemd-socket-activate is not installed")
        sys.exit(77)
    daemon.main()
