"""The tokenizer in a GGUF file: what llama.cpp needs to cut texts as the model was taught, and the same read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from tunesmith.inputs.text import TOKENIZER
from tunesmith.parts import Codec
from tunesmith.serve.exports import _words

NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)  # llama.cpp's kinds of tokens
BLANK = "\u2581"
BYTES = {f"<0x{number:02X}>" for number in range(256)}
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# llama.cpp's name for a way of dividing texts before merging → the pattern
SPLITS = {"llama-bpe": _SPLIT % "{1,3}", "qwen2": _SPLIT % ""}
PLAIN_SPLIT = "gpt-2"  # the division of GPT-2, which byte-level tokenizers have unless they say otherwise


def unfit(codec: Codec) -> str:
    """Why a tokenizer has no form in the file; '' where it has."""
    known = json.loads(codec.files[TOKENIZER])
    model = known["model"]
    if model.get("type") != "BPE":
        return f"its tokenizer is of the kind {model.get('type')}"
    if model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        return "its tokenizer marks the begin or the end of words"
    if model.get("byte_fallback"):
        return _sentencepiece_unfit(known)
    return "" if _split(known) else "its tokenizer divides texts in a way that has no name there"


def _sentencepiece_unfit(known: Mapping[str, Any]) -> str:
    before = known.get("pre_tokenizer") or {"type": "Metaspace"}
    plain = all(_is_blank(step) for step in _steps(known)) and before.get("type") == "Metaspace"
    if not plain or before.get("prepend_scheme", "always") == "first":
        return "its tokenizer changes or divides texts in a way that has no name there"
    return "" if _ordered(known["model"]) else "its merges are not those that SentencePiece's scores give"


def write(writer: Any, codec: Codec, size: int) -> None:
    """Add the tokenizer, its special tokens and the chat template.  size: rows of the network's table of words."""
    known = json.loads(codec.files[TOKENIZER])
    pieces = bool(known["model"].get("byte_fallback"))
    tokens, kinds = _tokens(known, size)
    writer.add_tokenizer_model("llama" if pieces else "gpt2")
    writer.add_tokenizer_pre("default" if pieces else _split(known))
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    if pieces:
        writer.add_token_scores(_scores(known["model"], tokens))
        writer.add_add_space_prefix(_prefixes(known))
    else:
        writer.add_token_merges([" ".join(pair) for pair in _merges(known["model"])])
    _specials(writer, codec)


def _specials(writer: Any, codec: Codec) -> None:
    adders = {"bos": writer.add_bos_token_id, "unk": writer.add_unk_token_id, "pad": writer.add_pad_token_id}
    for name, add in adders.items():
        for each in _words.single(codec, name):
            add(each)
    stops = _words.stops(codec)
    for each, add in zip(stops, (writer.add_eos_token_id, writer.add_eot_token_id), strict=False):
        add(each)
    writer.add_add_bos_token(_words.begins(codec))
    writer.add_add_eos_token(False)
    if program := _words.program(codec):
        writer.add_chat_template(program)


def _tokens(known: Mapping[str, Any], size: int) -> tuple[list[str], list[int]]:
    """(every token, its kind) by id; ids that no token has are filled up."""
    model = known["model"]
    found = {number: (token, NORMAL) for token, number in model["vocab"].items()}
    if model.get("byte_fallback"):
        found |= {number: (token, BYTE) for token, number in model["vocab"].items() if token in BYTES}
    for each in known.get("added_tokens", ()):
        found[each["id"]] = (each["content"], CONTROL if each.get("special") else USER)
    unknown = model["vocab"].get(model.get("unk_token") or "")
    if unknown is not None:
        found[unknown] = (found[unknown][0], UNKNOWN)
    rows = [found.get(number, (f"[PAD{number}]", UNUSED)) for number in range(max(size, max(found) + 1))]
    return [token for token, _ in rows], [kind for _, kind in rows]


# ---- byte-level BPE ---------------------------------------------------------------------------------------------


def _split(known: Mapping[str, Any]) -> str:
    """llama.cpp's name for how texts are divided before merging; '' where it has none."""
    before = known.get("pre_tokenizer") or {}
    steps = before.get("pretokenizers", [before])
    last = steps[-1] if steps else {}
    if last.get("type") != "ByteLevel" or last.get("add_prefix_space"):
        return ""
    if len(steps) == 1 and last.get("use_regex", True) and known.get("normalizer") is None:
        return PLAIN_SPLIT
    own = steps[0].get("pattern", {}).get("Regex") if len(steps) == 2 else None
    return next((name for name, pattern in SPLITS.items() if own == pattern), "")


def _merges(model: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = (each.split(" ") if isinstance(each, str) else each for each in model.get("merges", ()))
    return [(first, second) for first, second in pairs]


# ---- SentencePiece ----------------------------------------------------------------------------------------------


def _steps(known: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = known.get("normalizer") or {}
    return list(found.get("normalizers", [found] if found else []))


def _prefixes(known: Mapping[str, Any]) -> bool:
    """Whether a blank is put before a text."""
    before = known.get("pre_tokenizer") or {}
    metaspace = before.get("type") == "Metaspace" and before.get("prepend_scheme", "always") == "always"
    return metaspace or any(step["type"] == "Prepend" for step in _steps(known))


def _is_blank(step: Mapping[str, Any]) -> bool:
    """Whether all that a step does is to write blanks in SentencePiece's way."""
    return BLANK in (step.get("prepend"), step.get("content")) and step["type"] in ("Prepend", "Replace")


def _ordered(model: Mapping[str, Any]) -> bool:
    """Whether merging by scores gives what merging by ranks does.

    SentencePiece joins any two neighbours that make a token, the best token first; a list of merges joins the pair that
    comes first.  They agree where every such pair is listed, and all pairs of a token before those of the next.
    """
    vocab, ranks = model["vocab"], {pair: rank for rank, pair in enumerate(_merges(model))}
    spans = []
    for token in vocab:
        if token in BYTES or token == model.get("unk_token"):
            continue
        pairs = [(token[:at], token[at:]) for at in range(1, len(token))]
        found = [ranks.get(pair) for pair in pairs if pair[0] in vocab and pair[1] in vocab]
        if found and _framed(token):
            continue
        if None in found:
            return False
        own = [rank for rank in found if rank is not None]
        spans += [(min(own), max(own))] if own else []
    return all(before[1] < after[0] for before, after in pairwise(sorted(spans)))


def _framed(token: str) -> bool:
    """Special tokens are cut out before anything is merged."""
    return token.startswith("<") and token.endswith(">")


def _scores(model: Mapping[str, Any], tokens: list[str]) -> list[float]:
    """The score of each token: the sooner it is merged, the higher."""
    first: dict[str, int] = {}
    for rank, (one, other) in enumerate(_merges(model)):
        first.setdefault(one + other, rank)
    return [-float(first.get(token, len(first) if token in model["vocab"] else 0)) for token in tokens]
