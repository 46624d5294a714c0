"""Facts F* and H*: flow encoder, flow matching, HiFT vocoder."""

import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import okit
from verify_common import W, close, report, softmax_attn


def rel_pos(T, d):
    """row r of the (2T-1) table encodes relative position T-1-r (query index - key index)."""
    pos = torch.arange(T - 1, -T, -1).float()[:, None]
    div = torch.exp(torch.arange(0, d, 2).float() * -(math.log(10000.0) / d))
    out = torch.zeros(2 * T - 1, d)
    out[:, 0::2], out[:, 1::2] = torch.sin(pos * div), torch.cos(pos * div)
    return out


def conformer(w, p, x, heads, pe):
    T, d = x.shape
    hd = d // heads
    h = w.ln(p + "norm_mha", x, 1e-12)
    q, k, v = (w.lin(p + "self_attn.linear_" + n, h) for n in "qkv")
    pp = w.lin(p + "self_attn.linear_pos", pe).view(-1, heads, hd)
    u, vb = w[p + "self_attn.pos_bias_u"], w[p + "self_attn.pos_bias_v"]
    qh = q.view(T, heads, hd)
    idx = (
        (T - 1) - torch.arange(T)[:, None] + torch.arange(T)[None]
    )  # row index for key j seen from query i
    bd = torch.einsum("ihd,ijhd->hij", qh + vb, pp[idx])
    ac = torch.einsum("ihd,jhd->hij", qh + u, k.view(T, heads, hd))
    a = ((ac + bd) / math.sqrt(hd)).softmax(-1)
    x = x + w.lin(
        p + "self_attn.linear_out",
        torch.einsum("hij,jhd->ihd", a, v.view(T, heads, hd)).reshape(T, d),
    )
    h = w.lin(p + "feed_forward.w_1", w.ln(p + "norm_ff", x, 1e-12))
    return x + w.lin(p + "feed_forward.w_2", h * torch.sigmoid(h)), bd


def encoder(w, dims, toks):
    f = dims["flow"]
    p, d, H = "flow.encoder.", f["encoder_dim"], f["encoder_heads"]
    x = w["flow.input_embedding.weight"][toks]
    st = {}
    emb = lambda n, x: w.ln(p + n + ".out.1", w.lin(p + n + ".out.0", x), 1e-5) * math.sqrt(d)
    x = emb("embed", x)
    h = F.leaky_relu(w.conv(p + "pre_lookahead_layer.conv1", F.pad(x.T[None], (0, 3))), 0.01)
    x = x + w.conv(p + "pre_lookahead_layer.conv2", F.pad(h, (2, 0)))[0].T
    st["lookahead"] = x
    for i in range(f["num_blocks"]):
        x, bd = conformer(w, p + "encoders.%d." % i, x, H, rel_pos(len(x), d))
        if i == 0:
            st["bd"], st["block0"] = bd, x
    x = w.conv(p + "up_layer.conv", F.pad(x.T[None].repeat_interleave(2, -1), (4, 0)))[0].T
    st["up"] = x
    x = emb("up_embed", x)
    for i in range(f["num_up_blocks"]):
        x, _ = conformer(w, p + "up_encoders.%d." % i, x, H, rel_pos(len(x), d))
    x = w.ln(p + "after_norm", x, 1e-5)
    st["h"] = x
    return w.lin("flow.encoder_proj", x), st


def mish(x):
    return x * torch.tanh(F.softplus(x))


