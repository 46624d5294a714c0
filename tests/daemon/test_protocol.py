#!/usr/bin/env python3
"""Requests, answers and events of the control socket: order, counts, bytes."""
import signal
import stat
import subprocess

import daemon
from daemon import Case

LONG = "This is a sentence that goes on for a while, so that it can be stopped. " * 6


class Protocol(Case):
    def test_a_job_has_its_events_once_and_in_order(self):
        self.daemon()
        c = self.client()
        c.send("say", job=1, text="Good morning. How are you?")
        seen = c.until("ended")
        names = [e["event"] for e in seen]
        self.assertEqual([n for n in names if n != "word"],
                         ["queued", "started", "sentence", "sentence", "ended"])
        frames = [e["frame"] for e in seen]
        self.assertEqual(frames, sorted(frames))
        sentences = [(e["text_from"], e["text_to"]) for e in seen
                     if e["event"] == "sentence"]
        self.assertEqual(sentences, [(0, 13), (14, 26)])
        self.assertGreater(seen[-1]["frame"], 20000)
        self.assertEqual(c.ask("queue")["jobs"], [])

    def test_text_may_come_in_pieces(self):
        self.daemon()
        c = self.client()
        c.send("say", job=1, text="Good mor", more=True)
        c.send("append", job=1, text="ning. How ")
        c.send("append", job=1, text="are you?")
        c.send("finish", job=1)
        pieces = c.until("ended")[-1]["frame"]
        c.send("say", job=2, text="Good morning. How are you?")
        self.assertEqual(c.until("ended", job=2)[-1]["frame"], pieces)

    def test_stop_ends_one_job_and_the_next_one_speaks(self):
        self.daemon()
        c = self.client()
        c.send("say", job=1, text=LONG)
        c.send("say", job=2, text="Next.")
        c.until("started", job=1)
        self.assertEqual(c.ask("stop", job=1)["stopped"], 1)
        seen = c.until("ended", job=2)
        self.assertEqual([e["text"] for e in seen
                          if e["event"] == "cancelled"], ["stop"])
        self.assertEqual(c.ask("stop")["stopped"], 0)

    def test_a_paused_job_goes_on_and_loses_nothing(self):
        self.daemon()
        c = self.client()
        text = "One two three four five six seven. Eight nine ten."
        c.send("say", job=1, text=text)
        c.until("started")
        c.send("pause", job=1)
        at = c.until("paused")[-1]
        self.assertEqual(c.ask("queue")["jobs"][0]["state"], "paused")
        c.send("resume")
        c.until("resumed")
        end = c.until("ended")[-1]
        self.assertLess(at["frame"], end["frame"])
        c.send("say", job=2, text=text)
        self.assertEqual(c.until("ended", job=2)[-1]["frame"], end["frame"])

    def test_refusals_name_the_field(self):
        self.daemon()
        c = self.client()
        for job, (fields, word) in enumerate((
                (dict(text=5), "text"), (dict(text="a", speed=9), "speed"),
                (dict(text="a", voice=[]), "voice"),
                (dict(text="a", priority="high"), "priority"),
                (dict(text="a", sink="nowhere"), "nowhere"),
                (dict(text="a", audio=3), "audio"),
                (dict(text="a", seed="x"), "seed"),
                (dict(text="a", top_k=-4), "top_k"),
                (dict(text="a" * 300000), "append"),
                (dict(text="a", voice="nobody"), "nobody"),
                (dict(text="a", model="/nowhere"), "/nowhere")), 1):
            c.send("say", job=job, **fields)
            last = c.until("error", job=job)[-1]
            self.assertIn(word, last["text"])
        for job in (0, -1, 2**53 + 1, 1.5, "x", 3):
            self.assertFalse(c.ask("say", job=job, text="a")["ok"])
        self.assertIn("dance", c.ask("dance")["error"])

    def test_lists_tell_what_is_there(self):
        self.daemon("[sinks]\ndefault = b\n[sink a]\nkind = null\n"
                    "[sink b]\nkind = null\nrate = 48000\n")
        c = self.client()
        self.assertIn("slt", [v["name"] for v in c.ask("voices")["voices"]])
        sinks = c.ask("sinks")["sinks"]
        self.assertEqual([(s["name"], s["default"]) for s in sinks
                          if s["name"] != "default"], [("a", False), ("b", True)])
        self.assertIn("temperature", c.ask("parameters"))
        c.send("say", job=1, text="Hello.")
        self.assertEqual(c.until("ended")[-1]["rate"], 48000)
        self.assertEqual(c.ask("stats")["spoken"], 1)
        self.assertEqual(c.ask("models")["models"][0]["state"], "ready")

    def test_everybodys_jobs_on_a_sink_can_be_stopped(self):
        self.daemon()
        a, b = self.client(), self.client()
        a.send("say", job=1, text=LONG)
        a.until("started")
        self.assertEqual(b.ask("stop")["stopped"], 0)
        self.assertEqual(b.ask("stop", sink="*")["stopped"], 1)
        a.until("cancelled")

    def test_jobs_of_a_client_that_left_are_cancelled_unless_kept(self):
        self.daemon()
        a, b = self.client(), self.client()
        a.send("say", job=1, text="This is kept, and it is spoken.", keep=True)
        a.send("say", job=2, text=LONG)
        a.until("started")
        a.close()
        b.send("say", job=1, text="Me too.")
        b.until("ended")
        stats = b.ask("stats")
        self.assertEqual((stats["spoken"], stats["cancelled"]), (2, 1))

    def test_only_the_owner_can_connect(self):
        self.daemon()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o700)
        self.path.parent.chmod(0o755)
        other = self.start(daemon.DAEMON, "--socket",
                           self.path.parent / "other.sock")
        _, err = other.communicate(timeout=30)
        self.assertEqual(other.returncode, 1)
        self.assertIn(b"0700", err)

    def test_a_second_daemon_finds_the_first(self):
        first = self.daemon()
        second = self.start(daemon.DAEMON, "--socket", self.path)
        _, err = second.communicate(timeout=30)
        self.assertEqual(second.returncode, 1)
        self.assertIn(b"another chatterboxd", err)
        self.stops(first)


