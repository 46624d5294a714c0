"""--trace: what was done when, for people to look at."""
import json

import harness


class Trace(harness.Case):
    def trace(self, *args):
        self.succeeds(*args, "--model", harness.MODEL, "--trace", "t.json",
                      "Hello. This is a trace.")
        with open(self.folder / "t.json", encoding="utf-8") as f:
            return json.load(f)

    def rows(self, trace):
        """{name of the thread: its spans, in order}"""
        names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"]
                 if e["ph"] == "M" and e["name"] == "thread_name"}
        rows = {}
        for e in trace["traceEvents"]:
            if e["ph"] == "X":
                rows.setdefault(names[e["tid"]], []).append(e)
        return rows

    def test_every_stage_is_there_and_spans_nest(self):
        trace = self.trace("render", "-o", "out.wav", "--speed", "1.5",
                           "--rate", "48000")
        rows = self.rows(trace)
        self.assertEqual({e["name"] for e in rows["decode"]},
                         {"step", "text", "t3", "flow", "vocoder", "effects",
                          "resample"})
        for spans in rows.values():
            open_until = []
            for e in sorted(spans, key=lambda e: (e["ts"], -e["dur"])):
                start, end = e["ts"], e["ts"] + e["dur"]
                while open_until and open_until[-1] <= start + 0.002:
                    open_until.pop()
                if open_until:
                    self.assertLessEqual(end, open_until[-1] + 0.002)
                open_until.append(end)
        self.assertEqual(trace["otherData"]["dropped"], "0")
        self.assertTrue([e for e in trace["traceEvents"] if e["ph"] == "C" and
                         e["name"] == "ring ms" and e["args"]["value"] > 0])

    def test_callbacks_are_there_with_the_frames_they_took(self):
        trace = self.trace("say", "--null")
        calls = self.rows(trace)["audio"]
        self.assertEqual({e["name"] for e in calls}, {"callback"})
        self.assertGreater(sum(e["args"]["n"] for e in calls), 4800)

    def test_a_file_that_cannot_be_written_is_an_error_before_any_sound(self):
        self.fails("render", "--model", harness.MODEL, "-o", "out.wav",
                   "--trace", "no/such/folder/t.json", "Hello.",
                   names=["no/such/folder/t.json"])
        self.assertFalse((self.folder / "out.wav").exists())


if __name__ == "__main__":
    harness.main()
