"""Collecting tensors for a golden file."""

import json
import struct

import numpy as np
import torch
from safetensors.torch import save


class Dump(dict):
    def put(self, key, v):
        if isinstance(v, str):
            v = (
                torch.frombuffer(bytearray(v.encode("utf-8") or b"\0"), dtype=torch.uint8)
                if v
                else torch.zeros(0, dtype=torch.uint8)
            )
        if isinstance(v, (int, np.integer)):
            v = torch.tensor([int(v)], dtype=torch.int32)
        if isinstance(v, (float, np.floating)):
            v = torch.tensor([float(v)], dtype=torch.float32)
        if isinstance(v, np.ndarray):
            v = torch.from_numpy(np.ascontiguousarray(v))
        if isinstance(v, (list, tuple)):
            v = torch.tensor(v)
        if v.dtype == torch.bool or v.dtype == torch.int64:
            v = v.to(torch.int32)
        if v.dtype == torch.float64:
            v = v.float()
        assert key not in self, key
        self[key] = v.detach().clone().contiguous()


class Tap:
    """Forward hooks: tap.out('key', module) records the first output, tap.inp the first input."""

    def __init__(self, d):
        self.d, self.h = d, []

    @staticmethod
    def _first(x):
        while isinstance(x, (tuple, list)):
            x = x[0]
        return x

    def out(self, key, mod, tf=lambda t: t):
        def hook(m, i, o):
            if key not in self.d:
                self.d.put(key, tf(self._first(o)))

        self.h.append(mod.register_forward_hook(hook))

    def inp(self, key, mod, tf=lambda t: t):
        def hook(m, i, kw):
            x = self._first(i) if i else kw.get("hidden_states")
            if key not in self.d:
                self.d.put(key, tf(x))

        self.h.append(mod.register_forward_pre_hook(hook, with_kwargs=True))

    def close(self):
        for h in self.h:
            h.remove()


def write(path, tensors, metadata):
    """save_file, but the same tensors always give the same bytes (it shuffles the metadata)."""
    blob = save(tensors, metadata)
    (n,) = struct.unpack("<Q", blob[:8])
    header = json.dumps(json.loads(blob[8 : 8 + n]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(header)) + header + blob[8 + n :])
