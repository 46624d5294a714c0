#!/usr/bin/env python3
"""Time the PyTorch reference on random full-size weights (CPU). Prints one JSON line per run.

No checkpoint is needed: modules are filled in memory.  The reference has no streaming, so the
time to the first audio sample is the whole pipeline."""

import argparse
import json
import os
import platform
import statistics
import time


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument(
        "--family", choices=("original", "multilingual", "turbo", "nano"), required=True
    )
    ap.add_argument("--size", choices=("full", "tiny"), default="full")
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--kv", type=int, default=300, help="KV length around which T3 steps are timed")
    ap.add_argument("--steps", type=int, default=24, help="timed T3 steps")
    ap.add_argument(
        "--t3-prompt",
        type=int,
        default=None,
        help="T3 prompt tokens (default 150 / 375; with 375 a turbo or nano prefill is at least 380 long)",
    )
    ap.add_argument("--audio-seconds", type=float, default=5.0)
    ap.add_argument(
        "--prompt-seconds",
        type=float,
        default=10.0,
        help="reference voice inside S3Gen (built-in voices: 10 s)",
    )
    ap.add_argument("--cfm-steps", type=int, default=None)
    ap.add_argument("--repeat", type=int, default=1)
    ap.add_argument("--skip", default="", help="comma list of t3,s3gen,e2e,watermark")
    ap.add_argument(
        "--ckpt", default=None, help="use this checkpoint instead of in-memory random weights"
    )
    ap.add_argument(
        "--init",
        choices=("random", "fast"),
        default="random",
        help="fast: one small constant-range fill instead of per-tensor random numbers (timing only)",
    )
    a = ap.parse_args()
    os.environ["ORACLE_THREADS"] = str(a.threads)
    import torch
    import okit
    from golden_t3 import DEFAULTS, framed_ids, fresh_cond, run_t3
    import make_checkpoint as mk

    torch.set_num_threads(a.threads)
    skip = set(a.skip.split(","))
    fam = a.family
    turbo = fam in okit.TURBO_LIKE
    r = okit.import_reference()
    t0 = time.time()
    if a.ckpt:
        dims, M = okit.load_models(a.ckpt, ("t3", "s3gen"))
        t3, s3 = M["t3"], M["s3gen"]
    else:
        dims = okit.full_dims(fam) if a.size == "full" else okit.tiny_dims(fam)
        if dims["t3"]["text_vocab"] is None:
            dims["t3"]["text_vocab"] = 600
        with okit.no_init():
            t3, s3 = okit.build_t3(dims), okit.build_s3gen(dims)
        for m, tag in ((t3, "t3."), (s3, "s3gen.")):
            if a.init == "random":
                okit.randomize(m, 1, tag)
            else:
                for n, p in m.named_parameters():
                    (
                        p.copy_(torch.linspace(-0.02, 0.02, p.shape[-1]).expand(p.shape))
                        if p.ndim > 1
                        else p.fill_(0.01 if "norm" not in n else 1.0)
                    )
        mk.calibrate_t3(t3)
        mk.calibrate_s3gen(s3, 1)
        if turbo:
            del t3.tfmr.wte
    res = {
        "family": fam,
        "size": dims["size"],
        "reference": "snapshot" if r.is_snapshot else "chatterbox-tts " + r.chatterbox.__version__,
        "torch": torch.__version__,
        "threads": a.threads,
        "cpu": platform.processor() or platform.machine(),
        "load_s": round(time.time() - t0, 2),
    }
    g = torch.Generator().manual_seed(0)
    plen = a.t3_prompt or dims["t3"]["speech_cond_prompt_len"]
    cond_len = 1 + (plen if turbo else dims["t3"]["perceiver_queries"] + 1)

    class C:
        t3 = r.cond_enc.T3Cond(
            speaker_emb=torch.rand(1, dims["t3"]["speaker_embed_size"], generator=g),
            cond_prompt_speech_tokens=torch.randint(0, 6561, (1, plen), generator=g),
            emotion_adv=0.5 * torch.ones(1, 1, 1),
        )

    n_prompt = int(a.prompt_seconds * 25)
    ref = dict(
        prompt_token=torch.randint(0, 6561, (1, n_prompt), generator=g),
        prompt_token_len=torch.tensor([n_prompt]),
        prompt_feat=torch.randn(1, 2 * n_prompt, 80, generator=g) * 1.5 - 5,
        prompt_feat_len=None,
        embedding=torch.randn(1, dims["campplus"]["embedding"], generator=g),
    )

    def t3_run(n, n_text):
        lim = dims["t3"]["max_text_tokens"] or 10**9
        ids = torch.randint(3, 250, (1, max(1, min(n_text, lim))), generator=g)
        ids = framed_ids(fam, t3.hp, ids)
        stamps = []

        def pick(p, i):
            stamps.append(time.perf_counter())
            return torch.tensor([[(i * 37) % 6561]])

        s = time.perf_counter()
        run_t3(t3, fam, fresh_cond(C), ids, n, pick, **DEFAULTS[fam])
        end = time.perf_counter()
        d = [b - c for b, c in zip(stamps[1:], stamps)]
        return dict(
            total=end - s,
            prefill=stamps[0] - s,
            per=statistics.median(d),
            n_prefill=cond_len + ids.shape[1] + (1 if turbo else 2),
        )

    if "t3" not in skip:
        n_text = max(4, a.kv - cond_len - a.steps // 2 - 4)
        best = min((t3_run(a.steps + 1, n_text) for _ in range(a.repeat)), key=lambda x: x["per"])
        res["t3_ms_per_token"] = round(1e3 * best["per"], 2)
        res["t3_prefill_ms"] = round(1e3 * best["prefill"], 1)
        res["t3_prefill_len"] = best["n_prefill"]
        res["t3_batch"] = 1 if turbo else 2
        res["t3_kv_mid"] = best["n_prefill"] + a.steps // 2

    def s3_run():
        toks = torch.randint(0, 6561, (1, int(a.audio_seconds * 25)), generator=g)
        n = a.cfm_steps or (2 if turbo else 10)
        with okit.quiet():
            s = time.perf_counter()
            mel = s3.flow_inference(toks, ref_dict=dict(ref), n_cfm_timesteps=n, finalize=True)
            m = time.perf_counter()
            wav, _ = s3.hift_inference(mel, None)
            e = time.perf_counter()
        return dict(flow=m - s, hift=e - m, wav=wav, n=n)

    if "s3gen" not in skip:
        best = min((s3_run() for _ in range(a.repeat)), key=lambda x: x["flow"] + x["hift"])
        res.update(
            audio_s=a.audio_seconds,
            prompt_s=a.prompt_seconds,
            cfm_steps=best["n"],
            flow_s=round(best["flow"], 3),
            hift_s=round(best["hift"], 3),
            s3gen_s=round(best["flow"] + best["hift"], 3),
        )
    if "e2e" not in skip:
        n_tok = int(a.audio_seconds * 25)
        t = t3_run(n_tok, 60)
        s = s3_run()
        wm = 0.0
        if "watermark" not in skip:
            import perth

            with okit.quiet():
                w = perth.PerthImplicitWatermarker()
            b = time.perf_counter()
            w.apply_watermark(s["wav"][0].numpy(), sample_rate=24000)
            wm = time.perf_counter() - b
        tot = t["total"] + s["flow"] + s["hift"] + wm
        res.update(
            e2e_t3_s=round(t["total"], 3),
            e2e_s3gen_s=round(s["flow"] + s["hift"], 3),
            watermark_s=round(wm, 3),
            e2e_s=round(tot, 3),
            first_audio_s=round(tot, 3),
            rtf=round(tot / a.audio_seconds, 4),
        )
    import resource

    res["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(res))


if __name__ == "__main__":
    main()
