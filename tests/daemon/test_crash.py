#!/usr/bin/env python3
"""Sound through shared memory equals render's; either side killed at any moment:
the other one goes on, and nothing is lost, doubled or left behind. ROUNDS (the
environment) makes it a soak."""
import os
import random
import threading

import daemon
from daemon import Case

TEXTS = ["Good morning, this is a test of what is kept.",
         "A second sentence follows. And a third one.", "The last one."]
ROUNDS = int(os.environ.get("ROUNDS", "3"))


class Reader(threading.Thread):
    """Takes what a process writes, and lets somebody wait for so many bytes."""

    def __init__(self, pipe):
        super().__init__(daemon=True)
        self.pipe, self.data = pipe, b""
        self.start()

    def run(self):
        while piece := self.pipe.read1(65536):
            self.data += piece


class Sound(Case):
    def test_render_through_the_daemon_has_the_same_bytes(self):
        self.daemon()
        for rate, seed in ((24000, 1), (44100, 7)):
            text = " ".join(TEXTS)
            out, err = self.run_it(daemon.SPEAKER, self.path, "render", rate,
                                   text, seed)
            self.assertEqual(out, self.rendered(text, rate, "-s", seed))
            self.assertIn("sentence 1 0 0 45", err)

    def test_jobs_on_an_audio_follow_each_other_without_a_gap(self):
        self.daemon()
        out, err = self.run_it(daemon.SPEAKER, self.path, "live", 24000, *TEXTS)
        self.assertTrue(out == b"".join(map(self.rendered, TEXTS)))
        self.assertEqual([x.split()[0] for x in err.splitlines()].count("ended"),
                         len(TEXTS))


class Killed(Case):
    def test_a_new_daemon_goes_on_at_the_frame_where_the_old_one_died(self):
        whole = b"".join(map(self.rendered, TEXTS))
        dice = random.Random(11)
        for round_ in range(ROUNDS):
            d = self.daemon()
            s = self.start(daemon.SPEAKER, self.path, "live", 24000, *TEXTS)
            out, err = Reader(s.stdout), Reader(s.stderr)
            at = dice.randrange(len(whole) * 9 // 10)
            self.wait_for(lambda: len(out.data) >= at)
            d.kill()
            d.wait()
            d = self.daemon()
            s.wait(60 * daemon.SLOW)
            out.join()
            err.join()
            self.assertEqual(s.returncode, 0, err.data)
            with self.subTest(round=round_, killed_at=at):
                self.assertEqual(len(out.data), len(whole))
                self.assertTrue(out.data == whole)
            names = [x.split()[0] for x in err.data.decode().splitlines()]
            self.assertEqual(names.count("ended"), len(TEXTS))
            self.assertEqual(names.count("started"), len(TEXTS))
            self.stops(d)

    def test_a_client_that_is_killed_takes_only_its_own_jobs_along(self):
        d = self.daemon()
        other = self.client()
        self.wait_for(lambda: any(m["state"] == "ready" for m in
                                  other.ask("models")["models"]))
        dice, job = random.Random(5), 0
        for _ in range(2 * ROUNDS):
            s = self.start(daemon.SPEAKER, self.path,
                           dice.choice((["live", 24000], ["sink"]))[0],
                           "24000", *(TEXTS * 3))
            self.wait_for(lambda: other.ask("stats")["busy"] > 0)
            job += 1
            other.send("say", job=job, text="Mine.", priority="message")
            other.until("queued", job=job)
            s.kill()
            s.wait()
            other.until("ended", job=job)
        self.wait_for(lambda: other.ask("stats")["busy"] == 0)
        self.wait_for(lambda: self.shared_memory(d) == 0)
        self.wait_for(lambda: other.ask("stats")["clients"] == 1)
        self.stops(d)

    def test_a_client_starts_the_daemon_where_none_runs(self):
        config = self.folder / "daemon.ini"
        config.write_text(daemon.NULL_SINK)
        self.path.parent.mkdir(mode=0o700)
        env = self.environment(CHATTERBOXD=str(daemon.DAEMON),
                               SPEAKER_CONFIG=str(config))
        self.run_it(daemon.SPEAKER, self.path, "sink", "Hello.", env=env)
        c = self.client()
        self.assertEqual(c.ask("stats")["spoken"], 1)
        self.assertTrue(c.ask("shutdown", mode="cancel")["ok"])
        while c.line() is not None:
            pass
        self.wait_for(lambda: not self.path.exists())


if __name__ == "__main__":
    daemon.main()
