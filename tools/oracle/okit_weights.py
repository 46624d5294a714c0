"""Deterministic random weights and a synthetic reference voice."""

import hashlib
import math

import numpy as np
import torch


def _gen(seed, name):
    h = hashlib.sha256(("%d|%s" % (seed, name)).encode()).digest()
    g = torch.Generator()
    g.manual_seed(int.from_bytes(h[:7], "little"))
    return g


def round_mantissa(t, bits):
    """Keep `bits` explicit mantissa bits (7 = bf16-exact; values stay f16-exact for 0.00007<|x|<65504)."""
    if not bits or not t.is_floating_point():
        return t
    i = t.float().contiguous().view(torch.int32)
    drop = 23 - bits
    i = (i + (1 << (drop - 1))) & ~((1 << drop) - 1)
    return i.view(torch.float32).clone()


def randomize(model, seed, tag):
    """Overwrite every floating tensor of `model` in place from (seed, name) alone."""
    norm_like = (torch.nn.LayerNorm, torch.nn.GroupNorm, torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)
    owner = {}
    for mname, mod in model.named_modules():
        for pname, _ in list(mod.named_parameters(recurse=False)) + list(
            mod.named_buffers(recurse=False)
        ):
            owner[(mname + "." if mname else "") + pname] = (mod, pname)
    sd = model.state_dict()
    for name, t in sd.items():
        if not t.is_floating_point() or name.endswith(("_mel_filters", "tokenizer.window")):
            continue
        g = _gen(seed, tag + name)
        mod, p = owner[name]
        cls = type(mod).__name__
        n = lambda: torch.randn(t.shape, generator=g)
        if p == "running_var":
            v = torch.exp(0.2 * n())
        elif p == "running_mean":
            v = 0.1 * n()
        elif isinstance(mod, norm_like) or "RMSNorm" in cls or cls == "LayerNorm":
            v = 1 + 0.1 * n() if p == "weight" else 0.05 * n()
        elif p == "alpha" and cls == "Snake":
            v = torch.exp(0.3 * n())
        elif p in ("pos_bias_u", "pos_bias_v"):
            v = 0.3 * n()
        elif p == "pre_attention_query":
            v = n()
        elif p.startswith(("weight_ih", "weight_hh", "bias_ih", "bias_hh")):
            v = n() * (1.2 / math.sqrt(t.shape[-1]) if "weight" in p else 0.1)
        elif p == "similarity_weight":
            v = torch.tensor([10.0])
        elif p == "similarity_bias":
            v = torch.tensor([-5.0])
        elif p == "original1" or (p == "weight" and t.ndim >= 3):  # conv weights / weight_norm v
            v = n() * (1.0 / math.sqrt(t[0].numel()))
        elif p == "original0":  # weight_norm g, set below from v
            v = None
        elif cls == "Embedding":
            v = n() * (0.3 if "pos_emb" in name or "wpe" in name else 0.6)
        elif p == "weight" and t.ndim == 2:
            fan_in = t.shape[0] if cls == "Conv1D" else t.shape[1]  # HF Conv1D is (in, out)
            v = n() * (0.9 / math.sqrt(fan_in))
        elif p == "bias":
            v = 0.05 * n()
        else:
            raise RuntimeError("no rule for %s (%s)" % (name, cls))
        if v is not None:
            t.copy_(v)
    for name, t in sd.items():
        if name.endswith("original0"):
            v = sd[name[:-1] + "1"]
            nrm = v.flatten(1).norm(dim=1)
            g = _gen(seed, tag + name)
            t.copy_((nrm * torch.exp(0.15 * torch.randn(nrm.shape, generator=g))).view(t.shape))
    return model


def apply_rounding(model, bits):
    if bits:
        for name, t in model.state_dict().items():
            if t.is_floating_point() and not name.endswith(("_mel_filters", "tokenizer.window")):
                t.copy_(round_mantissa(t, bits))


def synth_voice(seconds, sr=24000, seed=0):
    """A vowel-ish signal with pauses and quiet ends (so that trimming has work to do)."""
    rng = np.random.RandomState(1000 + seed)
    n = int(round(seconds * sr))
    t = np.arange(n) / sr
    f0 = (
        120
        + 25 * np.sin(2 * np.pi * (0.7 + 0.3 * rng.rand()) * t)
        + 15 * np.sin(2 * np.pi * 2.3 * t + rng.rand())
    )
    ph = 2 * np.pi * np.cumsum(f0) / sr
    form = [
        500 + 200 * np.sin(2 * np.pi * 1.9 * t),
        1500 + 400 * np.sin(2 * np.pi * 1.3 * t + 1),
        2500 + 0 * t,
    ]
    y = np.zeros(n)
    for k in range(1, 40):
        fk = k * f0
        a = sum(np.exp(-(((fk - c) / w) ** 2)) for c, w in zip(form, (150, 250, 400))) / k**0.3
        y += a * np.sin(k * ph) * (fk < 0.45 * sr)
    env = np.clip(np.sin(2 * np.pi * 2.1 * t + 0.5) * 1.5 + 0.6, 0, 1)
    env *= np.clip((t - 0.08) / 0.03, 0, 1) * np.clip((seconds - 0.12 - t) / 0.05, 0, 1)
    y = y * env + 0.004 * rng.randn(n) * (0.05 + env)
    y = 0.6 * y / np.abs(y).max()
    return (np.round(y * 32767) / 32768.0).astype(np.float32)
