"""Golden stages of S3Gen: flow encoder, flow matching, vocoder."""

import torch

import okit
from golden_dump import Tap


def short_ref(gen, n_tok):
    g = {k: (v.clone() if torch.is_tensor(v) else v) for k, v in gen.items()}
    g["prompt_token"] = g["prompt_token"][:, :n_tok]
    g["prompt_token_len"] = torch.tensor([n_tok])
    g["prompt_feat"] = g["prompt_feat"][:, : 2 * n_tok]
    return g


def run_s3gen(D, pre, s3gen, tokens, ref, seed, meanflow, detail, hift_detail=None):
    """s3gen.inference under fixed random numbers; dumps under `<pre>flow.` and `<pre>hift.`."""
    fl, enc, est, hift = s3gen.flow, s3gen.flow.encoder, s3gen.flow.decoder.estimator, s3gen.mel2wav
    F, H = pre + "flow.", pre + "hift."
    D.put(F + "in.tokens", tokens)
    D.put(F + "in.prompt_token", ref["prompt_token"][0])
    D.put(F + "in.prompt_feat", ref["prompt_feat"][0])
    D.put(F + "in.embedding", ref["embedding"])
    tap = Tap(D)
    steps = []
    hift_detail = detail if hift_detail is None else hift_detail
    if detail:
        tap.out(F + "spk_affine", fl.spk_embed_affine_layer)
        tap.out(F + "token_emb", fl.input_embedding)
        tap.out(F + "enc.embed", enc.embed)
        a = enc.encoders[0].self_attn
        tap.out(F + "enc.pre_lookahead", enc.pre_lookahead_layer)
        tap.out(F + "enc.block0.norm_mha", enc.encoders[0].norm_mha)
        for n in ("linear_q", "linear_k", "linear_v", "linear_pos"):
            tap.out(F + "enc.block0." + n, getattr(a, n))
        tap.inp(F + "enc.block0.pos_emb", a.linear_pos)
        tap.inp(F + "enc.block0.attn_ctx", a.linear_out)
        tap.out(F + "enc.block0.attn_out", a.linear_out)
        tap.out(F + "enc.block0.ffn_out", enc.encoders[0].feed_forward)
        rs = a.rel_shift

        def rel(x):
            y = rs(x)
            D.put(F + "enc.block0.bd_before_shift", x)
            D.put(F + "enc.block0.bd_after_shift", y)
            return y

        a.rel_shift = rel
        for i, l in enumerate(enc.encoders):
            tap.out(F + "enc.block%d.out" % i, l)
        tap.out(F + "enc.up_layer", enc.up_layer, lambda t: t.transpose(1, 2))
        tap.out(F + "enc.up_embed", enc.up_embed)
        for i, l in enumerate(enc.up_encoders):
            tap.out(F + "enc.up_block%d.out" % i, l)
        tap.out(F + "enc.h", enc)
        tap.out(F + "mu", fl.encoder_proj)
        e = F + "est."
        tap.out(e + "time_sinusoid", est.time_embeddings)
        tap.out(e + "time_mlp", est.time_mlp)
        if meanflow:
            tap.out(e + "time_mixed", est.time_embed_mixer)
        res, tb, down = est.down_blocks[0]
        tap.inp(e + "down0.in", res, lambda t: t[:1])
        tap.out(e + "down0.block1_conv", res.block1.block[0])
        tap.out(e + "down0.block1_ln", res.block1.block[2])
        tap.out(e + "down0.block1", res.block1)
        tap.out(e + "down0.time_proj", res.mlp)
        tap.out(e + "down0.block2", res.block2)
        tap.out(e + "down0.res_conv", res.res_conv)
        tap.out(e + "down0.resnet", res)
        b = tb[0]
        tap.out(e + "down0.tb0.norm1", b.norm1)
        tap.out(e + "down0.tb0.q", b.attn1.to_q)
        tap.inp(e + "down0.tb0.attn_ctx", b.attn1.to_out[0])
        tap.out(e + "down0.tb0.attn", b.attn1)
        tap.out(e + "down0.tb0.norm3", b.norm3)
        tap.out(e + "down0.tb0.ff_gelu", b.ff.net[0])
        tap.out(e + "down0.tb0.ff", b.ff)
        for i, x in enumerate(tb):
            tap.out(e + "down0.tb%d.out" % i, x)
        tap.out(e + "down0.downsample", down)
        for i, (res, tb) in enumerate(est.mid_blocks):
            tap.out(e + "mid%d.resnet" % i, res)
            tap.out(e + "mid%d.out" % i, tb[-1])
        res, tb, up = est.up_blocks[0]
        tap.inp(e + "up0.in", res)
        tap.out(e + "up0.resnet", res)
        tap.out(e + "up0.tb_out", tb[-1])
        tap.out(e + "up0.upsample", up)
        tap.out(e + "final_block", est.final_block)
        tap.out(e + "out", est.final_proj)
    tap.out(H + "f0", hift.f0_predictor)
    if hift_detail:
        for i in range(0, 10, 2):
            tap.out(H + "f0.conv%d" % (i // 2), hift.f0_predictor.condnet[i])
        tap.out(H + "conv_pre", hift.conv_pre)
        for i in range(len(hift.ups)):
            tap.out(H + "up%d" % i, hift.ups[i])
            tap.out(H + "src_down%d" % i, hift.source_downs[i])
            tap.out(H + "src_res%d" % i, hift.source_resblocks[i])
            tap.inp(H + "fused%d" % i, hift.resblocks[3 * i])
            for j in range(3):
                if i == 0:
                    tap.out(H + "res%d_%d" % (i, j), hift.resblocks[3 * i + j])
        rb = hift.resblocks[0]
        for n in ("activations1", "convs1", "activations2", "convs2"):
            tap.out(H + "res0_0.%s0" % n, getattr(rb, n)[0])
        tap.inp(H + "post_in", hift.conv_post)
        tap.out(H + "post", hift.conv_post)
        tap.out(H + "reflection_pad", hift.reflection_pad)
    of = type(est).forward

    def fwd(x, mask=None, mu=None, t=None, spks=None, cond=None, r=None):
        y = of(est, x=x, mask=mask, mu=mu, t=t, spks=spks, cond=cond, r=r)
        steps.append(
            (
                x.clone(),
                mu.clone(),
                spks.clone(),
                cond.clone(),
                t.clone(),
                None if r is None else r.clone(),
                y.clone(),
            )
        )
        return y

    est.forward = fwd
    ist, sft = hift._istft, hift._stft
    cap = {}

    def istft(mag, ph):
        y = ist(mag, ph)
        cap["mag"], cap["phase"], cap["raw"] = mag.clone(), ph.clone(), y.clone()
        return y

    def stft(x):
        y = sft(x)
        cap["stft"] = torch.cat(y, 1).clone()
        return y

    hift._istft, hift._stft = istft, stft
    infer = hift.inference

    def hift_inf(speech_feat, cache_source):
        cap["mel"] = speech_feat.clone()
        w, s = infer(speech_feat=speech_feat, cache_source=cache_source)
        cap["wav_nofade"], cap["source"] = w.clone(), s.clone()
        return w, s

    hift.inference = hift_inf
    try:
        with okit.quiet(), okit.FixedRandom(seed) as fr:
            wav, _ = s3gen.inference(
                speech_tokens=tokens, ref_dict=ref, n_cfm_timesteps=2 if meanflow else None
            )
    finally:
        tap.close()
        for o, n in ((est, "forward"), (hift, "_istft"), (hift, "_stft"), (hift, "inference")):
            o.__dict__.pop(n, None)
        if detail:
            a.__dict__.pop("rel_shift", None)
    B = steps[0][0].shape[0]
    D.put(F + "cfm.z", steps[0][0][0])
    D.put(F + "cfm.mu", steps[0][1][0])
    D.put(F + "cfm.spks", steps[0][2][0])
    D.put(F + "cfm.cond", steps[0][3][0])
    ts = [float(s[4].view(-1)[0]) for s in steps]
    D.put(F + "cfm.t", torch.tensor(ts))
    if steps[0][5] is not None:
        D.put(F + "cfm.r", torch.tensor([float(s[5].view(-1)[0]) for s in steps]))
    if detail:
        for i, s in enumerate(steps):
            if i:
                D.put(F + "cfm.step%d.x" % i, s[0][0])
            if B == 2 and i < 2:
                D.put(F + "cfm.step%d.dphi_cond" % i, s[6][0])
                D.put(F + "cfm.step%d.dphi_uncond" % i, s[6][1])
            elif B == 2:
                c = s3gen.flow.decoder.inference_cfg_rate
                D.put(F + "cfm.step%d.dphi" % i, (1.0 + c) * s[6][0] - c * s[6][1])
            else:
                D.put(F + "cfm.step%d.dphi" % i, s[6][0])
    D.put(F + "out_mel", cap["mel"][0])
    rn = fr.take("randn")
    D.put(
        H + "in.phase", fr.take("uniform")[0][0, :, 0]
    )  # phase_vec; entry 0 is forced to 0 by the reference
    D.put(H + "in.noise", rn[-2][0])  # (9, samples) standard normal
    D.put(H + "source", cap["source"][0, 0])
    if hift_detail:
        D.put(H + "stft", cap["stft"][0])
        D.put(H + "mag", cap["mag"][0])
        D.put(H + "phase", cap["phase"][0])
        D.put(H + "trim_fade", s3gen.trim_fade)
        D.put(H + "wav_nofade", cap["wav_nofade"][0])
    D.put(H + "wav", wav[0])
    return wav


def stage_flow(D, fam, s3gen, conds, n_tok, seed, rng, hift_detail):
    tokens = [int(x) for x in rng.randint(0, 6561, n_tok)]
    tokens = torch.tensor(tokens)
    if fam in okit.TURBO_LIKE:
        tokens = torch.cat([tokens, torch.tensor([4299] * 3)])
    return run_s3gen(
        D,
        "",
        s3gen,
        tokens,
        short_ref(conds.gen, 8),
        seed,
        fam in okit.TURBO_LIKE,
        True,
        hift_detail,
    )


def stage_source(D, s3gen, seed):
    """SineGen + source module on a given f0 track (incl. 0, 10.0 and 10.001 Hz around the voicing gate)."""
    hift = s3gen.mel2wav
    f0 = torch.tensor([[0.0, 130.5, 10.0, 10.001, 201.25, 87.0]])
    with okit.FixedRandom(seed) as fr:
        up = hift.f0_upsamp(f0[:, None]).transpose(1, 2)
        s, _, uv = hift.m_source(up)
    D.put("source.in.f0", f0[0])
    D.put("source.in.phase", fr.take("uniform")[0][0, :, 0])
    D.put("source.in.noise", fr.take("randn")[0][0])
    D.put("source.uv_per_frame", uv[0, ::480, 0])
    D.put("source.out", s[0, :, 0])
    # long utterance: shows the precision of the running phase (12 s at 210.37 Hz, no noise, zero phases)
    g = hift.m_source.l_sin_gen
    long = torch.full((1, 1, 600 * 480), 210.37)
    with okit.swap(torch, randn_like=torch.zeros_like), okit.FixedZeroPhase():
        w, _, _ = g(long)
    D.put("source.long.f0", 210.37)
    D.put("source.long.n", 600 * 480)
    D.put("source.long.sines_last_480", w[0, :, -480:])


def stage_vc(D, s3gen, conds, wav24, seed):
    import librosa

    a16 = librosa.resample(wav24, orig_sr=24000, target_sr=16000)[6000 : 6000 + 2560]
    D.put("vc.in.wav16", a16)
    toks, _ = s3gen.tokenizer(torch.from_numpy(a16).float()[None])
    run_s3gen(D, "vc.", s3gen, toks[0], short_ref(conds.gen, 8), seed, False, False)
