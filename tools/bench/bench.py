#!/usr/bin/env python3
"""Runs bench on checkpoints, PyTorch (the package chatterbox-tts) beside it on
the same files with as many threads, and prints the ratios.

  tools/bench/bench.py --bench build/bin/bench --model FOLDER ... \\
      --python VENV/bin/python --out FOLDER

Writes bench.json and bench.html, a page of its own with plots. Random
checkpoints of the published sizes come from tools/oracle/make_checkpoint.py;
they never end their speech, so every sentence is cut at --max-tokens."""

import argparse
import datetime
import html
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOKENS_A_SECOND = 25


def run_bench(args, parts, model=None):
    """Rows of the report, by part."""
    with tempfile.TemporaryDirectory() as d:
        out = pathlib.Path(d) / "rows.json"
        command = [args.bench, "--threads", str(args.threads), "--json", str(out)]
        for part in parts:
            command += ["--only", part]
        if args.compute:
            command += ["--compute", args.compute]
        if "t3" in parts and args.profile:
            command.append("--profile")
        if model:
            command += ["--model", model]
        if model and model != "builtin":
            command += ["--max-tokens", str(args.max_tokens)]
            command += ["--sentences", str(args.sentences)]
            command += ["--repeats", str(args.repeats)]
        if args.quick:
            command.append("--quick")
        print("+", " ".join(command), flush=True)
        subprocess.run(command, check=True)
        return json.loads(out.read_text())


def run_torch(args, model, family):
    """One line of tools/oracle/bench_reference.py, for one sentence of the
    same length; it cannot stream, so its first audio is the end of all."""
    conds = sizes_of_voice(model, args.python)
    command = [
        args.python, str(HERE.parent / "oracle/bench_reference.py"),
        "--family", family, "--ckpt", model, "--threads", str(args.threads),
        "--kv", "500", "--skip", "watermark",
        "--audio-seconds", str(args.max_tokens / TOKENS_A_SECOND),
        "--t3-prompt", str(conds["t3"]),
        "--prompt-seconds", str(conds["flow"] / TOKENS_A_SECOND),
    ]
    print("+", " ".join(command), flush=True)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    line = done.stdout.strip().splitlines()[-1]
    print(line, flush=True)
    return json.loads(line)


