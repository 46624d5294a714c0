"""Golden stages of text, language model and sampler."""

import torch

import okit
from golden_dump import Tap


def punc_norm(fam):
    r = okit.import_reference()
    return {"original": r.tts.punc_norm, "multilingual": r.mtl_tts.punc_norm}.get(
        fam, r.tts_turbo.punc_norm
    )


def tokenize(fam, tok, text, lang=None):
    if fam == "original":
        return tok.text_to_tokens(text)
    if fam == "multilingual":
        return tok.text_to_tokens(text, language_id=lang)
    return tok(text, return_tensors="pt", padding=True, truncation=True).input_ids


def stage_text(D, fam, tok, texts):
    norm = punc_norm(fam)
    for i, t in enumerate(texts):
        lang, t = t if isinstance(t, tuple) else (None, t)
        n = norm(t)
        D.put("text.%d.raw" % i, t)
        D.put("text.%d.norm" % i, n)
        if fam == "multilingual":
            D.put("text.%d.lang" % i, lang or "")
        D.put("text.%d.ids" % i, tokenize(fam, tok, n, lang)[0])


def framed_ids(fam, hp, ids):
    ids = ids.long()
    if fam in okit.TURBO_LIKE:
        return ids
    ids = torch.cat([ids, ids], 0)
    ids = torch.nn.functional.pad(ids, (1, 0), value=hp.start_text_token)
    return torch.nn.functional.pad(ids, (0, 1), value=hp.stop_text_token)


def run_t3(t3, fam, cond, ids, n, multinomial, **kw):
    """The reference's own sampling loop with torch.multinomial replaced; returns per-step logs."""
    log = {"probs": [], "head_in": [], "logits": [], "embeds": []}

    def multi(p, num_samples=1, **k):
        log["probs"].append(p.clone())
        return multinomial(p, len(log["probs"]) - 1)

    h1 = t3.speech_head.register_forward_hook(
        lambda m, i, o: (log["head_in"].append(i[0].clone()), log["logits"].append(o.clone()))
        and None
    )
    h2 = t3.tfmr.register_forward_pre_hook(
        lambda m, a, k: log["embeds"].append(k["inputs_embeds"].clone()), with_kwargs=True
    )
    old = torch.multinomial
    torch.multinomial = multi
    try:
        with okit.quiet():
            if fam in okit.TURBO_LIKE:
                log["tokens"] = t3.inference_turbo(
                    t3_cond=cond, text_tokens=ids, max_gen_len=n - 1, **kw
                )
            else:
                log["tokens"] = t3.inference(t3_cond=cond, text_tokens=ids, max_new_tokens=n, **kw)
    finally:
        torch.multinomial = old
        h1.remove(), h2.remove()
    return log


DEFAULTS = {
    "original": dict(
        temperature=0.8, top_p=1.0, min_p=0.05, repetition_penalty=1.2, cfg_weight=0.5
    ),
    "turbo": dict(temperature=0.8, top_k=1000, top_p=0.95, repetition_penalty=1.2),
}
DEFAULTS["multilingual"], DEFAULTS["nano"] = DEFAULTS["original"], DEFAULTS["turbo"]


def fresh_cond(conds):
    r = okit.import_reference()
    c = conds.t3
    return r.cond_enc.T3Cond(
        speaker_emb=c.speaker_emb,
        cond_prompt_speech_tokens=c.cond_prompt_speech_tokens,
        emotion_adv=c.emotion_adv,
    )


