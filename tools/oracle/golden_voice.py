"""Golden stages of voice preparation, watermark and resampling."""

import numpy as np
import torch

import make_checkpoint as mk
import okit
from golden_dump import Tap


def stage_voice(D, fam, s3gen, ve, wav24, plen, detail):
    import librosa

    r = okit.import_reference()
    turbo = fam in okit.TURBO_LIKE
    V = "voice."
    D.put(V + "in.wav24_i16", torch.from_numpy(np.round(wav24 * 32768).astype(np.int16)))  # /32768
    if turbo:
        import pyloudnorm

        D.put(V + "loudness_lufs", float(pyloudnorm.Meter(24000).integrated_loudness(wav24)))
    tap = Tap(D)
    tok, cam = s3gen.tokenizer, s3gen.speaker_encoder
    store = {}
    fb = r.xvector.Kaldi.fbank

    def fbank(*a, **k):
        y = fb(*a, **k)
        store.setdefault("fbank", y.clone())
        store.setdefault("fbank_in", a[0].clone())
        return y

    head = cam.head
    tap.inp(V + "xvec.feat", head)
    tap.out(V + "xvec.fcm", head)
    tap.out(V + "xvec.fcm_layer1_ch01", head.layer1, lambda t: t[0, :2])
    tap.out(V + "xvec.tdnn", cam.xvector.tdnn)
    tap.out(V + "xvec.block1_layer1", cam.xvector.block1.tdnnd1)
    tap.out(V + "xvec.block1", cam.xvector.block1)
    tap.out(V + "xvec.transit1", cam.xvector.transit1)
    tap.out(V + "xvec.block2", cam.xvector.block2)
    tap.out(V + "xvec.block3", cam.xvector.block3)
    tap.out(V + "xvec.stats", cam.xvector.stats)
    e = tok.encoder
    tap.out(V + "tok.conv1", e.conv1)
    tap.out(V + "tok.conv2", e.conv2)
    b = e.blocks[0]
    tap.out(V + "tok.block0.attn_ln", b.attn_ln)
    tap.out(V + "tok.block0.q", b.attn.query)
    tap.out(V + "tok.block0.k", b.attn.key)
    tap.out(V + "tok.block0.v", b.attn.value)
    tap.inp(V + "tok.block0.attn_ctx", b.attn.out)
    tap.out(V + "tok.block0.fsmn_conv", b.attn.fsmn_block)
    tap.out(V + "tok.block0.attn", b.attn)
    for i, x in enumerate(e.blocks):
        tap.out(V + "tok.block%d.out" % i, x)
    tap.out(V + "tok.pre_fsq", tok.quantizer._codebook.project_down)
    qz = tok.log_mel_spectrogram

    def lm(a, padding=0):
        y = qz(a, padding)
        store.setdefault("logmel", y.clone())
        store.setdefault("wav16_ta", a.clone())
        return y

    tok.log_mel_spectrogram = lm
    tr = librosa.effects.trim
    inf = ve.inference

    def trim(y, top_db):
        o, idx = tr(y, top_db=top_db)
        store["trim"] = [int(i) for i in idx]
        return o, idx

    def ve_inf(mels, mel_lens, **k):
        store["ve_mel"] = mels.clone()
        return inf(mels, mel_lens, **k)

    ve.inference = ve_inf
    parts = []
    h = ve.register_forward_hook(lambda m, i, o: parts.append((i[0].clone(), o.clone())) and None)
    with okit.swap(r.xvector.Kaldi, fbank=fbank), okit.swap(
        librosa.effects, trim=trim
    ), okit.quiet():
        pc = mk.prepare_pieces(None, plen, s3gen, ve, wav24, turbo)
    tap.close(), h.remove()
    tok.__dict__.pop("log_mel_spectrogram"), ve.__dict__.pop("inference")
    if turbo:
        D.put(
            V + "wav24_normed_gain",
            float(
                pc["wav24"].astype(np.float64)[5000:9000].std()
                / wav24.astype(np.float64)[5000:9000].std()
            ),
        )
    D.put(V + "wav16_librosa", pc["wav16"])  # soxr_hq; feeds VE and the T3 prompt tokens
    D.put(
        V + "wav16_torchaudio", store["wav16_ta"][0]
    )  # sinc_interp_hann; feeds x-vector and gen prompt tokens
    D.put(V + "xvec.fbank", store["fbank"])
    D.put(V + "tok.logmel", store["logmel"][0])
    D.put(V + "gen.prompt_token", pc["gen"]["prompt_token"][0])
    D.put(V + "gen.prompt_feat", pc["gen"]["prompt_feat"][0])
    D.put(V + "gen.embedding", pc["gen"]["embedding"])
    D.put(V + "t3.prompt_tokens", pc["t3_tokens"][0])
    D.put(V + "ve.trim", store["trim"])
    D.put(V + "ve.mel", store["ve_mel"][0])
    D.put(V + "ve.partial_embeds", torch.cat([o for _, o in parts]))
    D.put(V + "ve.n_partials", sum(len(i) for i, _ in parts))
    D.put(V + "ve.out", pc["ve_embed"])
    fsq = D[V + "tok.pre_fsq"]
    D.put(
        V + "tok.fsq_margin",
        float((torch.tanh(fsq) * 0.9990000128746033).abs().sub(0.5).abs().min()),
    )
    # a reference whose mel frame count is odd
    n = len(wav24) // 960 * 960 - 480
    odd = pc["wav24"][:n]
    with okit.quiet():
        g = s3gen.embed_ref(odd, 24000, device="cpu")
        t = s3gen.tokenizer(
            torch.from_numpy(librosa.resample(odd, orig_sr=24000, target_sr=16000))[None]
        )[0]
    D.put(V + "odd.n_samples24", len(odd))
    D.put(V + "odd.prompt_token", g["prompt_token"][0])
    D.put(V + "odd.n_mel", g["prompt_feat"].shape[1])
    D.put(V + "odd.n_token_untrimmed", t.shape[1])
    with okit.quiet(), okit.FixedRandom(5):
        m = s3gen.flow_inference(torch.arange(5), ref_dict=g, finalize=True)
    D.put(V + "odd.out_mel_frames_for_5_tokens", m.shape[-1])
    # voice encoder over several overlapping windows
    mel = (
        torch.from_numpy(np.abs(np.random.RandomState(3).randn(1, 290, 40)).astype(np.float32))
        * 0.2
    )
    D.put(V + "ve_multi.mel", mel[0])
    h = ve.register_forward_hook(lambda m, i, o: D.put(V + "ve_multi.partial_embeds", o) and None)
    D.put(V + "ve_multi.out", ve.inference(mel, [290], rate=1.3))
    h.remove()
    if not detail:
        for k in [
            k
            for k in D
            if k.startswith((V + "xvec.", V + "tok.", V + "wav16", V + "ve_multi.", V + "ve.mel"))
            and k != V + "tok.fsq_margin"
        ]:
            del D[k]


