"""Small synthetic but structurally real tokenizer files."""

import json
import os

CORPUS = """
the quick brown fox jumps over the lazy dog while the old man is reading a long letter from his
daughter. she said that the weather there was warm and that everything would be all right in the
end. please call me when you arrive at the station, because the train may be late again tonight.
numbers like one two three four five six seven eight nine ten are spoken slowly and clearly. what
do you think about that idea? well, I have never seen anything like this before! nothing is better
than a cup of hot tea on a cold morning, and nobody knows it better than the people of this town.
speech synthesis, voice conversion and watermarking are three parts of one small machine here.
The Quick Brown Fox. She Said That Everything Would Be Right. Please Call Me. What Do You Think?
""".strip()

CORPUS_MTL = CORPUS.lower() + """
der schnelle braune fuchs springt uber den faulen hund und die alte frau liest einen langen brief.
le petit garcon regarde la pluie qui tombe sur la ville, et il ne dit rien a sa grande soeur.
el perro corre por la calle mientras la nina come una manzana roja en la ventana de su casa.
il gatto dorme sulla sedia e la mamma prepara una torta per la festa di domani sera.
"""

PARA_TAGS = [
    "[angry]",
    "[fear]",
    "[surprised]",
    "[whispering]",
    "[advertisement]",
    "[dramatic]",
    "[narration]",
    "[crying]",
    "[happy]",
    "[sarcastic]",
    "[clear throat]",
    "[sigh]",
    "[shush]",
    "[cough]",
    "[groan]",
    "[sniff]",
    "[gasp]",
    "[chuckle]",
    "[laugh]",
]
LANGS = "ar da de el en es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh".split()

CANGJIE = {
    "你": "onf",
    "好": "vnd",
    "世": "pt",
    "界": "wll",
    "我": "hqi",
    "是": "amyo",
    "中": "l",
    "文": "yk",
    "天": "mk",
    "气": "omn",
    "很": "hoav",
    "日": "a",
    "月": "b",
    "曰": "a",
    "人": "o",
    "口": "r",
}


def _train_bpe(text, n_merges, specials):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tok = Tokenizer(models.BPE(unk_token="[UNK]"))
    tok.pre_tokenizer = pre_tokenizers.Whitespace()
    n_chars = len(set(text) - set(" \n"))
    tr = trainers.BpeTrainer(
        vocab_size=n_chars + n_merges, special_tokens=[], show_progress=False, min_frequency=2
    )
    tok.train_from_iterator(text.split("\n"), tr)
    d = json.loads(tok.to_str())
    merges = [
        tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in d["model"]["merges"]
    ]
    return merges


def _hf_json(vocab, merges, added):
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": i,
                "content": t,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for t, i in sorted(added.items(), key=lambda x: x[1])
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "[UNK]",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocab,
            "merges": ["%s %s" % m for m in merges],
        },
    }


def _assign(fixed, tokens, size):
    """ids: `fixed` {token:id} first, `tokens` fill the free ids in order."""
    vocab = dict(fixed)
    free = (i for i in range(size) if i not in set(fixed.values()))
    for t in tokens:
        if t not in vocab:
            vocab[t] = next(free)
    return vocab


