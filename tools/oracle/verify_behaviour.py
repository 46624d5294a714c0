"""Facts B*: behaviour of the reference, seen by running it."""

import os

import torch

from golden_s3gen import short_ref
from golden_t3 import DEFAULTS, framed_ids, fresh_cond, run_t3
import okit
from verify_common import report


def _clone(ref):
    return {k: v.clone() if torch.is_tensor(v) else v for k, v in ref.items()}


def _raises(fid, text, errors, call):
    """Report whether call() raises one of `errors`."""
    try:
        with okit.quiet():
            call()
        report(fid, text, False)
    except errors as e:
        report(fid, text, True, str(e)[:70])


def check_behaviour(root):
    """Run the claims for which root holds a checkpoint (original, turbo)."""
    if os.path.isdir(os.path.join(root, "original")):
        _check_original(os.path.join(root, "original"))
    if os.path.isdir(os.path.join(root, "turbo")):
        _check_turbo(os.path.join(root, "turbo"))


def _check_original(ckpt):
    r = okit.import_reference()
    _, M = okit.load_models(ckpt, ("t3", "s3gen"))
    conds = okit.load_conds(ckpt)
    t3, s3 = M["t3"], M["s3gen"]
    ref = short_ref(conds.gen, 8)
    _raises(
        "B1",
        "finalize=False raises (mask keeps the full length)",
        RuntimeError,
        lambda: s3.flow_inference(torch.arange(8), ref_dict=dict(ref), finalize=False),
    )
    ids = torch.tensor([[255, 5, 6, 0]])
    _raises(
        "B2",
        "original with cfg_weight=0 raises (one text row, two start rows)",
        RuntimeError,
        lambda: t3.inference(
            t3_cond=fresh_cond(conds), text_tokens=ids, max_new_tokens=2, cfg_weight=0.0
        ),
    )
    with okit.quiet():
        log = run_t3(
            t3,
            "original",
            fresh_cond(conds),
            framed_ids("original", t3.hp, torch.tensor([[5, 6]])),
            6,
            lambda p, i: torch.tensor([[(7, 8, 6562, 9, 9, 9)[i]]]),
            **DEFAULTS["original"],
        )
    report(
        "B3",
        "original: stop token is kept in the returned list, drop_invalid_tokens cuts it",
        log["tokens"][0].tolist() == [7, 8, 6562]
        and r.drop_invalid_tokens(log["tokens"][0]).tolist() == [7, 8],
    )
    c = fresh_cond(conds)
    t3.prepare_conditioning(c)
    report(
        "B8",
        "prepare_conditioning stores cond_prompt_speech_emb (positions added) in its T3Cond",
        c.cond_prompt_speech_emb is not None,
    )
    rd = _clone(ref)
    with okit.quiet(), okit.FixedRandom(1) as fr:
        s3.inference(speech_tokens=torch.arange(4), ref_dict=rd)
    report(
        "B9",
        "s3gen.inference turns ref_dict's prompt_token and prompt_token_len into float32 in place",
        rd["prompt_token"].dtype == torch.float32 and rd["prompt_token_len"].dtype == torch.float32,
    )
    kinds = [(k, tuple(v.shape)) for k, v in fr.log]
    report(
        "B6",
        "RNG order: z, phases, sine noise, (unused) noise",
        [k for k, _ in kinds] == ["randn", "uniform", "randn", "randn"],
        str(kinds),
    )
    _raises(
        "B11",
        "a token >= 6561 reaching S3Gen is an IndexError (multilingual keeps 6563..8193)",
        IndexError,
        lambda: s3.inference(speech_tokens=torch.tensor([1, 6600, 2]), ref_dict=_clone(ref)),
    )
    _raises(
        "B12",
        "drop_invalid_tokens with two start tokens raises",
        (TypeError, RuntimeError),
        lambda: r.drop_invalid_tokens(torch.tensor([1, 6561, 2, 6561, 3])),
    )
    if r.has_analyzer:
        report(
            "B13",
            "0.1.7 only: the alignment analyzer stops after the same token twice (multilingual)",
            _analyzer_forces_eos(r),
        )
    _check_long_clip(s3.tokenizer)