def estimator(w, dims, x, mu, spk, cond, t, r=None):
    """x, mu, cond (80,T); returns dphi (80,T). Mask is all ones at inference."""
    c = dims["cfm"]
    p = "flow.decoder.estimator."
    T = x.shape[1]

    def temb(v):
        half = c["in_channels"] // 2
        e = torch.exp(torch.arange(half).float() * -(math.log(10000) / (half - 1))) * 1000 * v
        e = w.lin(p + "time_mlp.linear_1", torch.cat([e.sin(), e.cos()])[None])
        return w.lin(p + "time_mlp.linear_2", e * torch.sigmoid(e))

    te = temb(t)
    if r is not None:
        te = w.lin(p + "time_embed_mixer", torch.cat([te, temb(r)], 1))
    cconv = lambda n, y: w.conv(n, F.pad(y, (2, 0)))

    def block(n, y):
        return mish(w.ln(n + ".block.2", cconv(n + ".block.0", y).transpose(1, 2), 1e-5)).transpose(
            1, 2
        )

    def resnet(n, y):
        h = block(n + ".block1", y) + w.lin(n + ".mlp.1", mish(te))[:, :, None]
        return block(n + ".block2", h) + w.conv(n + ".res_conv", y)

    def tb(n, y):
        h = w.ln(n + ".norm1", y, 1e-5)
        q, k, v = (w.lin(n + ".attn1.to_" + s, h) for s in "qkv")
        y = y + w.lin(
            n + ".attn1.to_out.0",
            softmax_attn(q, k, v, c["num_heads"], c["attention_head_dim"] ** -0.5),
        )
        h = w.lin(n + ".ff.net.0.proj", w.ln(n + ".norm3", y, 1e-5))
        h = 0.5 * h * (1 + torch.erf(h / math.sqrt(2)))
        return y + w.lin(n + ".ff.net.2", h)

    def stack(n, y):
        y = resnet(n + ".0", y)[0].T
        for j in range(c["n_blocks"]):
            y = tb(n + ".1.%d" % j, y)
        return y.T[None]

    y = torch.cat([x, mu, spk[:, None].expand(-1, T), cond])[None]
    y = stack(p + "down_blocks.0", y)
    skip = y
    y = cconv(p + "down_blocks.0.2", y)
    for i in range(c["num_mid_blocks"]):
        y = stack(p + "mid_blocks.%d" % i, y)
    y = stack(p + "up_blocks.0", torch.cat([y, skip], 1))
    y = cconv(p + "up_blocks.0.2", y)
    return w.conv(p + "final_proj", block(p + "final_block", y))[0]


def snake(x, a):
    return x + torch.sin(a[:, None] * x) ** 2 / (a[:, None] + 1e-9)


def resblock(w, p, x, k):
    for i, d in enumerate((1, 3, 5)):
        h = w.conv(
            p + "convs1.%d" % i,
            snake(x, w[p + "activations1.%d.alpha" % i]),
            dilation=d,
            padding=(k - 1) * d // 2,
        )
        x = x + w.conv(
            p + "convs2.%d" % i, snake(h, w[p + "activations2.%d.alpha" % i]), padding=(k - 1) // 2
        )
    return x


def source(w, f0, phase, noise):
    """f0 (frames,), phase (9,), noise (9,samples) -> (samples,)"""
    n = f0.repeat_interleave(480)
    h = torch.arange(1, 10).float()[:, None]
    cyc = (
        torch.cumsum((n[None] * h / 24000).double(), 1).float() % 1
    )  # fp64 running sum, rounded to fp32 each sample
    ph = phase.clone()
    ph[0] = 0
    uv = (n > 10).float()
    amp = uv * 0.003 + (1 - uv) * 0.1 / 3
    s = 0.1 * torch.sin(2 * np.pi * cyc + ph[:, None]) * uv + amp * noise
    p = "mel2wav.m_source.l_linear"
    return torch.tanh(s.T @ w[p + ".weight"].T + w[p + ".bias"])[:, 0]


def hann(n):
    return 0.5 - 0.5 * torch.cos(2 * math.pi * torch.arange(n).double() / n).float()


def frames(x, n, hop):
    return x.unfold(-1, n, hop)


def f0_predict(w, mel):
    x = mel[None]
    for i in range(0, 10, 2):
        x = F.elu(w.conv("mel2wav.f0_predictor.condnet.%d" % i, x, padding=1))
    return w.lin("mel2wav.f0_predictor.classifier", x[0].T)[:, 0].abs()


