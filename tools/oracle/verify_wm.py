"""Facts W*: the Perth watermark."""

import torch
import torch.nn.functional as F

import okit
from verify_s3gen import frames, hann
from verify_common import W, close, report


def check_wm(G):
    import perth

    with okit.quiet():
        net = perth.PerthImplicitWatermarker().perth_net
    w = W({k: v for k, v in net.encoder.state_dict().items()})
    d = W({k: v for k, v in net.decoder.state_dict().items()})
    report("W0", "subband = round(1025*2000/16000) = 128 bins", net.encoder.subband == 128)

    def mag(x):
        x = F.pad(x[None, None], (1024, 1024), mode="reflect")[0, 0]
        sp = torch.fft.rfft(frames(x, 2048, 320) * hann(2048), dim=-1).T
        return (20 * torch.log10(sp.abs().clamp(min=1e-9)) + 180) / 195, torch.angle(sp)

    m, ph = mag(G["wm.in32"])
    close(
        "W1",
        "normalised dB magnitude (20 log10(max(|X|,1e-9)) + 180) / 195",
        m[:128],
        G["wm.mag_subband"],
        1e-2,
    )
    s = m.sum(0)
    mask = (s > 0.05 * s.max()).float()
    report(
        "W2",
        "frame mask: sum over ALL 1025 bins > 5% of the largest frame; only digital silence drops out",
        torch.equal(mask, G["wm.mask"]) and 0 < mask.sum() < len(mask),
    )

    def layers(w, p, x):
        for i in range(7):
            k = w[p + "%d.conv.weight" % i]
            x = F.conv1d(x, k, w[p + "%d.conv.bias" % i], padding=(k.shape[-1] - 1) // 2)
            if i < 6:
                x = F.leaky_relu(x, 0.01)
        return x

    res = layers(w, "layers.", G["wm.mag_subband"][None])[0]
    close(
        "W3",
        "encoder: k1, five k7, k1 (leaky 0.01), residual before the mask",
        res,
        G["wm.residual_subband"],
        1e-4,
    )
    out = m.clone()
    out[:128] = G["wm.mag_subband"] + G["wm.residual_subband"] * mask
    close("W4", "marked magnitude", out[:128], G["wm.out_mag_subband"], 1e-5)
    lin = 10.0 ** ((out * 195 - 180) / 20).clamp(max=10)
    fr = torch.fft.irfft(torch.polar(lin, ph).T, n=2048) * hann(2048)
    L = 320 * (fr.shape[0] - 1) + 2048
    y, den = torch.zeros(L), torch.zeros(L)
    for i in range(fr.shape[0]):
        y[320 * i : 320 * i + 2048] += fr[i]
        den[320 * i : 320 * i + 2048] += hann(2048) ** 2
    y = (y / den.clamp(min=1e-11))[1024 : L - 1024]
    close(
        "W5", "inverse STFT with the ORIGINAL phase; length 320*(frames-1)", y, G["wm.out32"], 2e-3
    )

    def detect(x):
        m, _ = mag(x)
        s = m.sum(0)
        mk = (s > 0.05 * s.max()).float()[None, None]
        sub = m[None, :128]
        T = sub.shape[-1]
        wm, at = [], []
        for nm, n in (
            ("slow_layers.", int(T * 1.25)),
            ("normal_layers.", T),
            ("fast_layers.", int(T * 0.75)),
        ):
            z = sub if n == T else F.interpolate(sub, size=n, mode="linear", align_corners=True)
            o = layers(d, nm, z)
            k = F.interpolate(mk, size=n, mode="nearest")
            at.append((o[:, 0] * k[:, 0]).sum() / k.sum())
            wm.append((o[:, 1] * k[:, 0]).sum() / k.sum())
        return float((torch.stack(wm) * torch.stack(at).softmax(0)).sum().clamp(0, 1))

    a = detect(G["wm.out32"])
    report(
        "W6",
        "detector: 3 rates, channel 0 attention, channel 1 value",
        abs(a - float(G["wm.detect32_marked_raw"])) < 2e-3,
        "%.4f" % a,
    )
    report(
        "W7",
        "marked rounds to 1, clean to 0",
        float(G["wm.detect_marked"]) == 1 and float(G["wm.detect_clean"]) == 0,
    )
