#!/usr/bin/env python3
"""Write a random-weight Chatterbox checkpoint folder in the real on-disk layout."""

import argparse
import json
import os
import time

import torch

import okit
import okit_text


def calibrate_t3(t3):
    """Logits with spread (std about 2.5) and a stop token that is neither certain nor impossible."""
    w = t3.speech_head.weight  # final norm gives |h| about sqrt(d)
    w.mul_(2.5 / (w.norm(dim=1).mean()))
    if t3.speech_head.bias is not None:
        t3.speech_head.bias.mul_(4.0)


def calibrate_s3gen(m, seed):
    """Realistic log-mel range, f0 of a voice with unvoiced stretches, an unclipped waveform."""
    est = m.flow.decoder.estimator
    est.final_proj.bias.sub_(5.0)  # log-mel around -5
    g = torch.Generator().manual_seed(seed + 77)
    T = 200
    x = torch.randn(1, 80, T, generator=g) * 1.3
    x = -5.0 + torch.nn.functional.avg_pool1d(x, 3, 1, 1) * 1.7
    hift = m.mel2wav
    f = hift.f0_predictor.condnet(x).transpose(1, 2)
    c = hift.f0_predictor.classifier
    raw = f @ c.weight.T
    k = 80.0 / raw.std().clamp(min=1e-6)
    c.weight.mul_(k)
    c.bias.fill_(
        float(95.0 - (raw * k).mean())
    )  # |.| around 95 +- 80 Hz, some below the 10 Hz gate
    hift.m_source.l_linear.weight.mul_(8.0)  # excitation worth something
    # conv_post: magnitude rows near exp(-2), phase rows spread over the circle
    cp = hift.conv_post
    with okit.FixedRandom(seed + 1), okit.swap(hift, _istft=lambda mag, ph: (mag, ph)):
        s, _, _ = hift.m_source(hift.f0_upsamp(hift.f0_predictor(x)[:, None]).transpose(1, 2))
        store = {}
        hk = cp.register_forward_hook(lambda mod, i, o: store.update(i=i[0]))
        try:
            hift.decode(x, s.transpose(1, 2))
        except Exception:
            pass
        hk.remove()
    o = torch.nn.functional.conv1d(store["i"], cp.weight, None, padding=3)
    sd = o.std(dim=(0, 2))
    scale = torch.cat([0.7 / sd[:9], 1.2 / sd[9:]])
    cp.parametrizations.weight.original0.mul_(scale.view(-1, 1, 1))
    mean = (o * scale.view(1, -1, 1)).mean(dim=(0, 2))
    cp.bias[:9] = -1.6 - mean[:9]
    cp.bias[9:] = -mean[9:] + cp.bias[9:]


def calibrate_s3tok(m):
    """FSQ pre-activations about unit std, so all three levels occur."""
    tok = m.tokenizer
    wav = torch.from_numpy(okit.synth_voice(2.0, 16000, 5))[None]
    mel = tok.log_mel_spectrogram(wav)
    h, _ = tok.encoder(mel, torch.tensor([mel.shape[-1]], dtype=torch.int32))
    pd = tok.quantizer._codebook.project_down
    o = h[0] @ pd.weight.T
    pd.weight.mul_((0.9 / o.std(0))[:, None])
    pd.bias.copy_(-(o * (0.9 / o.std(0))).mean(0) + pd.bias)


def calibrate_ve(m):
    m.proj.weight.mul_(3.0)


def save_state(path, sd, drop=()):
    from safetensors.torch import save_file

    save_file({k: v.contiguous().clone() for k, v in sd.items() if k not in drop}, path)


