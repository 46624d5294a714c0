"""Facts V*: what is computed from a reference recording."""

import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import okit
from verify_s3gen import frames, hann
from verify_common import W, close, report, softmax_attn


def mel_filters(sr, n_fft, n_mels, fmin, fmax):
    """Slaney scale and Slaney area normalisation (librosa defaults)."""
    fsp, lin_hz = 200.0 / 3, 1000.0
    step = math.log(6.4) / 27.0
    to_mel = lambda f: f / fsp if f < lin_hz else lin_hz / fsp + math.log(f / lin_hz) / step
    to_hz = lambda m: m * fsp if m < lin_hz / fsp else lin_hz * math.exp(step * (m - lin_hz / fsp))
    pts = [to_hz(m) for m in np.linspace(to_mel(fmin), to_mel(fmax), n_mels + 2)]
    fr = np.arange(n_fft // 2 + 1) * sr / n_fft
    out = np.zeros((n_mels, n_fft // 2 + 1))
    for i in range(n_mels):
        lo, c, hi = pts[i : i + 3]
        out[i] = (
            np.maximum(0, np.minimum((fr - lo) / (c - lo), (hi - fr) / (hi - c))) * 2.0 / (hi - lo)
        )
    return torch.from_numpy(out.astype(np.float32))


def power_spec(x, n_fft, hop):
    return torch.fft.rfft(frames(x, n_fft, hop) * hann(n_fft), dim=-1).abs().T


def s3_logmel(x16):
    x = F.pad(x16[None, None], (200, 200), mode="reflect")[0, 0]
    s = power_spec(x, 400, 160)[:, :-1] ** 2
    m = torch.log10((mel_filters(16000, 400, 128, 0, 8000) @ s).clamp(min=1e-10))
    return (torch.maximum(m, m.max() - 8.0) + 4.0) / 4.0


def mel24k(x):
    x = F.pad(x[None, None], (720, 720), mode="reflect")[0, 0]
    sp = torch.fft.rfft(frames(x, 1920, 480) * hann(1920), dim=-1)
    mag = torch.sqrt(sp.real**2 + sp.imag**2 + 1e-9).T
    return torch.log((mel_filters(24000, 1920, 80, 0, 8000) @ mag).clamp(min=1e-5))


def kaldi_fbank(x):
    n, hop, nfft = 400, 160, 512
    f = frames(x, n, hop).clone()  # snip_edges: 1 + (N-400)//160 frames
    f = f - f.mean(1, keepdim=True)
    f = f - 0.97 * torch.cat([f[:, :1], f[:, :-1]], 1)
    k = torch.arange(n).double()
    win = (
        (0.5 - 0.5 * torch.cos(2 * math.pi * k / (n - 1))) ** 0.85
    ).float()  # povey: symmetric hann ** 0.85
    p = torch.fft.rfft(F.pad(f * win, (0, nfft - n)), dim=-1).abs() ** 2
    mel = lambda f: 1127.0 * math.log(1 + f / 700.0)
    lo, hi = mel(20.0), mel(8000.0)
    d = (hi - lo) / 81
    fm = torch.tensor([mel(i * 16000 / nfft) for i in range(nfft // 2)])
    bank = torch.zeros(80, nfft // 2 + 1)
    for b in range(80):
        l, c, r = lo + b * d, lo + (b + 1) * d, lo + (b + 2) * d
        bank[b, : nfft // 2] = torch.clamp(
            torch.minimum((fm - l) / (c - l), (r - fm) / (r - c)), min=0
        )
    return torch.log((p @ bank.T).clamp(min=1.1920928955078125e-07))


def s3tok(w, dims, mel):
    c = dims["s3tok"]
    H = c["n_head"]
    hd = c["n_state"] // H
    gelu = lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))
    p = "tokenizer.encoder."
    x = gelu(w.conv(p + "conv1", mel[None], stride=2, padding=1))
    x = gelu(w.conv(p + "conv2", x, stride=2, padding=1))[0].T
    T = x.shape[0]
    ang = torch.outer(
        torch.arange(T).float(), c["rope_theta"] ** (-torch.arange(0, hd, 2).float() / hd)
    )
    cos, sin = torch.cat([ang, ang], 1).cos()[:, None], torch.cat([ang, ang], 1).sin()[:, None]

    def rot(y):
        y = y.view(T, H, hd)
        return (y * cos + torch.cat([-y[..., hd // 2 :], y[..., : hd // 2]], -1) * sin).reshape(
            T, -1
        )

    for i in range(c["n_layer"]):
        b = p + "blocks.%d." % i
        h = w.ln(b + "attn_ln", x, 1e-5)
        q, k, v = w.lin(b + "attn.query", h), w.lin(b + "attn.key", h), w.lin(b + "attn.value", h)
        mem = (
            F.conv1d(
                F.pad(v.T[None], (15, 15)), w[b + "attn.fsmn_block.weight"], groups=c["n_state"]
            )[0].T
            + v
        )
        x = x + w.lin(b + "attn.out", softmax_attn(rot(q), rot(k), v, H, hd**-0.5)) + mem
        x = x + w.lin(b + "mlp.2", gelu(w.lin(b + "mlp.0", w.ln(b + "mlp_ln", x, 1e-5))))
    pre = w.lin("tokenizer.quantizer._codebook.project_down", x)
    dig = torch.round(torch.tanh(pre) * 0.9990000128746033) + 1
    return pre, (dig * 3.0 ** torch.arange(8)).sum(1).long()


def campplus(w, dims, feat):
    c = dims["campplus"]
    p = "speaker_encoder."

    def bn(n, x, act=True):
        sh = (1, -1) + (1,) * (x.ndim - 2)
        y = (x - w[n + ".running_mean"].view(sh)) / torch.sqrt(
            w[n + ".running_var"].view(sh) + 1e-5
        )
        if n + ".weight" in w:
            y = y * w[n + ".weight"].view(sh) + w[n + ".bias"].view(sh)
        return F.relu(y) if act else y

    c2 = lambda n, x, st: F.conv2d(
        x, w[n + ".weight"], stride=(st, 1), padding=w[n + ".weight"].shape[-1] // 2
    )
    x = feat.T[None, None]  # (1,1,mel,T): stride is along mel
    h = p + "head."
    x = bn(h + "bn1", c2(h + "conv1", x, 1))
    for l in ("layer1", "layer2"):
        for i in range(2):
            b = h + "%s.%d." % (l, i)
            st = 2 if i == 0 else 1
            y = bn(b + "bn2", c2(b + "conv2", bn(b + "bn1", c2(b + "conv1", x, st)), 1), False)
            sc = (
                bn(b + "shortcut.1", c2(b + "shortcut.0", x, st), False)
                if b + "shortcut.0.weight" in w
                else x
            )
            x = F.relu(y + sc)
    x = bn(h + "bn2", c2(h + "conv2", x, 2))
    x = x.reshape(1, -1, x.shape[-1])  # channel-major: c*10 + mel
    v = p + "xvector."
    x = bn(
        v + "tdnn.nonlinear.batchnorm",
        F.conv1d(x, w[v + "tdnn.linear.weight"], stride=2, padding=2),
    )
    for bi, (nl, dil) in enumerate(zip(c["layers"], c["dilations"]), 1):
        for j in range(1, nl + 1):
            q = v + "block%d.tdnnd%d." % (bi, j)
            y = F.conv1d(bn(q + "nonlinear1.batchnorm", x), w[q + "linear1.weight"])
            y = bn(q + "nonlinear2.batchnorm", y)
            loc = F.conv1d(y, w[q + "cam_layer.linear_local.weight"], padding=dil, dilation=dil)
            T = y.shape[-1]
            seg = torch.cat(
                [
                    y[..., a : a + 100].mean(-1, keepdim=True).expand(-1, -1, min(100, T - a))
                    for a in range(0, T, 100)
                ],
                -1,
            )
            ctx = y.mean(-1, keepdim=True) + seg
            ctx = F.relu(w.conv(q + "cam_layer.linear1", ctx))
            x = torch.cat([x, loc * torch.sigmoid(w.conv(q + "cam_layer.linear2", ctx))], 1)
        q = v + "transit%d." % bi
        x = F.conv1d(bn(q + "nonlinear.batchnorm", x), w[q + "linear.weight"])
    x = bn(v + "out_nonlinear.batchnorm", x)
    st = torch.cat([x.mean(-1), x.std(-1, unbiased=True)], 1)
    y = st @ w[v + "dense.linear.weight"][:, :, 0].T
    return bn(v + "dense.nonlinear.batchnorm", y, False)[0]


def voice_enc(w, parts):
    Hn = w["lstm.weight_hh_l0"].shape[1]
    x = parts
    for l in range(3):
        wi, wh = w["lstm.weight_ih_l%d" % l], w["lstm.weight_hh_l%d" % l]
        b = w["lstm.bias_ih_l%d" % l] + w["lstm.bias_hh_l%d" % l]
        h = c = torch.zeros(x.shape[0], Hn)
        out = []
        for t in range(x.shape[1]):
            i, f, g, o = (x[:, t] @ wi.T + h @ wh.T + b).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            out.append(h)
        x = torch.stack(out, 1)
    e = F.relu(w.lin("proj", x[:, -1]))
    return e / e.norm(dim=1, keepdim=True)


def ve_windows(mel):
    step, win = 77, 160  # round((16000/1.3)/160)
    n, rem = divmod(max(len(mel) - win + step, 0), step)
    if n == 0 or (rem + (win - step)) / win >= 0.8:
        n += 1
    need = win + step * (n - 1)
    if need > len(mel):
        mel = torch.cat([mel, torch.zeros(need - len(mel), mel.shape[1])])
    return torch.stack([mel[i * step : i * step + win] for i in range(n)])


def librosa_trim(y, top_db=20):
    """RMS over 2048-sample frames, hop 512, zero-padded centre; keep frames above max-20 dB."""
    x = np.pad(y.astype(np.float64), 1024)
    n = 1 + (len(x) - 2048) // 512
    ms = np.array([np.mean(x[i * 512 : i * 512 + 2048] ** 2) for i in range(n)])
    db = 10 * np.log10(np.maximum(1e-10, ms)) - 10 * np.log10(max(1e-10, ms.max()))
    nz = np.nonzero(db > -top_db)[0]
    return int(nz[0] * 512), int(min(len(y), (nz[-1] + 1) * 512))


def lufs(x, sr):
    from scipy.signal import lfilter

    for kind, gdb, q, fc in (("shelf", 4.0, 1 / math.sqrt(2), 1500.0), ("hp", 0.0, 0.5, 38.0)):
        A, w0 = 10 ** (gdb / 40), 2 * math.pi * fc / sr
        al, c = math.sin(w0) / (2 * q), math.cos(w0)
        if kind == "shelf":
            r = 2 * math.sqrt(A) * al
            b = [
                A * ((A + 1) + (A - 1) * c + r),
                -2 * A * ((A - 1) + (A + 1) * c),
                A * ((A + 1) + (A - 1) * c - r),
            ]
            a = [(A + 1) - (A - 1) * c + r, 2 * ((A - 1) - (A + 1) * c), (A + 1) - (A - 1) * c - r]
        else:
            b, a = [(1 + c) / 2, -(1 + c), (1 + c) / 2], [1 + al, -2 * c, 1 - al]
        x = lfilter(np.array(b) / a[0], np.array(a) / a[0], x)
    n = int(np.round((len(x) / sr - 0.4) / 0.1)) + 1
    z = np.array(
        [
            np.sum(x[int(0.4 * (j * 0.25) * sr) : int(0.4 * (j * 0.25 + 1) * sr)] ** 2) / (0.4 * sr)
            for j in range(n)
        ]
    )
    db = -0.691 + 10 * np.log10(np.maximum(z, 1e-300))
    rel = -0.691 + 10 * np.log10(z[db >= -70].mean()) - 10
    return -0.691 + 10 * np.log10(z[(db > rel) & (db > -70)].mean())


def check_voice(ck, G, dims):
    w = W(load_file(os.path.join(ck, okit.S3GEN_FILE[dims["family"]])))
    v = W(load_file(os.path.join(ck, "ve.safetensors")))
    x24 = G["voice.in.wav24_i16"].float() / 32768
    if "voice.loudness_lufs" in G:
        L = lufs(x24.double().numpy(), 24000)
        close(
            "V0",
            "turbo: BS.1770 loudness (RBJ K-weighting at 24 kHz, 400 ms blocks, 75% overlap, gates -70 / -10)",
            L,
            G["voice.loudness_lufs"][0],
            1e-5,
        )
        gain = 10 ** ((-27 - float(G["voice.loudness_lufs"])) / 20)
        close(
            "V0b",
            "turbo: gain to -27 LUFS, applied before everything",
            gain,
            G["voice.wav24_normed_gain"][0],
            1e-4,
        )
        x24 = x24 * gain
    close("V1", "24 kHz prompt mel", mel24k(x24).T, G["voice.gen.prompt_feat"], 2e-4)
    x16 = G["voice.wav16_torchaudio"]
    lm = s3_logmel(x16)
    close(
        "V2",
        "S3 log-mel (power, log10, max-8 over the whole clip, last frame dropped)",
        lm,
        G["voice.tok.logmel"],
        1e-4,
    )
    pre, tok = s3tok(w, dims, G["voice.tok.logmel"])
    close("V3", "S3 tokenizer pre-FSQ", pre, G["voice.tok.pre_fsq"].view(pre.shape), 1e-4)
    report(
        "V4",
        "FSQ: round(tanh*0.999)+1, base 3, dimension 0 least significant",
        torch.equal(tok[: len(G["voice.gen.prompt_token"])], G["voice.gen.prompt_token"].long()),
    )
    fb = kaldi_fbank(x16)
    close("V5", "Kaldi fbank", fb, G["voice.xvec.fbank"], 3e-4)
    close(
        "V6",
        "x-vector features: mean over time removed",
        (fb - fb.mean(0)).T,
        G["voice.xvec.feat"][0],
        3e-4,
    )
    close(
        "V7",
        "CAMPPlus",
        campplus(w, dims, G["voice.xvec.feat"][0].T),
        G["voice.gen.embedding"][0],
        1e-4,
    )
    l16 = G["voice.wav16_librosa"].numpy()
    a, b = librosa_trim(l16)
    report(
        "V8",
        "VE trim (librosa.effects.trim, 20 dB)",
        [a, b] == G["voice.ve.trim"].tolist(),
        str([a, b]),
    )
    x = F.pad(torch.from_numpy(l16[a:b])[None, None], (200, 200), mode="reflect")[0, 0]
    m = (mel_filters(16000, 400, 40, 0, 8000) @ power_spec(x, 400, 160) ** 2).T
    close("V9", "VE mel: power spectrum, NO log", m, G["voice.ve.mel"], 1e-4)
    e = voice_enc(v, ve_windows(m))
    close("V10", "VE embedding", F.normalize(e.mean(0), dim=0), G["voice.ve.out"][0], 1e-4)
    p = ve_windows(G["voice.ve_multi.mel"])
    e = voice_enc(v, p)
    close(
        "V11",
        "VE windows: 160 frames, step 77, last kept if coverage >= 0.8",
        e,
        G["voice.ve_multi.partial_embeds"],
        1e-4,
    )
    close(
        "V12",
        "VE: mean of unit vectors, then L2 again",
        F.normalize(e.mean(0), dim=0),
        G["voice.ve_multi.out"][0],
        1e-4,
    )
    nm, nt = int(G["voice.odd.n_mel"]), int(G["voice.odd.n_token_untrimmed"])
    report(
        "V13",
        "odd mel count: tokens cut to mel//2, mel NOT cut, output one frame short",
        nm % 2 == 1
        and len(G["voice.odd.prompt_token"]) == nm // 2
        and nt == nm // 2 + 1
        and int(G["voice.odd.out_mel_frames_for_5_tokens"]) == 9,
    )
    if "resample.in" not in G:
        return
    # torchaudio 24k -> 16k
    o, n = 3, 2
    base = min(o, n) * 0.99
    width = math.ceil(6 * o / base)
    idx = torch.arange(-width, width + o).double()[None] / o
    t = ((torch.arange(0, -n, -1).double()[:, None] / n) + idx) * base
    t = t.clamp(-6, 6)
    win = torch.cos(t * math.pi / 6 / 2) ** 2
    k = (
        torch.where(t == 0, torch.ones_like(t), torch.sin(t * math.pi) / (t * math.pi))
        * win
        * base
        / o
    )
    xi = F.pad(G["resample.in"], (width, width + o))
    y = F.conv1d(xi[None, None], k.float()[:, None], stride=o)[0].T.reshape(-1)[
        : math.ceil(2 * len(G["resample.in"]) / 3)
    ]
    close(
        "V14",
        "torchaudio resampler (sinc, hann window, width 6, rolloff 0.99)",
        y,
        G["resample.torchaudio.24000_16000"],
        1e-5,
    )