def sizes_of_voice(model, python):
    """Lengths of the prompts in the folder's conds.pt."""
    script = (
        "import json, sys, torch\n"
        "c = torch.load(sys.argv[1], map_location='cpu', weights_only=True)\n"
        "print(json.dumps({'t3': c['t3']['cond_prompt_speech_tokens'].shape[-1],"
        "'flow': c['gen']['prompt_token'].shape[-1]}))\n"
    )
    done = subprocess.run(
        [python, "-c", script, os.path.join(model, "conds.pt")],
        check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def family_of(model):
    names = {"t3_turbo": "turbo", "t3_nano": "nano", "t3_mtl": "multilingual",
             "t3_cfg": "original"}
    for path in sorted(pathlib.Path(model).glob("t3_*.safetensors")):
        for start, family in names.items():
            if path.name.startswith(start):
                return family
    return "turbo"


def first(rows, part, **wanted):
    """The first row of a part with these values, or None."""
    for row in rows.get(part, []):
        if all(row.get(k) == v for k, v in wanted.items()):
            return row
    return None


def compare(ours, theirs):
    """Pairs (what, unit, ours, PyTorch) of what both were asked."""
    # as the model speaks by itself: int8, and f32 for a small one
    steps = [r for r in ours.get("t3_step", [])
             if r["streams"] == 1 and r["kv"] > 400]
    step = next((r for r in steps if r["format"] == "int8"),
                steps[0] if steps else None)
    vocoder = first(ours, "vocoder")
    audio = first(ours, "first_audio", state="warm", latency="lowest")
    speech = first(ours, "speech", latency="balanced")
    pairs = []
    if step:
        pairs.append(("T3, one token at KV 500", "ms", step["ms"],
                      theirs.get("t3_ms_per_token")))
    if vocoder:
        frames = theirs.get("audio_s", 0) * 50
        pairs.append(("vocoder, one frame", "ms", vocoder["ms_a_frame"],
                      1e3 * theirs["hift_s"] / frames if frames else None))
    if audio:
        pairs.append(("first audio", "ms", audio["ms"],
                      1e3 * theirs.get("first_audio_s", 0)))
    if speech:
        pairs.append(("a second of speech", "s", speech["rtf"],
                      theirs.get("rtf")))
    return [p for p in pairs if p[3]]


def facts():
    """When, where and of what this was measured."""
    def ask(*command):
        try:
            return subprocess.run(command, capture_output=True, text=True,
                                  cwd=HERE).stdout.strip()
        except OSError:
            return ""
    return {
        "date": datetime.date.today().isoformat(),
        "commit": ask("git", "describe", "--always", "--dirty"),
        "load": os.getloadavg()[0],
        "command": " ".join(sys.argv),
    }


# -- page ---------------------------------------------------------------------

STYLE = """
body{font:15px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right;
border-bottom:1px solid #ccc}td:first-child,th:first-child{text-align:left}
svg text{font:12px sans-serif}
"""


def bars(title, rows, unit):
    """rows: (label, value, colour). Lengths are in proportion."""
    wide, high, left = 420, 20, 260
    most = max((v for _, v, _ in rows), default=1) or 1
    out = [f"<h3>{html.escape(title)}</h3>",
           f'<svg width="{left + wide + 90}" height="{high * len(rows) + 4}">']
    for i, (label, value, colour) in enumerate(rows):
        y = i * high
        length = max(1, wide * value / most)
        out.append(
            f'<text x="{left - 6}" y="{y + 14}" text-anchor="end">'
            f"{html.escape(label)}</text>"
            f'<rect x="{left}" y="{y + 2}" width="{length:.1f}" '
            f'height="{high - 5}" fill="{colour}"/>'
            f'<text x="{left + length + 5:.1f}" y="{y + 14}">'
            f"{value:.3g} {unit}</text>")
    return "".join(out) + "</svg>"


def page(report):
    parts = ["<!doctype html><meta charset=utf-8><title>bench</title>",
             f"<style>{STYLE}</style><h1>bench</h1>"]
    for key, value in report["facts"].items():
        parts.append(f"<div>{key}: {html.escape(str(value))}</div>")
    machine = report["machine"]
    taken = max(n["share_of_machine"] for n in machine["neighbours"] + [
        n for m in report["models"].values() for n in m["rows"]["neighbours"]])
    parts.append(f"<div>taken by other processes, at most: {100 * taken:.0f} %"
                 "</div>")
    cpu = machine["machine"][0]
    parts += [f"<div>{key}: {html.escape(str(cpu[key]))}</div>"
              for key in ("cpu", "features", "threads", "kernels")]
    for form in dict.fromkeys(r["format"] for r in machine.get("gemm", [])):
        gemm = [(f"{r['m']}x{r['k']}x{r['n']}, {r['taps']} taps", r["gflops"],
                 "#47a") for r in machine["gemm"] if r["format"] == form]
        peak = max((r["gflops_max"] for r in machine.get("fma", [])
                    if ("int8" in r["set"]) == (form == "int8a")), default=0)
        parts.append(bars(f"Tap GEMM, {form}",
                          gemm + [("peak of this machine", peak, "#aaa")],
                          "GFLOP/s"))
    for form in dict.fromkeys(r["format"] for r in machine.get("gemv", [])):
        gemv = [(f"{r['rows']} rows, {r['k']}x{r['n']}", r["gb_s"], "#47a")
                for r in machine["gemv"] if r["format"] == form]
        parts.append(bars(f"Products of few rows, {form}: weights read", gemv,
                          "GB/s"))
    for name, model in report["models"].items():
        parts.append(f"<h2>{html.escape(name)}</h2>")
        for what, unit, ours, theirs in model.get("pairs", []):
            parts.append(bars(f"{what}: {theirs / ours:.1f} times",
                              [("ours", ours, "#47a"),
                               ("PyTorch", theirs, "#c75")], unit))
        steps = [(f"{r['format']}, KV {r['kv']}, {r['streams']} streams",
                  r["ms"], "#47a") for r in model["rows"].get("t3_step", [])]
        parts.append(bars("T3, one step", steps, "ms"))
        speech = first(model["rows"], "speech", latency="balanced")
        if speech:
            parts.append(bars("Where the time goes, balanced",
                              [(k, 100 * speech[k], "#4a7")
                               for k in ("t3", "flow", "vocoder", "text",
                                         "resample")], "%"))
        cells = [(f"{r['grid']}, tokens {r['from']}-{r['to']}", r["ms"], "#47a")
                 for r in model["rows"].get("flow", [])]
        cells += [(f"causal, {label}", ms, "#4a7") for label, ms in
                  ((f"{r['grid']}, tokens {r['from']}-{r['to']}", r["ms"])
                   for r in model["rows"].get("flow_causal", []))]
        parts.append(bars("Flow, one cell", cells, "ms"))
    return "\n".join(parts)


def print_pairs(name, pairs):
    print(f"\n{name}")
    for what, unit, ours, theirs in pairs:
        print(f"  {what:26} {ours:10.4g} {unit:3} PyTorch {theirs:10.4g} "
              f"{unit:3} ratio {theirs / ours:.1f}")


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--bench", default="build/bin/bench")
    ap.add_argument("--model", action="append", default=[],
                    help="folder, or builtin; may be given several times")
    ap.add_argument("--python", help="of a venv with chatterbox-tts; without "
                    "it, PyTorch is left out")
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    ap.add_argument("--max-tokens", type=int, default=125)
    ap.add_argument("--sentences", type=int, default=2)
    ap.add_argument("--repeats", type=int, default=20)
    ap.add_argument("--compute", help="of flow and vocoder: f32, bf16, int8")
    ap.add_argument("--profile", action="store_true",
                    help="also rows of the operations that cost most")
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--out", default=".")
    args = ap.parse_args()
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    report = {"facts": facts(), "models": {},
              "machine": run_bench(args, ["machine", "kernels", "variants"])}
    for model in args.model:
        rows = run_bench(args, ["t3", "s3gen"], model)
        spoken = run_bench(args, ["speech"], model)
        rows["neighbours"] += spoken.pop("neighbours")
        rows.update(spoken)
        entry = {"rows": rows}
        if args.python and model != "builtin":
            entry["torch"] = run_torch(args, model, family_of(model))
            entry["pairs"] = compare(rows, entry["torch"])
            print_pairs(model, entry["pairs"])
        report["models"][pathlib.Path(model).name] = entry
        (out / "bench.json").write_text(json.dumps(report, indent=1))
    (out / "bench.json").write_text(json.dumps(report, indent=1))
    (out / "bench.html").write_text(page(report), encoding="utf-8")
    print(f"\n{out / 'bench.json'}, {out / 'bench.html'}")


if __name__ == "__main__":
    main()
