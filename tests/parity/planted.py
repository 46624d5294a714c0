#!/usr/bin/env python3
"""Plants faults in copies of a golden file: parity must fail and name each.

Usage: planted.py PARITY CHECKPOINT_DIR GOLDEN
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

FORMAT = {"F32": "f", "I32": "i", "U8": "B", "I16": "h"}
INF, NAN = float("inf"), float("nan")


class Golden:
    """A safetensors file in memory: name -> [dtype, shape, bytes]."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        n = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + n])
        self.metadata = header.pop("__metadata__", {})
        self.tensors = {}
        for name, t in header.items():
            a, b = t["data_offsets"]
            self.tensors[name] = [t["dtype"], t["shape"],
                                  data[8 + n + a:8 + n + b]]

    def write(self, path):
        header, blob = {"__metadata__": self.metadata}, b""
        for name, (dtype, shape, data) in self.tensors.items():
            header[name] = {"dtype": dtype, "shape": shape,
                            "data_offsets": [len(blob), len(blob) + len(data)]}
            blob += data
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        path.write_bytes(struct.pack("<Q", len(text)) + text + blob)

    def values(self, name):
        dtype, _, data = self.tensors[name]
        code = FORMAT[dtype]
        return list(struct.unpack(f"<{len(data) // struct.calcsize(code)}"
                                  + code, data))

    def put(self, name, values):
        self.tensors[name][2] = struct.pack(
            f"<{len(values)}" + FORMAT[self.tensors[name][0]], *values)


