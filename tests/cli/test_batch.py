"""Many texts into many files, and the times of what was said."""
import json
import re
import signal
import struct
import time

import harness

MANIFEST = "chatterbox-manifest.txt"


class Batch(harness.Case):
    def batch(self, *args, **how):
        return self.run_it("render", "--model", harness.MODEL,
                           "--no-watermark", "-O", "out", *args, **how)

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    def made(self):
        """Names and samples of the sounds: the rest of a file has a date."""
        return {p.name: self.samples(p)
                for p in sorted((self.folder / "out").iterdir())
                if p.name != MANIFEST}

    @staticmethod
    def samples(path):
        if path.suffix == ".wav":
            return harness.wav_chunks(path)[b"data"]
        return path.read_bytes()

    def counts(self, r):
        m = re.search(r"^(\d+) written, (\d+) there already, (\d+) failed$",
                      r.err, re.M)
        self.assertTrue(m, r.err)
        return tuple(map(int, m.groups()))

    def test_each_file_becomes_what_it_is_alone(self):
        self.write("a.txt", "Hello there.")
        self.write("b.md", "# Title\nGood morning.")
        r = self.batch("a.txt", "b.md")
        self.assertEqual((r.code, self.counts(r)), (0, (2, 0, 0)), r.err)
        self.assertEqual(sorted(self.made()), ["a.wav", "b.wav"])
        self.succeeds("render", "--model", harness.MODEL, "--no-watermark",
                      "-o", "alone.wav", "Hello there.")
        self.assertEqual(self.samples(self.folder / "alone.wav"),
                         self.made()["a.wav"])

    def test_lines_have_names_that_stay(self):
        self.write("l.txt", "One.\n\nThree.\nFour.")
        r = self.batch("--split", "lines", "--format", "flac", "l.txt")
        self.assertEqual(self.counts(r), (3, 0, 0), r.err)
        self.assertEqual(sorted(self.made()),
                         ["l-0001.flac", "l-0003.flac", "l-0004.flac"])
        r = self.batch("--split", "lines", stdin=b"One.\nTwo.")
        self.assertEqual(self.counts(r), (2, 0, 0), r.err)
        self.assertIn("speech-0002.wav", self.made())

    def test_only_what_changed_is_spoken_again(self):
        self.write("l.txt", "One.\nTwo.\nThree.\n")
        args = ("--split", "lines", "l.txt")
        self.assertEqual(self.counts(self.batch(*args)), (3, 0, 0))
        before = self.made()
        self.assertEqual(self.counts(self.batch(*args)), (0, 3, 0))
        self.write("l.txt", "One.\nNow two.\nThree.\n")
        self.assertEqual(self.counts(self.batch(*args)), (1, 2, 0))
        (self.folder / "out" / "l-0003.wav").unlink()
        self.assertEqual(self.counts(self.batch(*args)), (1, 2, 0))
        self.assertEqual(self.counts(self.batch("--seed", "5", *args)),
                         (3, 0, 0))
        self.assertEqual(self.counts(self.batch(*args)), (3, 0, 0))
        after = self.made()
        self.assertTrue(before["l-0001.wav"] == after["l-0001.wav"])
        self.assertTrue(before["l-0003.wav"] == after["l-0003.wav"])

    def test_a_killed_run_goes_on_where_it_stopped(self):
        self.write("l.txt", "".join(f"Line number {i} is here.\n"
                                    for i in range(40)))
        args = ("--split", "lines", "l.txt")
        for number in (signal.SIGKILL, signal.SIGINT):
            p = self.start("render", "--model", harness.MODEL,
                           "--no-watermark", "-O", "out", *args)
            until = time.monotonic() + harness.TIMEOUT * harness.SLOW
            before = len(list(self.folder.glob("out/*.wav")))
            while len(list(self.folder.glob("out/*.wav"))) < before + 3:
                self.assertLess(time.monotonic(), until)
                time.sleep(0.005)
            p.send_signal(number)
            p.wait()
            if number == signal.SIGINT:
                self.assertEqual(p.returncode, 130)
        with (self.folder / "out" / MANIFEST).open("a") as f:
            f.write("0123456789abcdef 12")  # a torn line
        r = self.batch(*args)
        made, there, failed = self.counts(r)
        self.assertEqual((made + there, failed), (40, 0), r.err)
        self.assertGreaterEqual(there, 4)
        resumed = self.made()
        for p in (self.folder / "out").iterdir():
            p.unlink()
        self.assertEqual(self.counts(self.batch(*args)), (40, 0, 0))
        whole = self.made()
        self.assertTrue({k: v for k, v in resumed.items() if k in whole} ==
                        whole)

    def test_chapters_become_files(self):
        self.write("b.txt", "A preface.\n# One\nText one.\n## Two\nText two.\n"
                            "Chapter 3\nMore.\nPart of it stays.\n")
        r = self.batch("--split", "chapters", "b.txt")
        self.assertEqual(self.counts(r), (4, 0, 0), r.err)
        self.assertEqual(sorted(self.made()),
                         [f"b-0{i}.wav" for i in range(1, 5)])

    def test_faults_are_said_and_the_rest_goes_on(self):
        self.write("a.txt", "Hello.")
        self.write("b.txt", "...")
        (self.folder / "d").mkdir()
        self.write("d/a.txt", "Other.")
        r = self.batch("b.txt", "a.txt")
        self.assertEqual((r.code, self.counts(r)), (1, (1, 0, 1)), r.err)
        self.assertIn("b.wav was not written", r.err)
        self.assertEqual(sorted(self.made()), ["a.wav"])
        self.complains(self.batch("a.txt", "d/a.txt"), "both become a.wav")
        self.complains(self.batch("none.txt"), "none.txt")
        self.complains(self.batch("--split", "pages", "a.txt"), "pages")
        self.complains(self.batch("-o", "x.wav", "a.txt"), "--into")
        self.complains(self.run_it("render", "-o", "x.wav", "--split", "lines",
                                   "a"), "--into")

    def test_times_follow_the_sound(self):
        self.write("b.txt", "# One\nHello there. It costs $5.\n\n"
                            "# Two; and\nGood night.\n")
        self.succeeds("render", "--model", harness.MODEL, "--no-watermark",
                      "-o", "b.wav", "--srt", "--vtt", "--json", "--chapters",
                      "-", stdin=(self.folder / "b.txt").read_bytes())
        times = json.loads((self.folder / "b.json").read_text())
        data = harness.wav_chunks(self.folder / "b.wav")[b"data"]
        self.assertEqual(times["frames"], len(data) // 4)
        said = [s["text"] for s in times["sentences"]]
        self.assertEqual(said, ["# One", "Hello there.", "It costs $5.",
                                "# Two; and", "Good night."])
        for a, b in zip(times["sentences"], times["sentences"][1:]):
            self.assertLess(a["start"], a["end"])
            self.assertEqual(a["end"], b["start"])
        last = times["sentences"][-1]
        self.assertAlmostEqual(last["end"], times["frames"] / times["rate"])
        srt = (self.folder / "b.srt").read_text()
        self.assertEqual(srt.count(" --> "), 5)
        self.assertRegex(srt, r"\A1\n00:00:00,000 --> 00:00:\d\d,\d{3}\n# One\n")
        vtt = (self.folder / "b.vtt").read_text()
        self.assertTrue(vtt.startswith("WEBVTT\n\n1\n00:00:00.000 --> "))
        chapters = (self.folder / "b.chapters.txt").read_text()
        starts = list(map(int, re.findall(r"START=(\d+)", chapters)))
        self.assertEqual(starts[0], 0)
        self.assertEqual(starts[1],
                         round(times["sentences"][3]["start"] * times["rate"]))
        self.assertIn("title=Two\\; and\n", chapters)

    def test_marks_have_times(self):
        ssml = b"<speak>One <mark name='a'/>two.<break time='1s'/>" \
               b"<mark name='b'/>Three.<mark name='end'/></speak>"
        self.succeeds("render", "--model", harness.MODEL, "--no-watermark",
                      "-o", "m.wav", "--ssml", "--json", "-", stdin=ssml)
        times = json.loads((self.folder / "m.json").read_text())
        marks = {m["name"]: m for m in times["marks"]}
        self.assertEqual(list(marks), ["a", "b", "end"])
        second = times["sentences"][1]["start"]
        self.assertTrue(0 < marks["a"]["start"] < second - 1)
        self.assertEqual(marks["b"]["start"], second)
        self.assertAlmostEqual(marks["end"]["start"],
                               times["frames"] / times["rate"])
        self.assertEqual(marks["a"]["from"], 11)

    def test_prosody_changes_speed_and_gain(self):
        text = "This is said as it is."
        sizes, peaks = {}, {}
        for rate in ("100", "200", "50"):
            ssml = f"<prosody rate='{rate}%' volume='-6dB'>{text}</prosody>"
            self.succeeds("render", "--model", harness.MODEL, "--no-watermark",
                          "-o", "p.wav", "--ssml", "-", stdin=ssml.encode())
            data = self.samples(self.folder / "p.wav")
            sizes[rate] = len(data) / 4
            peaks[rate] = max(abs(x[0]) for x in struct.iter_unpack("<f", data))
        self.succeeds("render", "--model", harness.MODEL, "--no-watermark",
                      "-o", "p.wav", text)
        data = self.samples(self.folder / "p.wav")
        peak = max(abs(x[0]) for x in struct.iter_unpack("<f", data))
        self.assertEqual(sizes["100"], len(data) / 4)
        self.assertAlmostEqual(sizes["200"] / sizes["100"], 0.5, delta=0.05)
        self.assertAlmostEqual(sizes["50"] / sizes["100"], 2, delta=0.1)
        self.assertAlmostEqual(peaks["100"] / peak, 10 ** (-6 / 20), delta=0.02)

    def test_times_need_a_file(self):
        self.fails("render", "--model", harness.MODEL, "--raw", "--srt", "a",
                   names=["-o FILE"])


harness.main()