def stage_wm(D, wav):
    """Perth, with the real weights shipped inside the resemble-perth wheel (MIT)."""
    import perth

    with okit.quiet():
        w = perth.PerthImplicitWatermarker()
    net = w.perth_net
    cap = {}
    enc = net.encoder
    h = [
        enc.register_forward_hook(
            lambda m, i, o: cap.update(mag=i[0].clone(), wm=o[0].clone(), mask=o[1].clone())
        ),
        enc.layers.register_forward_hook(lambda m, i, o: cap.update(res=o.clone())),
        enc.layers[0].register_forward_hook(lambda m, i, o: cap.update(c0=o.clone())),
    ]
    m2s, s2m = net.ap.magphase_to_signal, net.ap.signal_to_magphase

    def back(mag, ph):
        y = m2s(mag, ph)
        cap["out32"] = y.clone()
        return y

    def fwd(sig):
        cap.setdefault("in32", sig.clone())
        mag, ph = s2m(sig)
        cap.setdefault("phase", ph.clone())
        return mag, ph

    net.ap.magphase_to_signal, net.ap.signal_to_magphase = back, fwd
    out = w.apply_watermark(wav, sample_rate=24000)
    for x in h:
        x.remove()
    net.ap.__dict__.pop("signal_to_magphase"), net.ap.__dict__.pop("magphase_to_signal")
    sb = enc.subband
    D.put("wm.in24", wav)
    D.put("wm.in32", cap["in32"])
    D.put("wm.mag_subband", cap["mag"][0, :sb])
    D.put("wm.mask", cap["mask"][0, 0])
    D.put("wm.mag_sum", cap["mag"][0].sum(0))
    D.put("wm.layer0", cap["c0"][0, :16])
    D.put("wm.residual_subband", cap["res"][0])
    D.put("wm.out_mag_subband", cap["wm"][0, :sb])
    D.put("wm.out32", cap["out32"])
    D.put("wm.out24", out)
    D.put("wm.detect_marked_raw", float(w.get_watermark(out, 32000 * 0 + 24000, round=False)))
    D.put("wm.detect_marked", float(w.get_watermark(out, 24000)))
    D.put("wm.detect_clean_raw", float(w.get_watermark(wav, 24000, round=False)))
    D.put("wm.detect_clean", float(w.get_watermark(wav, 24000)))
    D.put(
        "wm.detect32_marked_raw", float(w.get_watermark(cap["out32"].numpy(), 32000, round=False))
    )


def stage_resample(D, rng):
    import librosa
    import torchaudio

    x = (0.3 * rng.randn(900)).astype(np.float32)
    x[:300] = 0.4 * np.sin(2 * np.pi * 440 * np.arange(300) / 24000).astype(np.float32)
    D.put("resample.in", x)
    for a, b in (
        (24000, 16000),
        (44100, 24000),
        (16000, 24000),
        (24000, 32000),
        (32000, 24000),
        (22050, 24000),
    ):
        D.put("resample.soxr_hq.%d_%d" % (a, b), librosa.resample(x, orig_sr=a, target_sr=b))
    D.put(
        "resample.torchaudio.24000_16000",
        torchaudio.transforms.Resample(24000, 16000)(torch.from_numpy(x)[None])[0],
    )
    D.put(
        "resample.torchaudio.24000_16000.kernel",
        torchaudio.transforms.Resample(24000, 16000).kernel,
    )
