"""Every file of a model is taken for hostile: one sentence, no crash."""
import struct
import zipfile

import harness

T3 = "t3_turbo_v1.safetensors"
S3GEN = "s3gen_meanflow.safetensors"


class Checkpoint(harness.Case):
    def breaks(self, *names, **files):
        """render refuses the model with these files, and writes nothing."""
        folder = self.copy_model(**{k.replace(".", "__"): v
                                    for k, v in files.items()})
        self.fails("render", "--model", folder, "-o", "out.wav", "Hello.",
                   names=names, code=1)
        self.leaves_nothing("model")

    def breaks_both(self, change, *names):
        for file in (T3, S3GEN):
            with self.subTest(file=file):
                data = (harness.MODEL / file).read_bytes()
                self.breaks(file, *names, **{file: change(data)})

    def breaks_tensors(self, wanted, change, *names):
        """change(tensors, name) edits one tensor of each file."""
        for file, name in wanted.items():
            with self.subTest(file=file, name=name):
                tensors = harness.read_tensors(harness.MODEL / file)
                header = change(tensors, name)
                self.breaks(file, name, *names,
                            **{file: harness.file_of(tensors, header)})

    ANY = {T3: "tfmr.h.1.mlp.c_fc.weight",
           S3GEN: "flow.encoder.encoders.0.feed_forward.w_2.weight"}

    def test_the_model_itself_speaks(self):
        self.succeeds("render", "--model", self.copy_model(), "-o", "out.wav",
                      "Hello.")
        self.leaves_nothing("model", "out.wav")

    def test_a_missing_folder(self):
        for where in ("nowhere", "./nowhere", "/nonexistent/model"):
            self.fails("render", "--model", where, "-o", "out.wav", "Hello.",
                       names=[where])
        self.leaves_nothing()

    def test_an_empty_folder(self):
        (self.folder / "empty").mkdir()
        self.fails("render", "--model", "./empty", "-o", "out.wav", "Hello.",
                   names=["empty"])

    def test_missing_files(self):
        for file in (T3, S3GEN):
            with self.subTest(file=file):
                self.breaks(file.split("_")[0], **{file: None})
        self.breaks("vocab.json", **{"vocab.json": None})
        self.breaks("merges.txt", **{"merges.txt": None})

    def test_empty_files(self):
        self.breaks_both(lambda data: b"")

    def test_truncated_files(self):
        for part in (4, 100, 0.5, -1):
            self.breaks_both(lambda data, part=part: data[
                :int(part * len(data)) if isinstance(part, float) else part])

    def test_a_header_longer_than_the_file(self):
        for size in (1 << 31, (1 << 63) + 5, (1 << 64) - 1):
            self.breaks_both(lambda data, size=size:
                             struct.pack("<Q", size) + data[8:])

    def test_a_header_that_is_no_json(self):
        self.breaks_both(lambda data: data[:8] + b"[" + data[9:])
        self.breaks_both(lambda data: data[:8] + bytes(8) + data[16:])
        self.breaks_both(lambda data: b"\x02" + bytes(7) + b"{}")

    def test_trailing_bytes(self):
        self.breaks_both(lambda data: data + b"more")

    def test_overlapping_tensors(self):
        def overlap(tensors, name):
            header = harness.header_of(tensors)
            size = len(tensors[name][2])
            header[name]["data_offsets"] = [4, 4 + size]
            return header
        for file, name in self.ANY.items():
            tensors = harness.read_tensors(harness.MODEL / file)
            header = overlap(tensors, name)
            self.breaks(file, **{file: harness.file_of(tensors, header)})

    def test_offsets_outside_the_file(self):
        for offsets in ([1 << 40, (1 << 40) + 64], [-64, 0], [64, 0],
                        [0, 1 << 64], ["0", "4"], [0]):
            for file, name in self.ANY.items():
                with self.subTest(file=file, offsets=offsets):
                    tensors = harness.read_tensors(harness.MODEL / file)
                    header = harness.header_of(tensors)
                    header[name]["data_offsets"] = offsets
                    self.breaks(file,
                                **{file: harness.file_of(tensors, header)})

    def test_wrong_types_are_named(self):
        for dtype in ("I32", "Q4_0", "F64"):
            def change(tensors, name, dtype=dtype):
                tensors[name][0] = dtype
            self.breaks_tensors(self.ANY, change)

    def test_wrong_shapes_are_named(self):
        def transpose(tensors, name):
            tensors[name][1] = tensors[name][1][::-1]

        def halve(tensors, name):
            tensors[name][1][0] //= 2
            tensors[name][2] = tensors[name][2][:len(tensors[name][2]) // 2]

        def grow(tensors, name):
            tensors[name][1] = [1 << 40] + tensors[name][1]
        for change in (transpose, halve, grow):
            self.breaks_tensors(self.ANY, change)

    def test_missing_tensors_are_named(self):
        wanted = [(T3, "speech_head.weight"), (T3, "tfmr.h.1.ln_2.bias"),
                  (T3, "tfmr.ln_f.weight"), (S3GEN, "flow.encoder_proj.weight"),
                  (S3GEN, "mel2wav.conv_post.bias"),
                  (S3GEN, "flow.input_embedding.weight")]
        for file, name in wanted:
            self.breaks_tensors({file: name},
                                lambda tensors, name: tensors.pop(name) and
                                None)

    def test_broken_tokenizers(self):
        good = (harness.MODEL / "vocab.json").read_bytes()
        for data in (b"", good[:-20], b"[1, 2]", b'{"a": "b"}', b"\xff\xfe",
                     b'{"a": 99999999999}', b'{"a": -1}', b'{"a": 0, "b": 0}',
                     b"[" * 100000):
            with self.subTest(data=data[:20]):
                self.breaks("vocab.json", **{"vocab.json": data})
        for data in (b"#version: 0.2\nt h e\n", b"#version: 0.2\nnever known\n",
                     b"#version: 0.2\nt\n", b"\0\1\2\n"):
            with self.subTest(data=data):
                self.breaks("merges.txt", **{"merges.txt": data})

    def test_broken_configs(self):
        for data in (b"", b"{", b"[]", b'{"max_speech_tokens": 0}',
                     b'{"max_speech_tokens": "many"}', b"[" * 100000):
            with self.subTest(data=data[:20]):
                self.breaks("config.json", **{"config.json": data})

    def test_inspect_refuses_them_too(self):
        data = (harness.MODEL / T3).read_bytes()
        for broken in (b"", data[:1000], data + b"x",
                       struct.pack("<Q", 1 << 50) + data[8:]):
            (self.folder / T3).write_bytes(broken)
            self.fails("inspect", T3, names=[T3], code=1)
        self.fails("inspect", "nowhere", names=["nowhere"], code=1)
        self.fails("inspect", names=["checkpoint"], code=2)


class Voice(harness.Case):
    def pickle(self, payload):
        """conds.pt whose data.pkl is this."""
        path = self.folder / "evil.pt"
        with zipfile.ZipFile(path, "w") as z:
            z.writestr("evil/data.pkl", payload)
            z.writestr("evil/version", "3\n")
            z.writestr("evil/byteorder", "little")
        return path.read_bytes()

    def refuses(self, data):
        (self.folder / "voice.pt").write_bytes(data)
        self.fails("render", "--model", harness.MODEL, "--voice", "voice.pt",
                   "-o", "out.wav", "Hello.", names=["voice.pt"], code=1)
        self.fails("render", "--model", self.copy_model(conds__pt=data),
                   "-o", "out.wav", "Hello.", names=["conds.pt"], code=1)
        self.assertFalse((self.folder / "out.wav").exists())

    def test_a_pickle_runs_nothing(self):
        marker = self.folder / "executed"
        command = f"touch {marker}".encode()
        text = b"X" + struct.pack("<I", len(command)) + command
        for module, name in ((b"posix", b"system"), (b"os", b"system"),
                             (b"builtins", b"eval"),
                             (b"subprocess", b"check_output")):
            for payload in (
                    b"\x80\x02c" + module + b"\n" + name + b"\n" + text +
                    b"\x85R.",
                    b"\x80\x04\x8c" + bytes([len(module)]) + module + b"\x8c" +
                    bytes([len(name)]) + name + b"\x93" + text + b"\x85R.",
                    b"(S'" + command + b"'\ni" + module + b"\n" + name +
                    b"\n."):
                with self.subTest(module=module, payload=payload[:8]):
                    self.refuses(self.pickle(payload))
                    self.fails("inspect", "voice.pt", names=["voice.pt"],
                               code=1)
                    self.assertFalse(marker.exists())

    def test_broken_voices(self):
        good = (harness.MODEL / "conds.pt").read_bytes()
        for data in (b"", b"PK\x03\x04", b"\0" * 5000, good[:len(good) // 2],
                     good[:-30], self.pickle(b""), self.pickle(b"\x80\x02}."),
                     self.pickle(b"(" * 100000), self.pickle(b"\x80\x02N.")):
            with self.subTest(data=data[:10], size=len(data)):
                self.refuses(data)

    def test_a_voice_of_another_model(self):
        self.fails("render", "--voice", harness.MODEL / "conds.pt",
                   "-o", "out.wav", "Hello.", code=1)
        self.leaves_nothing()

    def test_unknown_voices(self):
        for name in ("nobody", "", "no/where.pt", "nowhere.ini",
                     "../voices/slt", "x" * 5000):
            with self.subTest(name=name):
                self.fails("render", "--voice", name, "-o", "out.wav", "Hello.",
                           names=[name[:40]])
        self.leaves_nothing()

    def test_broken_presets_name_the_line(self):
        for text, line, culprit in (
                ("[voice]\nmodel = builtin\ncolour = red\n", 3, "colour"),
                ("[voice]\n\n[sampling]\ntop_p = 7\n", 4, "top_p"),
                ("[sampling]\ntemperature = hot\n", 2, "hot"),
                ("[singing]\nkey = c\n", 2, "singing"),
                ("[voice]\nthis is no line\n", 2, ""),
                ("[voice\nmodel = x\n", 1, "")):
            with self.subTest(text=text):
                (self.folder / "broken.ini").write_text(text)
                self.fails("render", "--voice", "broken.ini", "-o", "out.wav",
                           "Hello.", names=[f"broken.ini:{line}:", culprit],
                           code=1)
        self.leaves_nothing("broken.ini")

    def test_a_list_goes_on_after_a_broken_preset(self):
        voices = self.folder / "data" / "voices"
        voices.mkdir(parents=True)
        (voices / "bad.ini").write_text("[voice]\ncolour = red\n")
        (voices / "good.ini").write_text("[voice]\nlanguage = en\n")
        r = self.run_it("voices", env=self.environment(
            CHATTERBOX_DATA=str(self.folder / "data")))
        self.assertIn(b"good", r.out)
        self.assertIn("bad.ini:2", r.err)
        self.assertNotEqual(r.code, 0)


if __name__ == "__main__":
    harness.main()
