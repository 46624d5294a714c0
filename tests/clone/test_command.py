"""chatterbox clone and chatterbox voice, from outside."""
import array
import math
import os
import pathlib
import pty
import subprocess
import sys
import wave

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "cli"))
import harness  # noqa: E402

CONSENT = "the speaker has agreed"


def babble(path, seconds=6, rate=16000, gain=1.0):
    """A gliding pitch with overtones, in syllables, with pauses."""
    samples = array.array("h")
    for i in range(int(seconds * rate)):
        t = i / rate
        phase = 2 * math.pi * 130 * t - 43 * math.cos(4.4 * t)
        size = 0 if t % 1.25 > 1 else math.sin(math.pi * (4 * t % 1)) ** 2
        tone = sum(math.sin(k * phase) / k for k in range(1, 9))
        samples.append(int(8000 * gain * size * tone))
    with wave.open(str(path), "wb") as f:
        f.setparams((1, 2, rate, 0, "NONE", ""))
        f.writeframes(samples.tobytes())


class Voices(harness.Case):
    def setUp(self):
        super().setUp()
        self.wav = self.folder / "me.wav"
        babble(self.wav)
        self.own = self.folder / ".local/share/chatterbox/voices"

    def clone(self, name, *args):
        return self.succeeds("clone", self.wav, "-n", name, "-m",
                             harness.MODEL, "--i-have-consent", *args)

    def listed(self):
        out = self.succeeds("voices").out.decode()
        return [line.split()[0] for line in out.splitlines()[1:]]

    def files(self):
        return sorted(p.name for p in self.own.iterdir())

    def metadata(self, path):
        data = pathlib.Path(path).read_bytes()
        size = int.from_bytes(data[:8], "little")
        return harness.json.loads(data[8:8 + size])["__metadata__"]

    # -- clone ---------------------------------------------------------------

    def test_a_clone_is_listed_and_speaks(self):
        r = self.clone("anna", "--description", "My own voice", "--stats")
        self.assertIn("making the voice", r.err)
        self.assertIn("anna", self.listed())
        self.assertIn(b"My own voice", self.succeeds("voices").out)
        self.assertEqual(self.files(), ["anna.ini", "anna.safetensors"])
        self.samples("-v", "anna", "Hi.")
        self.assertEqual(self.clone("bob", "-q").err, "")

    def test_consent_is_in_the_voice(self):
        self.clone("anna")
        notes = self.metadata(self.own / "anna.safetensors")
        self.assertIn(CONSENT, notes["chatterbox.consent"])
        self.assertRegex(notes["chatterbox.consent_date"], r"^20..-..-..T")
        self.assertNotIn("chatterbox.model", notes)  # a path of this machine

    def test_without_a_terminal_consent_must_be_stated(self):
        self.fails("clone", self.wav, "-n", "x", "-m", harness.MODEL,
                   names=["--i-have-consent"], code=2)
        self.assertFalse(self.own.exists())

    def answer(self, text):
        master, slave = pty.openpty()
        p = self.start("clone", self.wav, "-n", "x", "-m", harness.MODEL,
                       stdin=slave, stdout=subprocess.DEVNULL, stderr=slave)
        os.close(slave)
        os.write(master, text)
        said = b""
        try:
            while chunk := os.read(master, 4096):
                said += chunk
        except OSError:  # the program has closed its end
            pass
        os.close(master)
        return p.wait(harness.TIMEOUT * harness.SLOW), said.decode()

    def test_on_a_terminal_consent_is_asked_for_once(self):
        code, said = self.answer(b"no\n")
        self.assertEqual((code, said.count(CONSENT)), (2, 1), said)
        self.assertFalse(self.own.exists())
        code, said = self.answer(b"Yes\n")
        self.assertEqual((code, said.count(CONSENT)), (0, 1), said)
        self.assertEqual(self.files(), ["x.ini", "x.safetensors"])

    def test_a_name_is_taken_once(self):
        self.clone("anna")
        before = (self.own / "anna.ini").stat().st_ino
        self.fails("clone", self.wav, "-n", "anna", "-m", harness.MODEL,
                   "--i-have-consent", names=["anna", "--replace"], code=2)
        self.assertEqual((self.own / "anna.ini").stat().st_ino, before)
        self.clone("anna", "--replace")
        self.fails("clone", self.wav, "-n", "slt", "-m", harness.MODEL,
                   "--i-have-consent", "--replace", names=["slt"], code=2)
        self.assertEqual(self.files(), ["anna.ini", "anna.safetensors"])

    def test_bad_recordings_and_wrong_usage(self):
        ask = ("-n", "x", "-m", harness.MODEL, "--i-have-consent")
        short, text, silent = (self.folder / f"{n}.wav"
                               for n in ("short", "text", "silent"))
        babble(short, seconds=3)
        text.write_text("This is no recording at all.")
        babble(silent, gain=0)
        self.fails("clone", short, *ask, names=[short, "too short"], code=1)
        self.fails("clone", text, *ask, names=[text, "as sound"], code=1)
        self.fails("clone", silent, *ask, names=[silent, "silent"], code=1)
        self.fails("clone", self.folder / "no.wav", *ask, names=["no.wav"],
                   code=1)
        self.fails("clone", self.folder, *ask, names=["folder"], code=1)
        self.fails("clone", *ask, names=["recording"], code=2)
        self.fails("clone", self.wav, names=["-n NAME"], code=2)
        self.fails("clone", self.wav, self.wav, *ask, code=2)
        self.fails("clone", self.wav, "-n", "a/b", *ask[2:], names=["a/b"],
                   code=2)
        self.fails("clone", self.wav, "-n", "x", "--i-have-consent",
                   names=["voice encoder"], code=1)
        self.assertEqual(self.files() if self.own.exists() else [], [])

    def test_a_folder_that_cannot_be_written(self):
        (self.folder / ".local").write_text("in the way")
        self.fails("clone", self.wav, "-n", "x", "-m", harness.MODEL,
                   "--i-have-consent", names=[".local"], code=1)

    # -- voice ---------------------------------------------------------------

    def test_rename_keeps_all_of_a_voice(self):
        self.clone("anna")
        preset = self.own / "anna.ini"
        preset.write_text(preset.read_text() + "[sampling]\ntop_k = 1\n")
        sound = self.samples("-v", "anna", "Hi.")
        self.succeeds("voice", "rename", "anna", "bea")
        self.assertEqual(self.files(), ["bea.ini", "bea.safetensors"])
        self.assertIn("top_k = 1", (self.own / "bea.ini").read_text())
        self.assertEqual(self.samples("-v", "bea", "Hi."), sound)
        self.assertNotIn("anna", self.listed())
        self.clone("carl")
        self.fails("voice", "rename", "carl", "bea", names=["bea"], code=2)
        self.fails("voice", "rename", "slt", "x", names=["slt"], code=2)
        self.fails("voice", "rename", "nobody", "x", names=["nobody"], code=2)

    def test_delete_takes_both_files(self):
        self.clone("anna")
        self.succeeds("voice", "delete", "anna")
        self.assertEqual(self.files(), [])
        self.fails("voice", "delete", "anna", names=["anna"], code=2)
        self.fails("voice", "delete", "slt", names=["slt"], code=2)

    def test_export_and_import_keep_the_sound(self):
        self.clone("anna")
        sound = self.samples("-v", "anna", "Hi.")
        for file in ("anna.safetensors", "out.pt"):
            self.succeeds("voice", "export", "anna", file)
            self.fails("voice", "export", "anna", file, names=[file], code=1)
            self.succeeds("voice", "export", "anna", file, "--replace")
            self.fails("voice", "import", file, "b", names=["--model"], code=2)
            self.succeeds("voice", "import", file, "b", "-m", harness.MODEL,
                          "--replace")
            self.assertEqual(self.samples("-v", "b", "Hi."), sound)
            self.assertEqual(
                self.samples("-m", harness.MODEL, "-v", f"./{file}", "Hi."),
                sound)
        self.assertTrue((self.folder / "out.pt").read_bytes()[:2] == b"PK")
        notes = self.metadata("%s/anna.safetensors" % self.folder)
        self.assertIn(CONSENT, notes["chatterbox.consent"])
        self.succeeds("voice", "import", "out.pt", "-m", harness.MODEL)
        self.assertIn("out", self.listed())

    def test_a_voice_of_the_installation_can_be_exported(self):
        self.succeeds("voice", "export", "slt")
        self.succeeds("voice", "import", "slt.safetensors", "mine", "-m",
                      "builtin")
        self.samples("-v", "mine", "Hi.")

    def test_a_named_model_goes_with_the_voice(self):
        models = self.folder / ".local/share/chatterbox/models"
        models.mkdir(parents=True)
        (models / "tiny").symlink_to(harness.MODEL)
        self.succeeds("clone", self.wav, "-n", "anna", "-m", "tiny",
                      "--i-have-consent")
        self.assertIn("model = tiny\n", (self.own / "anna.ini").read_text())
        self.succeeds("voice", "export", "anna")
        self.succeeds("voice", "import", "anna.safetensors", "b")
        self.samples("-v", "b", "Hi.")

    def test_bad_files_and_wrong_usage(self):
        junk = self.folder / "junk.pt"
        junk.write_bytes(b"PK\3\4 and nothing else")
        self.fails("voice", "import", junk, "-m", harness.MODEL,
                   names=[junk], code=1)
        self.fails("voice", "import", "nowhere.pt", names=["nowhere.pt"],
                   code=1)
        self.fails("voice", "export", "slt", "x.wav", names=["x.wav"], code=2)
        self.fails("voice", "export", "nobody", names=["nobody"], code=2)
        for words in ([], ["say"], ["rename", "a"], ["delete"], ["import"],
                      ["delete", "a", "b"], ["export", "a", "b.pt", "c"]):
            self.fails("voice", *words, code=2)
        self.assertEqual(self.files() if self.own.exists() else [], [])


harness.main()