class Stopping(Case):
    def test_cancel_tells_everybody(self):
        d = self.daemon()
        c = self.client()
        c.send("say", job=1, text=LONG)
        c.send("say", job=2, text=LONG)
        c.until("started")
        d.send_signal(signal.SIGTERM)
        last = [c.until("cancelled")[-1] for _ in range(2)]
        self.assertEqual({(e["job"], e["text"]) for e in last},
                         {(1, "shutdown"), (2, "shutdown")})
        self.assertEqual(d.wait(30), 0)

    def test_finish_speaks_what_was_accepted_and_takes_no_more(self):
        d = self.daemon()
        c = self.client()
        c.send("say", job=1, text="This is finished.")
        c.send("say", job=2, text="This too.")
        c.until("started")
        self.assertTrue(c.ask("shutdown", mode="finish")["ok"])
        c.send("say", job=3, text="Too late.")
        c.until("error", job=3)
        c.until("ended", job=2)
        self.assertEqual(d.wait(30), 0)


class Priorities(Case):
    # spoken, new -> "old" or "new" is cancelled, or both "wait"
    TABLE = {
        "important": dict(important="wait", message="wait", text="wait",
                          notification="new", progress="wait"),
        "message": dict(important="old", message="wait", text="wait",
                        notification="new", progress="wait"),
        "text": dict(important="old", message="old", text="old",
                     notification="new", progress="wait"),
        "notification": dict(important="old", message="old", text="old",
                             notification="old", progress="wait"),
        "progress": dict(important="old", message="old", text="old",
                         notification="new", progress="wait"),
    }

    def test_who_interrupts_whom(self):
        self.daemon()
        c, job = self.client(), 0
        for spoken, row in self.TABLE.items():
            for new, outcome in row.items():
                job += 2
                with self.subTest(spoken=spoken, new=new):
                    c.send("say", job=job, text=LONG, priority=spoken)
                    c.until("started", job=job)
                    c.send("say", job=job + 1, text=LONG, priority=new)
                    if outcome == "wait":
                        c.until("queued", job=job + 1)
                        states = {j["job"]: j["state"]
                                  for j in c.ask("queue")["jobs"]}
                        self.assertEqual(states, {job: "speaking",
                                                  job + 1: "waiting"})
                    elif outcome == "old":
                        c.until("cancelled", job=job)
                        c.until("started", job=job + 1)
                    else:
                        c.until("cancelled", job=job + 1)
                    left = c.ask("stop")["stopped"]
                    self.assertEqual(left, 2 if outcome == "wait" else 1)
                    self.wait_for(lambda: not c.ask("queue")["jobs"])
                    c.events.clear()

    def test_what_waits_is_said_by_rank_and_the_last_progress_is_said(self):
        self.daemon()
        c = self.client()
        c.send("say", job=1, text="The first one is important.",
               priority="important")
        c.until("started")
        for job, priority in enumerate(("text", "progress", "progress",
                                        "important"), 2):
            c.send("say", job=job, text="And this.", priority=priority)
        c.send("say", job=6, text="Message.", priority="message")
        ends = []
        while len(ends) < 6:
            e = c.until("ended", "cancelled")[-1]
            ends.append((e["event"], e["job"]))
        # 3 is replaced by 4; the message cancels the text
        self.assertEqual(sorted(ends), [
            ("cancelled", 2), ("cancelled", 3), ("ended", 1), ("ended", 4),
            ("ended", 5), ("ended", 6)])
        spoken = [job for event, job in ends if event == "ended"]
        self.assertEqual(spoken[:2], [1, 5])


