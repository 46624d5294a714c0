#!/usr/bin/env python3
"""chatterbox fetch, models, remove: against a hub that interrupts, lies about
sizes, redirects and returns errors.

Usage: test_fetch.py CHATTERBOX [unittest options]
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import hub as fake  # noqa: E402

PROGRAM = None
REPOSITORY = "ResembleAI/chatterbox-nano"
REVISION = "71ccd1d0081b430592cea481f4307e764e07bc64"
WEIGHTS = "t3_nano_v1.safetensors"
FILES = {WEIGHTS: fake.some_bytes(300000, 1),
         "ve.safetensors": fake.some_bytes(50000, 2),
         "s3gen_meanflow.safetensors": fake.some_bytes(200001, 3),
         "conds.pt": fake.some_bytes(9000, 4),
         "vocab.json": b'{"a": 0}',
         "merges.txt": b"#version: 0.2\n",
         "added_tokens.json": b"{}"}
OTHERS = {"README.md": b"# nano\n", "t3_other.safetensors":
          fake.some_bytes(99999, 5), "../../evil": b"no", "/etc/evil": b"no"}


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.data = pathlib.Path(self.folder.name) / "data"
        self.models = self.data / "chatterbox/models"
        self.hub = fake.Hub(REPOSITORY, REVISION, {**FILES, **OTHERS})
        self.environment = {}

    def tearDown(self):
        self.hub.close()
        self.folder.cleanup()

    def env(self):
        e = {k: v for k, v in os.environ.items()
             if not k.startswith("HF_") and "proxy" not in k.lower()}
        e.update(XDG_DATA_HOME=str(self.data), HF_ENDPOINT=self.hub.url,
                 CHATTERBOX_DATA="", HOME=self.folder.name,
                 CHATTERBOX_RETRY_MS="20")
        e.update(self.environment)
        return e

    def run_it(self, *args):
        return subprocess.run([PROGRAM, *args], env=self.env(), text=True,
                              capture_output=True, timeout=120,
                              stdin=subprocess.DEVNULL)

    def fetch(self, *args, name="nano"):
        return self.run_it("fetch", name, "--timeout", "2", *args)

    def succeeds(self, *args):
        r = self.fetch(*args)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.check_model()
        return r

    def fails(self, *words, args=()):
        """One sentence, exit 1 or 2, no model, and a second try is as good."""
        r = self.fetch(*args)
        self.assertIn(r.returncode, (1, 2), r.stderr)
        last = r.stderr.strip().splitlines()[-1]
        self.assertTrue(last.startswith("chatterbox: "), r.stderr)
        for word in words:
            self.assertIn(word, last)
        self.assertFalse((self.models / "nano").exists())
        return r

    def check_model(self, name="nano"):
        there = {p.name: p.read_bytes()
                 for p in (self.models / name).iterdir()
                 if p.name != ".fetched.json"}
        self.assertEqual(there, FILES)
        self.assertFalse((self.models / f".{name}.part").exists())

    def asked(self, name):
        return [r for r in self.hub.requests if r[0] == name]


class Fetching(Case):
    def test_exactly_the_needed_files_by_one_list(self):
        r = self.succeeds()
        self.assertEqual(len(self.hub.requests), 1 + len(FILES))
        self.assertEqual(len(self.asked(fake.Hub.LIST)), 1)
        self.assertIn("nano", r.stderr)
        self.assertEqual([p for p in pathlib.Path(self.folder.name).rglob(
            "*evil*")], [])

    def test_nothing_twice(self):
        self.succeeds()
        self.hub.requests.clear()
        r = self.succeeds()
        self.assertIn("already", r.stderr)
        self.assertEqual(len(self.hub.requests), 1)

    def test_a_file_that_another_model_has_is_linked(self):
        self.succeeds()
        turbo = fake.Hub("ResembleAI/chatterbox-turbo",
                         "749d1c1a46eb10492095d68fbcf55691ccf137cd",
                         {("t3_turbo_v1.safetensors" if k == WEIGHTS else k): v
                          for k, v in FILES.items()})
        try:
            self.environment["HF_ENDPOINT"] = turbo.url
            r = self.fetch(name="turbo")
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertEqual([n for n, _, _ in turbo.requests],
                             [fake.Hub.LIST])
            a = (self.models / "nano/conds.pt").stat()
            self.assertEqual(a.st_nlink, 2)
        finally:
            turbo.close()

    def test_a_dry_run_says_all_and_does_nothing(self):
        r = self.fetch("--dry-run")
        self.assertEqual(r.returncode, 0, r.stderr)
        for name, data in FILES.items():
            self.assertIn(name, r.stdout)
            self.assertIn(str(len(data)), r.stdout)
        self.assertNotIn("README", r.stdout)
        self.assertFalse(self.data.exists())
        self.assertEqual(len(self.hub.requests), 1)

    def test_offline_asks_nobody(self):
        for how in ("--offline", None):
            if how is None:
                self.environment["HF_HUB_OFFLINE"] = "1"
            self.fails("offline", args=[how] if how else [])
        self.assertEqual(self.hub.requests, [])
        self.environment.clear()
        self.succeeds()
        self.hub.requests.clear()
        self.assertEqual(self.fetch("--offline").returncode, 0)
        self.assertEqual(self.hub.requests, [])

    def test_the_token_goes_to_the_hub_only(self):
        self.hub.token = "hf_secret"
        self.fails("401", "HF_TOKEN")
        self.environment["HF_TOKEN"] = "hf_secret"
        self.hub.tricks[WEIGHTS] = [("redirect",)]
        r = self.succeeds()
        self.assertEqual(self.hub.leaks, [])
        self.assertNotIn("hf_secret", r.stderr + r.stdout)

    def test_a_token_with_a_line_break_is_refused(self):
        self.environment["HF_TOKEN"] = "a\r\nX-Evil: 1"
        self.fails("HF_TOKEN")

    def test_through_a_proxy(self):
        """The proxy gets whole addresses: the fake hub as one does."""
        proxy = self.hub.url
        self.environment.update(HF_ENDPOINT="http://hub.invalid",
                                http_proxy=proxy)
        answer = self.hub.answer

        def strip(h):
            h.path = h.path.replace("http://hub.invalid", "")
            answer(h)
        self.hub.answer = strip
        self.succeeds()

    def test_an_unknown_model_and_a_bad_endpoint(self):
        r = self.fetch(name="flash")
        self.assertEqual(r.returncode, 2)
        self.assertIn("turbo", r.stderr)
        self.environment["HF_ENDPOINT"] = "ftp://x"
        self.fails("HF_ENDPOINT")
        self.environment["HF_ENDPOINT"] = "http://127.0.0.1:1"
        self.fails("127.0.0.1")

    def test_another_revision(self):
        self.fails("404", args=["--revision", "main"])
        self.hub.revision = "main"
        self.succeeds("--revision", "main")


class Interruptions(Case):
    def test_cut_connections_are_gone_on_with(self):
        for n in (0, 1, 65537, 299999):
            with self.subTest(n=n):
                self.hub.requests.clear()
                self.hub.tricks[WEIGHTS] = [("cut", n)]
                self.succeeds()
                ranges = [r[1] for r in self.asked(WEIGHTS)]
                self.assertEqual(len(ranges), 2)
                if n > 65536:
                    self.assertIsNotNone(ranges[1])
                self.run_it("remove", "nano")

    def test_many_cuts_with_progress(self):
        self.hub.tricks[WEIGHTS] = [("cut", 70000)] * 4
        self.succeeds()

    def test_many_cuts_without_progress_are_an_error(self):
        self.hub.tricks[WEIGHTS] = [("nothing",)] * 20
        self.fails(WEIGHTS)
        self.assertLessEqual(len(self.asked(WEIGHTS)), 6)
        self.hub.tricks.clear()
        self.succeeds()

    def test_a_second_run_goes_on_where_the_first_was_killed(self):
        self.hub.tricks["s3gen_meanflow.safetensors"] = [("stall", 100000)]
        p = subprocess.Popen([PROGRAM, "fetch", "nano"], env=self.env(),
                             stderr=subprocess.PIPE, text=True)
        part = self.models / ".nano.part/s3gen_meanflow.safetensors.part"
        for _ in range(200):
            if self.asked("s3gen_meanflow.safetensors"):
                break
            time.sleep(0.05)
        time.sleep(1)
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(20), 130)
        self.assertIn("interrupted", p.stderr.read())
        p.stderr.close()
        self.assertEqual(part.stat().st_size, 100000)
        self.assertFalse((self.models / "nano").exists())
        self.hub.requests.clear()
        self.succeeds()
        self.assertEqual(self.asked(WEIGHTS), [])
        self.assertEqual([r[1] for r in
                          self.asked("s3gen_meanflow.safetensors")],
                         ["bytes=100000-"])

    def test_a_server_that_falls_silent(self):
        self.hub.tricks[WEIGHTS] = [("stall", 1000)]
        self.succeeds()

    def test_a_server_without_ranges_begins_anew(self):
        self.hub.tricks[WEIGHTS] = [("cut", 100000), ("anew",)]
        self.succeeds()

    def test_another_range_than_asked_for(self):
        self.hub.tricks[WEIGHTS] = [("cut", 100000), ("other_range",)]
        self.succeeds()

    def test_a_part_that_is_not_ours_is_thrown_away(self):
        folder = self.models / ".nano.part"
        folder.mkdir(parents=True)
        (folder / (WEIGHTS + ".part")).write_bytes(b"x" * 400000)
        (folder / "conds.pt.part").write_bytes(b"x" * 100)
        self.fails("conds.pt", "digest")
        self.succeeds()

    def test_two_at_once(self):
        folder = self.models / ".nano.part"
        folder.mkdir(parents=True)
        import fcntl
        with open(folder / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.fails("another process")
        self.succeeds()


class Lies(Case):
    def test_more_than_the_list_says(self):
        self.hub.tricks[WEIGHTS] = [("long", 1)] * 9
        self.fails("more than its list says")
        self.hub.tricks.clear()
        self.succeeds()

    def test_less_than_the_list_says(self):
        self.hub.tricks[WEIGHTS] = [("short", 299999)] * 9
        self.fails("299999", "300000")
        self.hub.tricks.clear()
        self.succeeds()

    def test_damaged_contents_large_and_small(self):
        for name in (WEIGHTS, "vocab.json"):
            self.hub.tricks[name] = [("damaged",)]
            self.fails(name, "digest")
            self.succeeds()
            self.run_it("remove", "nano")

    def test_lists_that_make_no_sense(self):
        lies = [
            (WEIGHTS, {"lfs": {"size": -1}}, WEIGHTS),
            (WEIGHTS, {"lfs": {"size": "300000"}}, WEIGHTS),
            (WEIGHTS, {"lfs": {"size": 1 << 50}}, WEIGHTS),
            (WEIGHTS, {"lfs": {"oid": "../../x"}}, WEIGHTS),
            (WEIGHTS, {"lfs": {"oid": "f" * 64}}, "digest"),
            (WEIGHTS, {"gone": True}, "not in the list"),
            (WEIGHTS, {"type": "directory"}, "not in the list"),
            ("vocab.json", {"size": 7}, "vocab.json"),
            ("vocab.json", {"oid": None}, "vocab.json"),
        ]
        for name, lie, word in lies:
            with self.subTest(lie=lie):
                self.hub.lies = {name: lie}
                self.fails(word)
                self.run_it("remove", "nano")
        self.hub.lies = {}
        self.succeeds()

    def test_no_list(self):
        for text in ("", "{", "{}", "[]", "null", "<html>", "[1, [], {}]",
                     '[{"type": "file", "path": 5}]', "[" * 100000):
            with self.subTest(text=text[:20]):
                self.hub.tricks[fake.Hub.LIST] = [("text", text)] * 9
                self.fails()
        self.hub.tricks[fake.Hub.LIST] = [("flood", 64 << 20)]
        self.fails("more than")

    def test_a_name_twice(self):
        self.hub.lies = {"README.md": {"path": "vocab.json"}}
        self.fails("twice")


class Errors(Case):
    def test_server_errors_that_pass(self):
        for code in (500, 502, 503, 429, 408):
            self.hub.tricks[WEIGHTS] = [("status", code)]
            self.hub.tricks[fake.Hub.LIST] = [("status", code)]
            self.succeeds()
            self.run_it("remove", "nano")

    def test_server_errors_that_stay(self):
        for code, word in ((500, "500"), (404, "404"), (403, "403"),
                           (410, "410")):
            self.hub.tricks[WEIGHTS] = [("status", code)] * 9
            self.fails(word)
            self.assertLessEqual(len(self.asked(WEIGHTS)), 5)
            self.hub.requests.clear()

    def test_redirects(self):
        self.hub.tricks[WEIGHTS] = [("redirect",), ("cut", 100000)]
        self.hub.tricks["vocab.json"] = [("redirect",)]
        self.succeeds()

    def test_a_redirect_loop(self):
        self.hub.tricks[WEIGHTS] = [("loop",)]
        self.fails("redirect")

    def test_redirects_to_what_is_no_web(self):
        for where in ("file:///etc/passwd", "ftp://127.0.0.1/x",
                      "gopher://127.0.0.1/x"):
            self.hub.tricks[WEIGHTS] = [("redirect", where)] * 9
            self.fails(WEIGHTS)

    def test_a_folder_that_cannot_be_written(self):
        self.data.parent.mkdir(exist_ok=True)
        self.data.write_text("a file")
        self.fails("chatterbox")


class Models(Case):
    def test_models_lists_and_remove_removes(self):
        self.assertEqual(self.run_it("remove", "nano").returncode, 2)
        self.succeeds()
        r = self.run_it("models")
        self.assertIn("nano", r.stdout)
        self.assertIn(str(self.models / "nano"), r.stdout)
        r = self.run_it("models", "--names")
        self.assertIn("nano", r.stdout.split())
        r = self.run_it("remove", "nano")
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(list(self.models.iterdir()), [])

    def test_remove_takes_what_was_begun_too(self):
        self.hub.tricks[WEIGHTS] = [("status", 404)]
        self.fails("404")
        self.assertEqual(self.run_it("remove", "nano").returncode, 0)
        self.assertEqual(list(self.models.iterdir()), [])

    def test_remove_leaves_alone_what_is_not_its_own(self):
        for name in ("..", ".", "../models", "/etc", "", "a/b"):
            self.assertEqual(self.run_it("remove", name).returncode, 2)
        folder = self.models / "mine/inner"
        folder.mkdir(parents=True)
        (folder.parent / "file").write_text("x")
        r = self.run_it("remove", "mine")
        self.assertEqual(r.returncode, 1)
        self.assertTrue((folder.parent / "file").exists())
        (self.models / "link").symlink_to(folder.parent)
        self.assertEqual(self.run_it("remove", "link").returncode, 0)
        self.assertTrue((folder.parent / "file").exists())

    def test_a_changed_model_is_not_overwritten(self):
        self.succeeds()
        (self.models / "nano/vocab.json").write_bytes(b"{}")
        r = self.fetch()
        self.assertEqual(r.returncode, 1)
        self.assertIn("remove nano", r.stderr)
        self.assertEqual((self.models / "nano/vocab.json").read_bytes(), b"{}")


class Watermark(Case):
    MEMBER = "perth/perth_net/pretrained/implicit/perth_net_250000.pth.tar"

    def wheel(self, member=MEMBER, data=b"no weights"):
        path = pathlib.Path(self.folder.name) / "x.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr(member, data)
        return path

    def test_what_is_no_wheel_or_holds_no_weights(self):
        junk = pathlib.Path(self.folder.name) / "junk.whl"
        junk.write_bytes(b"junk" * 100)
        for make, word in ((lambda: junk, "wheel"),
                           (lambda: self.wheel("a/b"), "does not hold"),
                           (self.wheel, "")):
            r = self.fetch("--from", str(make()), name="perth")
            self.assertEqual(r.returncode, 1, r.stderr)
            self.assertIn(word, r.stderr)
            self.assertEqual([p for p in self.data.rglob("*")
                              if p.is_file()], [])

    def test_the_registry_is_asked_and_its_digest_checked(self):
        import hashlib
        import json
        data = self.wheel().read_bytes()
        registry = fake.Hub("pypi", "x", {"x.whl": data})
        answer = registry.answer

        def pypi(h):
            if h.path.endswith("/json"):
                text = json.dumps({"urls": [
                    {"packagetype": "sdist", "url": "x"},
                    {"packagetype": "bdist_wheel", "size": len(data),
                     "url": registry.other + "/files/x.whl",
                     "digests": {"sha256": self.digest}}]})
                registry.do_text(h, b"", text)
            else:
                answer(h)
        registry.answer = pypi
        self.environment.update(PYPI_ENDPOINT=registry.url,
                                HF_TOKEN="hf_secret")
        try:
            self.digest = "0" * 64
            r = self.fetch(name="perth")
            self.assertIn("digest", r.stderr)
            self.digest = hashlib.sha256(data).hexdigest()
            r = self.fetch(name="perth")
            self.assertEqual(r.returncode, 1)  # the wheel is whole, and empty
            self.assertNotIn("digest", r.stderr)
            self.assertEqual(registry.leaks, [])
        finally:
            registry.close()


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