def stage_t3(D, fam, t3, tok, conds, text, lang, K, rng):
    ids = framed_ids(fam, t3.hp, tokenize(fam, tok, punc_norm(fam)(text), lang))
    D.put("t3.in.text", text)
    D.put("t3.in.text_ids", ids[0])
    D.put("t3.in.speaker_emb", conds.t3.speaker_emb)
    D.put("t3.in.prompt_tokens", conds.t3.cond_prompt_speech_tokens[0])
    D.put("t3.in.emotion", float(conds.t3.emotion_adv.view(-1)[0]))
    forced = [int(x) for x in rng.randint(0, 6561, K)]
    forced[min(3, K - 1)] = forced[0]  # a repeat, for the repetition penalty
    D.put("t3.in.forced_tokens", forced)
    tap = Tap(D)
    tap.out("t3.cond.spkr", t3.cond_enc.spkr_enc)
    llama = fam not in okit.TURBO_LIKE
    if llama:
        tap.out("t3.cond.emotion", t3.cond_enc.emotion_adv_fc)
        tap.inp("t3.cond.prompt_emb", t3.cond_enc.perceiver)
        tap.out("t3.cond.perceiver_cross", t3.cond_enc.perceiver.attn)  # first of the two calls
        tap.out("t3.cond.perceiver_out", t3.cond_enc.perceiver)
    tap.out("t3.cond.out", t3.cond_enc)
    layers = t3.tfmr.layers if llama else t3.tfmr.h
    for i, l in enumerate(layers):
        tap.out("t3.prefill.layer%d.out" % i, l)
    l0 = layers[0]
    if llama:
        tap.out("t3.prefill.layer0.norm1", l0.input_layernorm)
        for n in "qkv":
            tap.out("t3.prefill.layer0.%s" % n, getattr(l0.self_attn, n + "_proj"))
        tap.inp("t3.prefill.layer0.attn_ctx", l0.self_attn.o_proj)
        tap.out("t3.prefill.layer0.attn_out", l0.self_attn.o_proj)
        tap.out("t3.prefill.layer0.norm2", l0.post_attention_layernorm)
        tap.out("t3.prefill.layer0.mlp_out", l0.mlp)

        def rope(m, i, o):
            if "t3.rope.cos" not in D:
                D.put("t3.rope.cos", o[0][0]), D.put("t3.rope.sin", o[1][0])

        tap.h.append(t3.tfmr.rotary_emb.register_forward_hook(rope))
        D.put("t3.rope.inv_freq", t3.tfmr.rotary_emb.inv_freq)
    else:
        tap.out("t3.prefill.layer0.norm1", l0.ln_1)
        tap.out("t3.prefill.layer0.qkv", l0.attn.c_attn)
        tap.inp("t3.prefill.layer0.attn_ctx", l0.attn.c_proj)
        tap.out("t3.prefill.layer0.attn_out", l0.attn.c_proj)
        tap.out("t3.prefill.layer0.norm2", l0.ln_2)
        tap.out("t3.prefill.layer0.fc_gelu", l0.mlp.act)
        tap.out("t3.prefill.layer0.mlp_out", l0.mlp)
    log = run_t3(
        t3,
        fam,
        fresh_cond(conds),
        ids,
        K,
        lambda p, i: torch.tensor([[forced[i]]]),
        **DEFAULTS[fam]
    )
    tap.close()
    D.put("t3.prefill.embeds", log["embeds"][0])
    if llama:
        D.put("t3.prefill.hidden", log["head_in"][0])
        for row, nm in enumerate(("cond", "uncond")):
            D.put("t3.prefill.logits_%s" % nm, log["logits"][0][row, -1])
    else:
        D.put("t3.prefill.hidden_last", log["head_in"][0])
        D.put("t3.prefill.logits", log["logits"][0][0, -1])
    for k in range(1, len(log["probs"])):  # llama runs one more forward than it samples
        D.put("t3.step%d.embed" % k, log["embeds"][k])
        D.put("t3.step%d.hidden" % k, log["head_in"][k])
        if llama:
            for row, nm in enumerate(("cond", "uncond")):
                D.put("t3.step%d.logits_%s" % (k, nm), log["logits"][k][row, -1])
        else:
            D.put("t3.step%d.logits" % k, log["logits"][k][0, -1])
    for k, p in enumerate(log["probs"][:2]):
        D.put("t3.step%d.probs" % k, p[0])  # after the whole sampler chain
    return log, ids, forced


