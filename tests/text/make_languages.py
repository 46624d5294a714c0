#!/usr/bin/env python3
"""Fill in the ids of languages.tsv with the Python reference (chatterbox-tts 0.1.7).

Usage: make_languages.py CHECKPOINT_DIR < languages.tsv > new.tsv
       make_languages.py CHECKPOINT_DIR --kanji < kanji.tsv > new.tsv
Lines are language, text and ids, with tabs between; the ids that come in are
ignored. The reference runs without its optional packages (pkuseg, pykakasi,
dicta_onnx, russian_text_stresser); with --kanji, pykakasi is used.
"""
import logging
import pathlib
import sys


def main():
    folder = pathlib.Path(sys.argv[1])
    for name in ("spacy_pkuseg", "pykakasi", "dicta_onnx", "russian_text_stresser"):
        if name != "pykakasi" or "--kanji" not in sys.argv:
            sys.modules[name] = None
    logging.disable(logging.WARNING)
    from chatterbox.models.tokenizers import tokenizer
    from chatterbox.mtl_tts import punc_norm

    tokenizer.hf_hub_download = lambda **_: folder / "Cangjie5_TC.json"
    tok = tokenizer.MTLTokenizer(str(folder / "grapheme_mtl_merged_expanded_v1.json"))
    for line in sys.stdin:
        language, text = line.rstrip("\n").split("\t")[:2]
        ids = [255, *tok.encode(punc_norm(text), language_id=language), 0]
        print(language, text, " ".join(map(str, ids)), sep="\t")


main()
