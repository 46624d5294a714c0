"""Facts T* and S*: the language model and its sampler."""

import math
import os

import torch
from safetensors.torch import load_file

import okit
from verify_common import W, close, report, softmax_attn


def llama_inv_freq(hd, rope):
    out = []
    for i in range(0, hd, 2):
        f = rope["theta"] ** (-i / hd)
        wl = 2 * math.pi / f
        lo, hi, n = (
            rope["low_freq_factor"],
            rope["high_freq_factor"],
            rope["original_max_position_embeddings"],
        )
        if wl > n / lo:
            f = f / rope["factor"]
        elif wl >= n / hi:
            s = (n / wl - lo) / (hi - lo)
            f = (1 - s) * f / rope["factor"] + s * f
        out.append(f)
    return torch.tensor(out)


def llama(w, dims, x):
    t = dims["t3"]
    H = t["num_heads"]
    hd = t["hidden_size"] // H
    rms = lambda p, x: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5) * w[p + ".weight"]
    ang = torch.outer(torch.arange(x.shape[0]).float(), llama_inv_freq(hd, t["rope"]))
    cos, sin = torch.cat([ang, ang], 1).cos(), torch.cat([ang, ang], 1).sin()

    def rot(y):
        y = y.view(-1, H, hd)
        r = torch.cat([-y[..., hd // 2 :], y[..., : hd // 2]], -1)
        return (y * cos[:, None] + r * sin[:, None]).reshape(y.shape[0], -1)

    for i in range(t["num_layers"]):
        p = "tfmr.layers.%d." % i
        h = rms(p + "input_layernorm", x)
        q, k, v = (w.lin(p + "self_attn.%s_proj" % n, h) for n in "qkv")
        x = x + w.lin(p + "self_attn.o_proj", softmax_attn(rot(q), rot(k), v, H, hd**-0.5, True))
        h = rms(p + "post_attention_layernorm", x)
        g = w.lin(p + "mlp.gate_proj", h)
        x = x + w.lin(p + "mlp.down_proj", g * torch.sigmoid(g) * w.lin(p + "mlp.up_proj", h))
    return rms("tfmr.norm", x)


def gpt2(w, dims, x):
    t = dims["t3"]
    H = t["num_heads"]
    x = x + w["tfmr.wpe.weight"][: x.shape[0]]
    c1 = lambda p, y: y @ w[p + ".weight"] + w[p + ".bias"]  # HF Conv1D: (in, out)
    gelu = lambda y: 0.5 * y * (1 + torch.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y**3)))
    for i in range(t["num_layers"]):
        p = "tfmr.h.%d." % i
        q, k, v = c1(p + "attn.c_attn", w.ln(p + "ln_1", x, 1e-5)).chunk(3, -1)
        x = x + c1(p + "attn.c_proj", softmax_attn(q, k, v, H, (x.shape[1] // H) ** -0.5, True))
        x = x + c1(p + "mlp.c_proj", gelu(c1(p + "mlp.c_fc", w.ln(p + "ln_2", x, 1e-5))))
    return w.ln("tfmr.ln_f", x, 1e-5)


def check_t3(ck, G, dims):
    fam = dims["family"]
    w = W(load_file(os.path.join(ck, okit.T3_FILE[fam])))
    t = dims["t3"]
    spk = w.lin("cond_enc.spkr_enc", G["t3.in.speaker_emb"])
    pt = G["t3.in.prompt_tokens"].long()
    se = w["speech_emb.weight"]
    ids = G["t3.in.text_ids"].long()
    forced = G["t3.in.forced_tokens"].long()
    steps = len([k for k in G if k.startswith("t3.step") and k.endswith("embed")])
    if t["backbone"] == "llama":
        sp, tp = w["speech_pos_emb.emb.weight"], w["text_pos_emb.emb.weight"]
        pe = se[pt] + sp[: len(pt)]
        close(
            "T1", "prompt emb = speech_emb + speech_pos_emb[0..n)", pe, G["t3.cond.prompt_emb"][0]
        )

        def block(x1, x2):
            a = "cond_enc.perceiver.attn."
            n1, n2 = w.ln(a + "norm", x1, 1e-5), w.ln(a + "norm", x2, 1e-5)
            h = softmax_attn(
                w.lin(a + "to_q", n1),
                w.lin(a + "to_k", n2),
                w.lin(a + "to_v", n2),
                t["perceiver_heads"],
                (x1.shape[1] // t["perceiver_heads"]) ** -0.5,
            )
            return x1 + w.lin(a + "proj_out", h)

        q = block(w["cond_enc.perceiver.pre_attention_query"][0], pe)
        close(
            "T2",
            "perceiver: one attention block used twice (cross, then self), shared norm",
            block(q, q),
            G["t3.cond.perceiver_out"][0],
        )
        emo = w.lin("cond_enc.emotion_adv_fc", G["t3.in.emotion"].view(1, 1))
        cond = torch.cat([spk, block(q, q), emo])
        close("T3", "cond = [speaker | perceiver queries | emotion]", cond, G["t3.cond.out"][0])
        bos = se[6561:6562] + sp[:1]
        te = w["text_emb.weight"][ids]
        row = lambda te: torch.cat([cond, te + tp[: len(ids)], bos, bos])
        close(
            "T4",
            "prefill row 0 = cond + text + start TWICE, both at speech position 0",
            row(te),
            G["t3.prefill.embeds"][0],
        )
        close(
            "T5",
            "CFG row 1: text embedding zeroed, text POSITION embedding and all else kept",
            row(te * 0),
            G["t3.prefill.embeds"][1],
        )
        rows, nxt = [row(te), row(te * 0)], lambda i: se[forced[i] : forced[i] + 1] + sp[
            i + 1 : i + 2
        ]
        close(
            "T6",
            "llama3-scaled RoPE inverse frequencies",
            llama_inv_freq(t["hidden_size"] // t["num_heads"], t["rope"]),
            G["t3.rope.inv_freq"],
            1e-6,
        )
        fwd, head = llama, w["speech_head.weight"]
        name = ("logits_cond", "logits_uncond")
        bias = 0
    else:
        cond = torch.cat([spk, se[pt]])
        close(
            "T3",
            "cond = [speaker | prompt token embeddings], no perceiver, no position, no emotion",
            cond,
            G["t3.cond.out"][0],
        )
        rows = [torch.cat([cond, w["text_emb.weight"][ids], se[6561:6562]])]
        close(
            "T4",
            "prefill = cond + text + ONE start token, no start/stop text tokens",
            rows[0],
            G["t3.prefill.embeds"][0],
        )
        nxt = lambda i: se[forced[i] : forced[i] + 1]
        fwd, head, bias = gpt2, w["speech_head.weight"], w["speech_head.bias"]
        name = ("logits",)
    for b, nm in enumerate(name):
        x = rows[b]
        ok = []
        for k in range(steps + 1):
            lg = fwd(w, dims, x)[-1] @ head.T + bias
            ref = G["t3.prefill." + nm] if k == 0 else G["t3.step%d.%s" % (k, nm)]
            ok.append((lg - ref).abs().max().item())
            if k < steps:
                x = torch.cat([x, nxt(k)])
        report(
            "T7" + nm[-1],
            "whole T3 forward from formulas, %s, %d steps" % (nm, steps + 1),
            max(ok) < 3e-4,
            "max|d|=%.2g" % max(ok),
        )
    # sampler
    for nm in ("default", "tight"):
        P = {k.split("param.")[1]: float(G[k]) for k in G if k.startswith("sample.%s.param." % nm)}
        hist = sorted(set(G["sample.%s.history" % nm].tolist()))

        def rep(x):
            x = x.clone()
            for i in hist:
                x[i] = (
                    x[i] * P["repetition_penalty"] if x[i] < 0 else x[i] / P["repetition_penalty"]
                )
            return x

        def topp(x, p):
            s, i = x.sort()
            drop = torch.cumsum(torch.softmax(s, 0), 0) <= 1 - p
            drop[-1] = False
            y = x.clone()
            y[i[drop]] = -math.inf
            return y

        if t["backbone"] == "llama":
            x = rep(G["sample.default.0_cfg"]) / P["temperature"]
            p = torch.softmax(x, 0)
            x = topp(torch.where(p < P["min_p"] * p.max(), torch.tensor(-math.inf), x), P["top_p"])
        else:
            x = G["sample.default.0_logits"] / P["temperature"]
            x = torch.where(x < torch.topk(x, int(P["top_k"]))[0][-1], torch.tensor(-math.inf), x)
            x = rep(topp(x, P["top_p"]))
        close(
            "S1" + nm[0],
            "sampler chain (%s): %s"
            % (
                nm,
                (
                    "cfg, rep, temp, min_p, top_p"
                    if t["backbone"] == "llama"
                    else "temp, top_k, top_p, rep"
                ),
            ),
            torch.softmax(x, 0),
            G["sample.%s.5_probs" % nm],
            1e-6,
        )