def hift(w, mel, src):
    p = "mel2wav."
    x = F.pad(src[None, None], (8, 8), mode="reflect")[0, 0]
    sp = torch.fft.rfft(frames(x, 16, 4) * hann(16), dim=-1).T  # (9, frames)
    st = torch.cat([sp.real, sp.imag])[None]
    x = w.conv(p + "conv_pre", mel[None], padding=3)
    for i, (u, k) in enumerate(((8, 16), (5, 11), (3, 7))):
        x = F.conv_transpose1d(
            F.leaky_relu(x, 0.1),
            w.wn(p + "ups.%d" % i),
            w[p + "ups.%d.bias" % i],
            stride=u,
            padding=(k - u) // 2,
        )
        if i == 2:
            x = torch.cat([x[:, :, 1:2], x], 2)
        dn = (15, 3, 1)[i]
        si = w.conv(p + "source_downs.%d" % i, st, stride=dn, padding=dn // 2 if dn > 1 else 0)
        x = x + resblock(w, p + "source_resblocks.%d." % i, si, (7, 7, 11)[i])
        x = (
            sum(
                resblock(w, p + "resblocks.%d." % (3 * i + j), x, kk)
                for j, kk in enumerate((3, 7, 11))
            )
            / 3
        )
    x = w.conv(p + "conv_post", F.leaky_relu(x, 0.01), padding=3)[0]
    mag = torch.exp(x[:9]).clamp(max=100.0)
    ph = torch.sin(x[9:])
    fr = torch.fft.irfft(torch.complex(mag * ph.cos(), mag * ph.sin()).T, n=16) * hann(16)
    L = 4 * (fr.shape[0] - 1) + 16
    out, den = torch.zeros(L), torch.zeros(L)
    for i in range(fr.shape[0]):
        out[4 * i : 4 * i + 16] += fr[i]
        den[4 * i : 4 * i + 16] += hann(16) ** 2
    return (out[8 : L - 8] / den[8 : L - 8]).clamp(-0.99, 0.99)


def trim_fade():
    n = 480
    return torch.cat([torch.zeros(n), (torch.cos(torch.linspace(math.pi, 0, n)) + 1) / 2])


def check_s3gen(ck, G, dims, meanflow, pre=""):
    fam = dims["family"]
    w = W(load_file(os.path.join(ck, okit.S3GEN_FILE[fam])))
    g = lambda k: G[pre + k]
    e = g("flow.in.embedding")[0]
    spk = w.lin("flow.spk_embed_affine_layer", (e / e.norm())[None])[0]
    close(pre + "F1", "speaker vector: L2 norm, then affine", spk, g("flow.cfm.spks"))
    toks = torch.cat([g("flow.in.prompt_token"), g("flow.in.tokens")]).long()
    mu, st = encoder(w, dims, toks)
    if not pre:
        T = len(toks)
        close(
            "F2",
            "relative position table orientation (row 0 = +T-1)",
            rel_pos(T, dims["flow"]["encoder_dim"]),
            g("flow.enc.block0.pos_emb")[0],
            1e-5,
        )
        close(
            "F3",
            "rel_shift: bd[i,j] = (q_i+v) . p[T-1-i+j]",
            st["bd"],
            g("flow.enc.block0.bd_after_shift")[0],
        )
        close(
            "F4",
            "lookahead conv: right pad 3, leaky 0.01, left pad 2, residual",
            st["lookahead"],
            g("flow.enc.pre_lookahead")[0],
        )
        close(
            "F5",
            "conformer block (LN eps 1e-12, swish, no conv module)",
            st["block0"],
            g("flow.enc.block0.out")[0],
        )
        close("F6", "up layer: nearest x2, left pad 4, conv 5", st["up"], g("flow.enc.up_layer")[0])
        close("F7", "encoder h", st["h"], g("flow.enc.h")[0])
        close("F8", "mu as the encoder gives it", mu, g("flow.mu")[0])
    close(pre + "F8", "mu", mu.T, g("flow.cfm.mu"))
    nf = g("flow.in.prompt_feat").shape[0]
    cond = torch.zeros(80, mu.shape[0])
    cond[:, :nf] = g("flow.in.prompt_feat").T
    close(pre + "F9", "cond = prompt mel then zeros", cond, g("flow.cfm.cond"))
    n = 2 if meanflow else 10
    ts = torch.linspace(0, 1, n + 1)
    if not meanflow:
        ts = 1 - torch.cos(ts * 0.5 * math.pi)
    close(
        pre + "F10",
        "time grid: %s" % ("linear" if meanflow else "1-cos(t pi/2)"),
        ts[:-1],
        g("flow.cfm.t"),
        1e-6,
    )
    x, muT = g("flow.cfm.z"), mu.T
    for i in range(n):
        if meanflow:
            d = estimator(w, dims, x, muT, spk, cond, ts[i], ts[i + 1])
        else:
            z80 = torch.zeros(80)
            c = estimator(w, dims, x, muT, spk, cond, ts[i])
            u = estimator(w, dims, x, muT * 0, z80, cond * 0, ts[i])
            d = 1.7 * c - 0.7 * u
            if i == 0 and not pre:
                close("F11", "estimator (cond row)", c, g("flow.cfm.step0.dphi_cond"))
                close(
                    "F12",
                    "estimator (uncond row: mu, spk, cond all zero)",
                    u,
                    g("flow.cfm.step0.dphi_uncond"),
                )
        if i == 0 and meanflow and not pre:
            close(
                "F11", "estimator with mixed (t, r) embedding, no CFG", d, g("flow.cfm.step0.dphi")
            )
        x = x + (ts[i + 1] - ts[i]) * d
    close(
        pre + "F13", "final mel (Euler, prompt frames cut off)", x[:, nf:], g("flow.out_mel"), 1e-4
    )
    mel = g("flow.out_mel")
    f0 = f0_predict(w, mel)
    close(pre + "H1", "f0 = |classifier(ELU convs)|", f0, g("hift.f0")[0], 1e-4)
    s = source(w, f0, g("hift.in.phase"), g("hift.in.noise"))
    close(pre + "H2", "harmonic source", s, g("hift.source"), 2e-3)
    y = hift(w, mel, g("hift.source"))
    if pre + "hift.wav_nofade" in G:
        close(pre + "H3", "HiFT waveform before the fade", y, g("hift.wav_nofade"), 1e-4)
        close(
            pre + "H4",
            "trim fade: 480 zeros then (cos(pi..0)+1)/2 over 480",
            trim_fade(),
            g("hift.trim_fade"),
            1e-6,
        )
    y[:960] *= trim_fade()
    close(pre + "H5", "waveform", y, g("hift.wav"), 1e-4)
    if "source.out" in G and not pre:
        s = source(w, G["source.in.f0"], G["source.in.phase"], G["source.in.noise"])
        close("H6", "source on a given f0 (gate is f0 > 10, strict)", s, G["source.out"], 1e-4)
        report(
            "H7",
            "f0 = 10.0 exactly is unvoiced",
            G["source.uv_per_frame"].view(-1).tolist() == [0, 1, 0, 1, 1, 1],
        )
        n = int(G["source.long.n"])
        step = torch.full((1,), 210.37) * torch.arange(1, 10).float() / 24000
        sum64 = torch.arange(n - 479, n + 1).double()[None] * step.double()[:, None]
        a = 0.1 * torch.sin(2 * np.pi * (sum64.float() % 1))
        b = 0.1 * torch.sin(2 * np.pi * (sum64 % 1)).float()
        r32 = np.stack(
            [np.cumsum(np.full(n, float(s), np.float32), dtype=np.float32)[-480:] for s in step]
        )
        c = 0.1 * torch.sin(2 * np.pi * (torch.from_numpy(r32) % 1))
        ref = G["source.long.sines_last_480"]
        da, db, dc = ((v - ref).abs().max().item() for v in (a, b, c))
        report(
            "H8",
            "phase sum: fp64 accumulate, fp32 result, then mod 1 (12 s, harmonic 9)",
            da < 1e-4 and dc > 10 * da,
            "fp64->fp32->mod %.2g, exact fp64 %.2g, fp32 running sum %.2g (amplitude 0.1)"
            % (da, db, dc),
        )
