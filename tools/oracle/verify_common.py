"""What the fact checks share: the report, raw checkpoint tensors, attention."""

import math

import torch
import torch.nn.functional as F

FAILS = []


def report(fid, text, ok, extra=""):
    print("%s %-4s %s%s" % ("PASS" if ok else "FAIL", fid, text, (" | " + extra) if extra else ""))
    if not ok:
        FAILS.append(fid)


def close(fid, text, a, b, tol=2e-5):
    a, b = torch.as_tensor(a).float(), torch.as_tensor(b).float()
    if a.shape != b.shape:
        return report(fid, text, False, "shape %s vs %s" % (tuple(a.shape), tuple(b.shape)))
    d = (a - b).abs().max().item()
    s = max(1.0, b.abs().max().item())
    report(fid, text, d <= tol * s, "max|d|=%.2g of %.3g" % (d, s))


class W(dict):
    def lin(self, p, x):
        y = x @ self[p + ".weight"].T
        return y + self[p + ".bias"] if p + ".bias" in self else y

    def ln(self, p, x, eps):
        m = x.mean(-1, keepdim=True)
        v = ((x - m) ** 2).mean(-1, keepdim=True)
        return (x - m) / torch.sqrt(v + eps) * self[p + ".weight"] + self[p + ".bias"]

    def wn(self, p):
        """weight_norm, dim 0: g * v / ||v|| over all dims but the first (ConvTranspose1d: first = INPUT channels)."""
        g, v = (
            self[p + ".parametrizations.weight.original0"],
            self[p + ".parametrizations.weight.original1"],
        )
        return v * (g / v.flatten(1).norm(dim=1).view(-1, 1, 1))

    def conv(self, p, x, **k):
        w = self[p + ".weight"] if p + ".weight" in self else self.wn(p)
        return F.conv1d(x, w, self.get(p + ".bias"), **k)


def softmax_attn(q, k, v, heads, scale, causal=False, extra=None):
    T, S = q.shape[0], k.shape[0]
    sp = lambda x: x.view(x.shape[0], heads, -1).transpose(0, 1)
    s = sp(q) @ sp(k).transpose(1, 2)
    if extra is not None:
        s = s + extra
    s = s * scale
    if causal:
        s = s.masked_fill(torch.ones(T, S).tril(S - T) == 0, -math.inf)
    return (s.softmax(-1) @ sp(v)).transpose(0, 1).reshape(T, -1)