def prepare_pieces(dims, t3_plen, s3gen, ve, wav24, turbo):
    """What prepare_conditionals does, without the model wrapper (and without its >5 s assertion)."""
    import librosa

    r = okit.import_reference()
    out = {}
    if turbo:
        dummy = r.tts_turbo.ChatterboxTurboTTS.__new__(r.tts_turbo.ChatterboxTurboTTS)
        wav24 = dummy.norm_loudness(wav24, 24000)
    out["wav24"] = wav24
    wav16 = librosa.resample(wav24, orig_sr=24000, target_sr=16000)
    out["wav16"] = wav16
    enc_len = (15 if turbo else 6) * 16000
    gen = s3gen.embed_ref(wav24[: 10 * 24000], 24000, device="cpu")
    toks, _ = s3gen.tokenizer.forward([wav16[:enc_len]], max_len=t3_plen)
    toks = torch.atleast_2d(toks)
    emb = torch.from_numpy(ve.embeds_from_wavs([wav16], sample_rate=16000)).mean(
        axis=0, keepdim=True
    )
    out.update(gen=gen, t3_tokens=toks, ve_embed=emb)
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--family", choices=okit.FAMILIES, required=True)
    ap.add_argument("--size", choices=("tiny", "full"), default="tiny")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--variant", type=int, default=0, help="tiny only: other dims (hold-out sets)")
    ap.add_argument(
        "--mantissa-bits",
        type=int,
        default=None,
        help="round weights to this many mantissa bits; default 7 (bf16-exact) for tiny, off (0) for full",
    )
    ap.add_argument(
        "--ref-seconds",
        type=float,
        default=None,
        help="length of ref.wav (default 1.44 tiny, 12 full)",
    )
    ap.add_argument("--out", required=True)
    a = ap.parse_args()
    t0 = time.time()
    os.makedirs(a.out, exist_ok=True)
    r = okit.import_reference()
    dims = okit.full_dims(a.family) if a.size == "full" else okit.tiny_dims(a.family, a.variant)
    dims["seed"] = a.seed
    bits = a.mantissa_bits if a.mantissa_bits is not None else (7 if a.size == "tiny" else 0)
    dims["mantissa_bits"] = bits
    turbo = a.family in okit.TURBO_LIKE

    if a.family == "original":
        okit_text.write_english(os.path.join(a.out, "tokenizer.json"))
    elif a.family == "multilingual":
        okit_text.write_multilingual(
            os.path.join(a.out, "grapheme_mtl_merged_expanded_v1.json"),
            os.path.join(a.out, "Cangjie5_TC.json"),
        )
    else:
        rows = okit_text.write_gpt2(a.out, full=a.size == "full")
        if a.size == "tiny":
            dims["t3"]["text_vocab"] = rows

    with okit.no_init():
        t3 = okit.build_t3(dims)
        s3gen = okit.build_s3gen(dims)
        ve = okit.build_ve(dims)
    # multilingual shares s3gen/ve with original when built from the same seed, as the published repo does
    okit.randomize(t3, a.seed, a.family + ".t3.")
    okit.randomize(s3gen, a.seed, ("meanflow" if turbo else "base") + ".s3gen.")
    okit.randomize(ve, a.seed, "ve.")
    if turbo:
        w = s3gen.flow.decoder.estimator.time_embed_mixer.weight
        d = w.shape[0]
        w.mul_(0.3)
        w[:, :d] += torch.eye(d)
    calibrate_t3(t3)
    calibrate_s3tok(s3gen)
    calibrate_s3gen(s3gen, a.seed)
    calibrate_ve(ve)
    for m in (t3, s3gen, ve):
        okit.apply_rounding(m, bits)

    save_state(os.path.join(a.out, okit.T3_FILE[a.family]), t3.state_dict())
    # s3gen.safetensors is loaded with strict=False because these two buffers may be absent from it
    drop = ("tokenizer._mel_filters", "tokenizer.window") if a.family == "original" else ()
    save_state(os.path.join(a.out, okit.S3GEN_FILE[a.family]), s3gen.state_dict(), drop)
    save_state(os.path.join(a.out, "ve.safetensors"), ve.state_dict())
    if a.family == "multilingual":
        torch.save(s3gen.state_dict(), os.path.join(a.out, "s3gen.pt"))
        torch.save(ve.state_dict(), os.path.join(a.out, "ve.pt"))

    secs = a.ref_seconds or (1.44 if a.size == "tiny" else 12.0)
    import soundfile as sf

    wav24 = okit.synth_voice(secs, 24000, a.seed)
    sf.write(os.path.join(a.out, "ref.wav"), wav24, 24000, subtype="PCM_16")
    with okit.quiet():
        pc = prepare_pieces(dims, dims["t3"]["speech_cond_prompt_len"], s3gen, ve, wav24, turbo)
        cond = r.cond_enc.T3Cond(
            speaker_emb=pc["ve_embed"],
            cond_prompt_speech_tokens=pc["t3_tokens"],
            emotion_adv=(0.0 if turbo else 0.5) * torch.ones(1, 1, 1),
        )
        mod = r.tts_turbo if turbo else r.tts
        mod.Conditionals(cond, pc["gen"]).save(os.path.join(a.out, "conds.pt"))
    dims["not_derivable_from_shapes"] = okit.NOT_DERIVABLE
    with open(os.path.join(a.out, okit.CONFIG_NAME), "w") as f:
        json.dump(dims, f, indent=1)
    n = sum(p.numel() for m in (t3, s3gen, ve) for p in m.parameters())
    tot = sum(os.path.getsize(os.path.join(a.out, x)) for x in os.listdir(a.out))
    print(
        "%s %s seed=%d params=%.3fM bytes=%d files=%s (%.1fs)"
        % (
            a.family,
            a.size,
            a.seed,
            n / 1e6,
            tot,
            {x: os.path.getsize(os.path.join(a.out, x)) for x in sorted(os.listdir(a.out))},
            time.time() - t0,
        )
    )


if __name__ == "__main__":
    main()