class Command(Case):
    def test_say_uses_a_daemon_and_needs_none(self):
        d = self.daemon()
        self.run_it(daemon.CHATTERBOX, "say", "Hello, daemon.")
        out = self.start(daemon.CHATTERBOX, "say", "-",
                         stdin=subprocess.PIPE)
        out.communicate(b"From a pipe. And more.", timeout=60)
        self.assertEqual(out.returncode, 0)
        self.assertEqual(self.client().ask("stats")["spoken"], 2)
        self.run_it(daemon.CHATTERBOX, "say", "--null", "-q", "By myself.")
        self.run_it(daemon.CHATTERBOX, "say", "--daemon", "never", "--null",
                    "-q", "By myself.")
        self.assertEqual(self.client().ask("stats")["spoken"], 2)
        _, err = self.run_it(daemon.CHATTERBOX, "say", "--sink", "none", "Hi.",
                             code=2)
        self.assertIn("none", err)
        out, _ = self.run_it(daemon.CHATTERBOX, "daemon")
        self.assertIn(b"spoken 2", out)
        self.run_it(daemon.CHATTERBOX, "daemon", "stop")
        self.assertEqual(d.wait(30), 0)
        _, err = self.run_it(daemon.CHATTERBOX, "say", "--daemon", "require",
                             "Hi.", code=1)
        self.assertIn("no chatterboxd", err)
        self.run_it(daemon.CHATTERBOX, "say", "--null", "-q", "By myself.")

    def test_a_daemon_without_a_device_is_said_and_not_waited_for(self):
        self.daemon("[sink default]\nkind = jack\n", JACK_NO_START_SERVER="1")
        _, err = self.run_it(daemon.CHATTERBOX, "say", "Hi.", code=1)
        self.assertIn("the daemon cannot speak", err)


if __name__ == "__main__":
    daemon.main()
