#!/usr/bin/env python3
"""Run the PyTorch reference on a checkpoint of make_checkpoint.py and dump golden tensors, stage by stage.

Everything is fp32 (ids int32, text uint8 utf-8) in one .safetensors file; a .keys.txt
next to it lists key, dtype, shape and min/max."""

import argparse
import json
import os

import numpy as np
import torch

import okit
from golden_dump import Dump, write
from golden_s3gen import stage_flow, stage_source, stage_vc
from golden_t3 import stage_drop, stage_gen, stage_sample, stage_t3, stage_text
from golden_voice import stage_resample, stage_voice, stage_wm

STAGES = (
    "text",
    "t3",
    "sample",
    "gen",
    "drop",
    "flow",
    "hift",
    "source",
    "voice",
    "vc",
    "wm",
    "resample",
)

TEXTS = {
    "original": [
        "hello there,  how are you today?",
        "The quick brown fox - jumps over... the “lazy” dog",
        "",
        "Ünknown chars ~ 3.14: ok; fine—done",
        "well, I have never seen 10 cups of tea!",
    ],
    "turbo": [
        "hello there,  how are you today? [laugh]",
        "Oh, that's  hilarious! [clear throat] Um… the “lazy” dog - ok",
        "",
        "Café 日本: fine—done ...",
        "[sigh][gasp]no spaces[chuckle]end",
    ],
    "multilingual": [
        ("en", "Hello there,  how are you today?"),
        ("de", "Über den faulen Hund"),
        ("fr", "le petit garçon, l'été"),
        ("zh", "你好世界，曰 ok"),
        ("ko", "안녕 하세요"),
        ("ja", "こんにちは がぎ"),
        (None, "no language"),
        ("hi", "नमस्ते"),
        ("ar", "مرحبا"),
        ("tr", "İstanbul ILIK"),
        ("el", "Καλημέρα"),
        ("es", "¿Qué tal? ¡Bien!"),
    ],
}
TEXTS["nano"] = TEXTS["turbo"]


def arguments():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--ckpt", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument(
        "--text",
        action="append",
        help="text(s) instead of the built-in list; the first one drives T3",
    )
    ap.add_argument("--lang", default="en")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--steps", type=int, default=4, help="teacher-forced decode steps to dump")
    ap.add_argument("--gen-steps", type=int, default=32)
    ap.add_argument(
        "--tokens",
        type=int,
        default=None,
        help="speech tokens in the flow stage (default 6; turbo/nano 3 + 3 silence)",
    )
    ap.add_argument(
        "--detail",
        choices=("auto", "all"),
        default="auto",
        help="auto: HiFT and voice intermediates only for original (same code elsewhere)",
    )
    ap.add_argument("--stages", default=None, help="comma list of " + ",".join(STAGES))
    return ap.parse_args()


def default_stages(fam):
    """Nano shares S3Gen with turbo, multilingual with original: each is dumped once."""
    skip = set()
    if fam != "original":
        skip |= {"vc", "wm", "resample", "source"}
    if fam in ("multilingual", "nano"):
        skip |= {"flow", "hift", "voice"}
    return [s for s in STAGES if s not in skip]


def run_stages(a, fam, dims, stages, texts):
    import soundfile as sf

    D = Dump()
    _, M = okit.load_models(a.ckpt)
    conds = okit.load_conds(a.ckpt)
    tok = okit.load_tokenizer(a.ckpt, fam)
    wav24 = sf.read(os.path.join(a.ckpt, "ref.wav"), dtype="float32")[0]
    detail = a.detail == "all" or fam == "original"
    lang, text = texts[0] if fam == "multilingual" else (None, texts[0])
    rng = np.random.RandomState(a.seed)
    if "text" in stages:
        stage_text(D, fam, tok, texts)
    if "t3" in stages:
        log, ids, forced = stage_t3(D, fam, M["t3"], tok, conds, text, lang, a.steps, rng)
        if "sample" in stages:
            stage_sample(D, fam, log, forced, M["t3"].hp.start_speech_token)
        if "gen" in stages:
            stage_gen(D, fam, M["t3"], conds, ids, a.gen_steps, a.seed + 11)
    if "flow" in stages or "hift" in stages:
        n = a.tokens or (3 if fam in okit.TURBO_LIKE else 6)
        stage_flow(D, fam, M["s3gen"], conds, n, a.seed + 21, rng, detail)
    if "drop" in stages:
        stage_drop(D, fam)
    if "source" in stages:
        stage_source(D, M["s3gen"], a.seed + 41)
    if "voice" in stages:
        cap = dims["t3"]["speech_cond_prompt_len"]
        stage_voice(D, fam, M["s3gen"], M["ve"], wav24, cap, detail)
    if "vc" in stages:
        stage_vc(D, M["s3gen"], conds, wav24, a.seed + 31)
    if "wm" in stages:
        w = wav24[12000 : 12000 + 14400].copy()
        w[6000:11000] = 0.0  # digital silence: the only thing Perth's mask drops
        stage_wm(D, w)
    if "resample" in stages:
        stage_resample(D, rng)
    return D, text


def write_keys(path, D, meta):
    with open(path, "w") as f:
        f.write("# %s\n" % json.dumps(meta))
        for k in sorted(D):
            v = D[k]
            span = "" if v.numel() == 0 else " [%.6g, %.6g]" % (v.min().item(), v.max().item())
            f.write("%-48s %-8s %s%s\n" % (k, str(v.dtype)[6:], list(v.shape), span))


def main():
    a = arguments()
    dims = okit.load_dims(a.ckpt)
    fam = dims["family"]
    stages = a.stages.split(",") if a.stages else default_stages(fam)
    texts = TEXTS[fam]
    if a.text:
        texts = [(a.lang, t) for t in a.text] if fam == "multilingual" else a.text
    D, text = run_stages(a, fam, dims, stages, texts)
    r = okit.import_reference()
    import transformers

    meta = {
        "family": fam,
        "size": dims["size"],
        "ckpt_seed": str(dims["seed"]),
        "variant": str(dims.get("variant", 0)),
        "export_seed": str(a.seed),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "reference": "snapshot" if r.is_snapshot else "chatterbox-tts " + r.chatterbox.__version__,
        "stages": ",".join(stages),
        "text": text,
    }
    os.makedirs(os.path.dirname(os.path.abspath(a.out)), exist_ok=True)
    write(a.out, dict(D), meta)
    write_keys(os.path.splitext(a.out)[0] + ".keys.txt", D, meta)
    # The sampler's dropped logits are -inf on purpose.
    bad = [
        k
        for k, v in D.items()
        if v.is_floating_point() and not torch.isfinite(v).all() and not k.startswith("sample.")
    ]
    print(
        "%s: %d tensors, %d bytes%s"
        % (a.out, len(D), os.path.getsize(a.out), "; NOT FINITE: %s" % bad if bad else "")
    )


if __name__ == "__main__":
    main()