def stage_sample(D, fam, log, forced, start):
    """Each logits processor's result, in the order the reference applies them."""
    from transformers.generation.logits_process import (
        MinPLogitsWarper,
        RepetitionPenaltyLogitsProcessor,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    k = len(log["probs"]) - 1
    for name, over in (
        ("default", {}),
        ("tight", dict(top_p=0.6, min_p=0.02, top_k=40, temperature=1.3, repetition_penalty=2.0)),
    ):
        p = dict(DEFAULTS[fam])
        p.update({a: b for a, b in over.items() if a in p})
        key = "sample.%s." % name
        for a, b in p.items():
            D.put(key + "param." + a, float(b))
        if fam in okit.TURBO_LIKE:
            hist = torch.tensor([forced[:k]])
            x = log["logits"][k][:, -1]
            D.put(key + "history", hist[0])
            if name == "default":
                D.put(key + "0_logits", x[0])
            for nm, f in (
                ("1_temperature", TemperatureLogitsWarper(p["temperature"])),
                ("2_top_k", TopKLogitsWarper(p["top_k"])),
                ("3_top_p", TopPLogitsWarper(p["top_p"])),
                ("4_rep_penalty", RepetitionPenaltyLogitsProcessor(p["repetition_penalty"])),
            ):
                x = f(hist, x)
                D.put(key + nm, x[0])
        else:
            hist = torch.tensor([[start] + forced[:k]])
            D.put(key + "history", hist[0])
            c, u = log["logits"][k][0:1, -1], log["logits"][k][1:2, -1]
            x = c + p["cfg_weight"] * (c - u)
            if name == "default":
                D.put(key + "0_cfg", x[0])
            x = RepetitionPenaltyLogitsProcessor(p["repetition_penalty"])(hist, x)
            D.put(key + "1_rep_penalty", x[0])
            x = x / p["temperature"]
            D.put(key + "2_temperature", x[0])
            x = MinPLogitsWarper(p["min_p"])(hist, x)
            D.put(key + "3_min_p", x[0])
            x = TopPLogitsWarper(p["top_p"])(hist, x)
            D.put(key + "4_top_p", x[0])
        probs = torch.softmax(x, -1)
        D.put(key + "5_probs", probs[0])
        if name == "default":
            assert torch.equal(
                probs, log["probs"][k]
            ), "sampler order differs from the reference loop"


def stage_gen(D, fam, t3, conds, ids, n, seed):
    """Free-running generation; every multinomial draw is inverse-CDF with the dumped uniform number."""
    fr = okit.FixedRandom(seed)
    log = run_t3(
        t3, fam, fresh_cond(conds), ids, n, lambda p, i: fr.multinomial(p), **DEFAULTS[fam]
    )
    D.put("gen.text_ids", ids[0])
    D.put("gen.u", torch.tensor(fr.u))
    D.put("gen.tokens", log["tokens"][0])
    margin = []
    for p, u in zip(log["probs"], fr.u):
        c = torch.cumsum(p[0].double(), 0)
        margin.append(float((c - u * c[-1]).abs().min()))
    D.put("gen.cdf_margin", torch.tensor(margin))  # distance of u to the nearest CDF edge


def stage_drop(D, fam):
    """Which sampled tokens reach S3Gen."""
    r = okit.import_reference()
    cases = [
        [5, 6, 7, 6562, 9],
        [6561, 5, 6, 6562],
        [5, 6561, 6, 7],
        [1, 2, 3],
        [4, 6600, 5, 8100, 6562, 1],
        [6562, 3, 4],
    ]
    for i, c in enumerate(cases):
        x = torch.tensor(c)
        D.put("drop.%d.in" % i, c)
        if fam in okit.TURBO_LIKE:
            y = torch.cat([x[x < 6561], torch.tensor([4299] * 3)])
        else:
            y = r.drop_invalid_tokens(x)
            if fam == "original":
                y = y[y < 6561]
        D.put("drop.%d.out" % i, y)
