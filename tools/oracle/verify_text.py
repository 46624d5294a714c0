"""Facts X*: text normalisation and tokenizers."""

import json
import os
import re

import okit
from verify_common import report


def norm_text(fam, t):
    if not t:
        return "You need to add some text for me to talk."
    if t[0].islower():
        t = t[0].upper() + t[1:]
    t = " ".join(t.split())
    turbo = fam in okit.TURBO_LIKE
    rules = (
        [("...", ", ")] * (not turbo)
        + [("\u2026", ", "), (":", ",")]
        + [(" - ", ", "), (";", ", ")] * (not turbo)
    )
    rules += [
        ("\u2014", "-"),
        ("\u2013", "-"),
        (" ,", ","),
        ("\u201c", '"'),
        ("\u201d", '"'),
        ("\u2018", "'"),
        ("\u2019", "'"),
    ]
    for a, b in rules:
        t = t.replace(a, b)
    t = t.rstrip(" ")
    ends = ".!?-," + ("\u3001\uff0c\u3002\uff1f\uff01" if fam == "multilingual" else "")
    return t if t and t[-1] in ends else t + "."


def split_added(text, added):
    """Longest-first left-to-right split on added tokens; yields (is_added, piece)."""
    out, i, buf = [], 0, ""
    toks = sorted(added, key=len, reverse=True)
    while i < len(text):
        hit = next((a for a in toks if text.startswith(a, i)), None)
        if hit:
            if buf:
                out.append((False, buf))
            out.append((True, hit))
            buf, i = "", i + len(hit)
        else:
            buf, i = buf + text[i], i + 1
    return out + ([(False, buf)] if buf else [])


def bpe(symbols, rank):
    s = list(symbols)
    while len(s) > 1:
        r, i = min((rank.get((s[i], s[i + 1]), 1 << 30), i) for i in range(len(s) - 1))
        if r == 1 << 30:
            break
        s[i : i + 2] = [s[i] + s[i + 1]]
    return s


def hf_ids(path, text):
    """tokenizer.json: added tokens first, Whitespace pre-tokenizer (\\w+ | [^\\w\\s]+), then BPE, unknown char -> [UNK]."""

    d = json.load(open(path, encoding="utf-8"))
    vocab = d["model"]["vocab"]
    rank = {
        tuple(m.split(" ") if isinstance(m, str) else m): i
        for i, m in enumerate(d["model"]["merges"])
    }
    added = {a["content"]: a["id"] for a in d["added_tokens"]}
    ids = []
    for is_added, piece in split_added(text, added):
        if is_added:
            ids.append(added[piece])
            continue
        for word in re.findall(r"\w+|[^\w\s]+", piece):
            ids += [vocab.get(s, vocab["[UNK]"]) for s in bpe(word, rank)]
    return ids


def gpt2_ids(folder, text):
    import regex

    vocab = json.load(open(os.path.join(folder, "vocab.json"), encoding="utf-8"))
    added = json.load(open(os.path.join(folder, "added_tokens.json"), encoding="utf-8"))
    m = [
        l.split(" ")
        for l in open(os.path.join(folder, "merges.txt"), encoding="utf-8").read().split("\n")[1:]
        if l
    ]
    rank = {tuple(x): i for i, x in enumerate(m)}
    bs = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    b2u = {b: chr(b) for b in bs}
    n = 0
    for b in range(256):
        if b not in b2u:
            b2u[b] = chr(256 + n)
            n += 1
    pat = regex.compile(
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    )
    ids = []
    for is_added, piece in split_added(text, added):
        if is_added:
            ids.append(added[piece])
            continue
        for word in pat.findall(piece):
            ids += [vocab[s] for s in bpe([b2u[b] for b in word.encode("utf-8")], rank)]
    return ids


def mtl_text(ck, text, lang):
    import unicodedata as u

    t = u.normalize("NFKD", text.lower())
    if lang == "zh":
        w2c, c2w = {}, {}
        for e in json.load(open(os.path.join(ck, "Cangjie5_TC.json"), encoding="utf-8")):
            a, c = e.split("\t")[:2]
            w2c[a] = c
            c2w.setdefault(c, []).append(a)
        out = []
        for ch in t:
            if u.category(ch) == "Lo" and ch in w2c:
                c = w2c[ch]
                k = c2w[c].index(ch)
                out += ["[cj_%s]" % x for x in c + (str(k) if k else "")] + ["[cj_.]"]
            else:
                out.append(ch)
        t = "".join(out)
    if lang == "ko":
        t = "".join(
            ch if not "\uac00" <= ch <= "\ud7af" else u.normalize("NFD", ch) for ch in t
        ).strip()
    return ("[%s]" % lang if lang else "") + t


def check_text(ck, G, fam):
    s = lambda k: bytes(G[k].tolist()).decode("utf-8")
    ok, okn, i = [], [], 0
    while "text.%d.raw" % i in G:
        n = norm_text(fam, s("text.%d.raw" % i))
        okn.append(n == s("text.%d.norm" % i))
        lang = s("text.%d.lang" % i) if fam == "multilingual" else ""
        if fam == "original":
            ids = hf_ids(os.path.join(ck, "tokenizer.json"), n.replace(" ", "[SPACE]"))
        elif fam == "multilingual":
            t = mtl_text(ck, n, lang)
            ids = hf_ids(
                os.path.join(ck, "grapheme_mtl_merged_expanded_v1.json"), t.replace(" ", "[SPACE]")
            )
        else:
            ids = gpt2_ids(ck, n)
        ok.append(ids == G["text.%d.ids" % i].tolist())
        i += 1
    report("X1", "punc_norm", all(okn), str(okn) if not all(okn) else "%d texts" % len(okn))
    report("X2", "tokenizer", all(ok), str(ok) if not all(ok) else "%d texts" % len(ok))