def _check_long_clip(tk):
    wav = torch.from_numpy(okit.synth_voice(33.0, 16000, 9))[None]
    mel = tk.log_mel_spectrogram(wav)

    def ids(m):
        return tk.quantize(m, torch.tensor([m.shape[-1]], dtype=torch.int32))[0][0].tolist()

    got = tk([wav[0]])[0][0].tolist()
    report(
        "B10",
        "S3 tokenizer over 30 s: windows of 3000 frames, step 2600, joins drop 50 tokens a side",
        got == ids(mel[..., :3000])[:-50] + ids(mel[..., 2600:])[50:],
        "%d tokens" % len(got),
    )


def _check_turbo(ckpt):
    _, M = okit.load_models(ckpt, ("t3", "s3gen"))
    conds = okit.load_conds(ckpt)
    seq = (6562, 7, 6561, 8, 6562, 9, 9)
    log = run_t3(
        M["t3"],
        "turbo",
        fresh_cond(conds),
        torch.tensor([[5, 6]]),
        7,
        lambda p, i: torch.tensor([[seq[i]]]),
        **DEFAULTS["turbo"],
    )
    report(
        "B4",
        "turbo: a stop token as the very FIRST token does not stop; a later one does and is removed",
        log["tokens"][0].tolist() == [6562, 7, 6561, 8],
    )
    report(
        "B5",
        "turbo: penalty history is [6561] for the first token only",
        abs(float(log["logits"][0][0, -1, 6561])) > 0 and _turbo_hist_ok(log),
    )
    with okit.quiet(), okit.FixedRandom(1) as fr:
        M["s3gen"].inference(
            speech_tokens=torch.arange(4), ref_dict=short_ref(conds.gen, 8), n_cfm_timesteps=2
        )
    kinds = [(k, tuple(v.shape)) for k, v in fr.log]
    report(
        "B7",
        "RNG order meanflow: noise for new frames, z for all frames (tail overwritten), phases, "
        "sine noise, unused noise",
        [k for k, _ in kinds] == ["randn", "randn", "uniform", "randn", "randn"]
        and kinds[0][1][-1] == 8,
        str(kinds),
    )


def _analyzer_forces_eos(r):
    dims = okit.tiny_dims("multilingual")
    dims["t3"].update(
        hidden_size=64, num_heads=16, num_layers=14, intermediate_size=64, text_vocab=2454
    )
    with okit.no_init():
        t3 = okit.build_t3(dims)
    okit.randomize(t3, 3, "x")
    cond = r.cond_enc.T3Cond(
        speaker_emb=torch.rand(1, dims["t3"]["speaker_embed_size"]),
        cond_prompt_speech_tokens=torch.arange(20)[None],
        emotion_adv=0.5 * torch.ones(1, 1, 1),
    )
    seq = (7, 9, 9, 5, 5, 5)
    old = r.t3_config.T3Config.is_multilingual
    r.t3_config.T3Config.is_multilingual = property(lambda self: True)
    try:
        log = run_t3(
            t3,
            "multilingual",
            cond,
            torch.tensor([[255, 3, 4, 5, 6, 7, 8, 0]] * 2),
            5,
            lambda p, i: torch.tensor([[seq[i]]]),
            **DEFAULTS["multilingual"],
        )
    finally:
        r.t3_config.T3Config.is_multilingual = old
    p = [float(x[0, 6562]) for x in log["probs"]]
    return p[3] > 0.999 and max(p[:3]) < 0.5


def _turbo_hist_ok(log):
    from transformers.generation.logits_process import (
        RepetitionPenaltyLogitsProcessor as R,
        TemperatureLogitsWarper as T,
        TopKLogitsWarper as K,
        TopPLogitsWarper as P,
    )

    def chain(x, h):
        for f in (T(0.8), K(1000), P(0.95), R(1.2)):
            x = f(h, x)
        return torch.softmax(x, -1)

    a = torch.equal(chain(log["logits"][0][:, -1], torch.tensor([[6561]])), log["probs"][0])
    b = torch.equal(chain(log["logits"][1][:, -1], torch.tensor([[6562]])), log["probs"][1])
    return a and b