def write_english(path, size=704):
    fixed = {
        "[STOP]": 0,
        "[UNK]": 1,
        "[SPACE]": 2,
        "[START]": 255,
        "[PAD]": size - 4,
        "[SEP]": size - 3,
        "[CLS]": size - 2,
        "[MASK]": size - 1,
    }
    merges = _train_bpe(CORPUS, 420, [])
    chars = sorted(
        set("!\"'(),-.?0123456789" + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        | set("".join(a + b for a, b in merges))
    )
    vocab = _assign(fixed, chars + [a + b for a, b in merges], size)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(_hf_json(vocab, merges, fixed), f, ensure_ascii=False, indent=1)


def write_multilingual(path, cangjie_path, size=2454):
    fixed = {"[STOP]": 0, "[UNK]": 1, "[SPACE]": 2, "[START]": 255}
    tags = (
        ["[PAD]", "[SEP]", "[CLS]", "[MASK]"]
        + ["[%s]" % l for l in LANGS]
        + ["[cj_%s]" % c for c in "abcdefghijklmnopqrstuvwxyz0123456789."]
    )
    for i, t in enumerate(tags):
        fixed[t] = 600 + i
    merges = _train_bpe(CORPUS_MTL, 500, [])
    ranges = [
        (0x21, 0x7F),
        (0xA1, 0xC0),
        (0x300, 0x345),
        (0x3B1, 0x3CA),
        (0x430, 0x450),
        (0x5B0, 0x5EB),
        (0x621, 0x64B),
        (0x901, 0x94E),
        (0x1100, 0x1113),
        (0x1161, 0x1176),
        (0x11A8, 0x11C3),
        (0x3041, 0x3097),
        (0x3099, 0x309B),
        (0x30A1, 0x30FB),
    ]
    chars = [chr(c) for a, b in ranges for c in range(a, b)] + list("，。！？、…")
    vocab = _assign(fixed, chars + [a + b for a, b in merges], size)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(_hf_json(vocab, merges, fixed), f, ensure_ascii=False, indent=1)
    with open(cangjie_path, "w", encoding="utf-8") as f:
        json.dump(["%s\t%s" % kv for kv in CANGJIE.items()], f, ensure_ascii=False, indent=1)


def write_gpt2(folder, full=False):
    """vocab.json + merges.txt (byte-level BPE), 19 added tags. Returns the embedding rows needed."""
    from tokenizers import ByteLevelBPETokenizer

    tok = ByteLevelBPETokenizer()
    tok.train_from_iterator(
        (CORPUS + "\n" + CORPUS_MTL).split("\n"),
        vocab_size=256 + 320,
        min_frequency=2,
        show_progress=False,
    )
    merges = json.loads(tok.to_str())["model"]["merges"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in merges]
    # GPT-2 order: printable bytes first, then the remapped ones
    bs = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    order = [chr(b) for b in bs]
    order += [chr(256 + k) for k in range(256 - len(bs))]
    vocab = {c: i for i, c in enumerate(order)}
    for a, b in merges:
        if a + b not in vocab:
            vocab[a + b] = len(vocab)
    eot = 50256 if full else len(vocab)
    # The library numbers added tokens from the size of the vocabulary on: leave no gap.
    for i in range(len(vocab), eot):
        vocab["unused%d" % i] = i
    vocab["<|endoftext|>"] = eot
    added = {t: eot + 1 + i for i, t in enumerate(PARA_TAGS)}
    w = lambda n, o: json.dump(
        o, open(os.path.join(folder, n), "w", encoding="utf-8"), ensure_ascii=False, indent=1
    )
    w("vocab.json", vocab)
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "\n".join("%s %s" % m for m in merges) + "\n")
    w("added_tokens.json", added)
    w(
        "special_tokens_map.json",
        {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"},
    )
    dec = {
        str(eot): {
            "content": "<|endoftext|>",
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
    }
    for t, i in added.items():
        dec[str(i)] = {
            "content": t,
            "lstrip": False,
            "normalized": True,
            "rstrip": False,
            "single_word": False,
            "special": False,
        }
    w(
        "tokenizer_config.json",
        {
            "add_prefix_space": False,
            "add_bos_token": False,
            "added_tokens_decoder": dec,
            "bos_token": "<|endoftext|>",
            "eos_token": "<|endoftext|>",
            "unk_token": "<|endoftext|>",
            "clean_up_tokenization_spaces": False,
            "errors": "replace",
            "model_max_length": 1024,
            "tokenizer_class": "GPT2Tokenizer",
        },
    )
    return eot + 1 + len(PARA_TAGS)