def nudge(name, part=2):
    """One value in the middle moves by 1 % of the tensor's norm.

    part 4: in the middle of the first half.
    """
    def plant(g):
        v = g.values(name)
        finite = [x for x in v if abs(x) < INF]
        i = next(i for i in range(len(v) // part, len(v)) if abs(v[i]) < INF)
        v[i] += 0.01 * sum(x * x for x in finite) ** 0.5
        g.put(name, v)
    return name, plant, "FAIL"


def bump(name):
    """One integer is one more."""
    def plant(g):
        v = g.values(name)
        v[len(v) // 2] += 1
        g.put(name, v)
    return name, plant, "FAIL"


def replace(name, is_wanted, value):
    def plant(g):
        v = g.values(name)
        v[next(i for i, x in enumerate(v) if is_wanted(x))] = value
        g.put(name, v)
    return name, plant, "FAIL"


def shorten(name):
    def plant(g):
        v = g.values(name)[:-1]
        g.put(name, v)
        g.tensors[name][1] = [len(v)]
    return name, plant, "FAIL"


def rename(name, new):
    def plant(g):
        g.tensors[new] = g.tensors.pop(name)
    return new, plant, "not run"


def remove(name, victim, verdict="not run"):
    def plant(g):
        del g.tensors[name]
    return victim, plant, verdict


def remove_stage(prefix):
    def plant(g):
        for name in [n for n in g.tensors if n.startswith(prefix)]:
            del g.tensors[name]
    return prefix, plant, "FAIL"


TURBO = [
    bump("text.0.norm"),
    bump("text.1.ids"),
    shorten("text.1.ids"),
    nudge("t3.cond.spkr"),
    nudge("t3.prefill.layer0.qkv"),
    nudge("t3.prefill.logits"),
    nudge("t3.step2.hidden"),
    nudge("t3.step1.probs"),
    replace("t3.cond.out", lambda x: True, NAN),
    replace("t3.step3.logits", lambda x: True, INF),
    nudge("sample.default.1_temperature"),
    replace("sample.default.2_top_k", lambda x: x == -INF, -30.0),
    replace("sample.default.3_top_p", lambda x: x > -INF, -INF),
    nudge("sample.tight.4_rep_penalty"),
    nudge("sample.tight.5_probs"),
    bump("gen.tokens"),
    shorten("gen.tokens"),
    bump("drop.0.out"),
    nudge("flow.enc.block0.bd_after_shift"),
    nudge("flow.enc.h"),
    nudge("flow.mu"),
    nudge("flow.est.down0.tb0.q"),
    nudge("flow.cfm.step1.x"),
    nudge("flow.out_mel"),
    nudge("hift.f0"),
    nudge("hift.source"),
    nudge("hift.wav"),
    nudge("voice.loudness_lufs"),
    nudge("voice.gen.prompt_feat"),
    nudge("voice.gen.embedding"),
    nudge("voice.ve.out"),
    bump("voice.t3.prompt_tokens"),
    bump("voice.odd.n_mel"),
    bump("voice.ve.trim"),
    rename("flow.mu", "flow.my"),
    rename("t3.step1.hidden", "t3.step1.hiding"),
    rename("hift.f0", "something.else"),
    remove("flow.in.tokens", "flow.out_mel"),
    remove("flow.cfm.z", "flow.mu"),
    remove("hift.in.noise", "hift.wav"),
    remove("t3.in.text_ids", "t3.prefill.logits"),
    remove("gen.u", "gen.tokens"),
    remove("sample.default.0_logits", "sample.tight.5_probs"),
    remove("text.0.raw", "text.0.norm"),
    remove("drop.2.in", "drop.2.out"),
    remove("voice.in.wav24_i16", "voice.ve.out"),
    remove("voice.odd.n_samples24", "voice.odd.n_mel"),
    remove_stage("sample."),
    remove_stage("hift."),
]

# What the families with guidance have of their own.
ORIGINAL = [
    bump("text.1.norm"),
    bump("text.3.ids"),
    nudge("t3.rope.sin"),
    nudge("t3.rope.inv_freq"),
    nudge("t3.cond.perceiver_cross"),
    nudge("t3.cond.perceiver_out"),
    nudge("t3.cond.emotion"),
    nudge("t3.prefill.embeds"),
    nudge("t3.prefill.layer0.k"),
    nudge("t3.prefill.hidden"),
    nudge("t3.prefill.logits_cond"),
    nudge("t3.prefill.logits_uncond"),
    nudge("t3.step3.logits_uncond"),
    nudge("t3.step2.embed"),
    nudge("t3.step0.probs"),
    nudge("sample.default.0_cfg"),
    nudge("sample.default.1_rep_penalty"),
    replace("sample.tight.3_min_p", lambda x: x == -INF, -30.0),
    replace("sample.tight.4_top_p", lambda x: x > -INF, -INF),
    bump("gen.tokens"),
    bump("drop.4.out"),
    nudge("flow.est.down0.tb0.q", part=4),
    nudge("flow.cfm.step0.dphi_uncond"),
    remove("t3.step3.logits_uncond", "sample.default.0_cfg", "FAIL"),
]

CASES = {"turbo": TURBO, "original": ORIGINAL}


def run(parity, checkpoint, golden, only):
    done = subprocess.run([parity, "--only", only, checkpoint, str(golden)],
                          capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def says(output, name, verdict):
    return any(line.split()[:1] == [name] and verdict in line
               for line in output.splitlines())


def check(case, args, folder):
    name, plant, verdict = case
    parity, checkpoint, path = args
    golden = Golden(path)
    if name in golden.tensors:
        code, output = run(parity, checkpoint, path, name)
        if code or not says(output, name, "ok"):
            return f"{name} is not right before anything was planted", output
    plant(golden)
    copy = folder / "planted.safetensors"
    golden.write(copy)
    code, output = run(parity, checkpoint, copy, name)
    if code != 1:
        return f"{name}: exit code {code}, 1 expected", output
    if not says(output, name, verdict):
        return f"{name}: no line says '{verdict}'", output
    return None


def main():
    faults = 0
    cases = CASES[Golden(sys.argv[3]).metadata["family"]]
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            fault = check(case, sys.argv[1:], pathlib.Path(folder))
            if fault:
                faults += 1
                print(*fault, sep="\n")
    print(f"{len(cases)} faults planted, {faults} missed or misnamed")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
