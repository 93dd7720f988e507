"""Texts with hidden places: windows of tokens in the base's own frame, which places are hidden, what stands there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from tunesmith import doors
from tunesmith.inputs.text import TOKENIZER
from tunesmith.inputs.text import byte_tokenizer as plain_tokenizer
from tunesmith.parts import Codec

MASK = "[MASK]"
USUAL = (MASK, "<mask>")  # how the token is called where the tokenizer's settings do not say
# of the hidden places in training: 80 % hold the mask, 10 % another word, 10 % what stood there (Devlin et al. 2019)
AS_MASK, AS_OTHER = 0.8, 0.1


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a text with what frames it.

    ids: [T].  words: [T] the number of the word that a token is part of, −1 for what frames the text.
    """

    ids: np.ndarray
    words: np.ndarray


@dataclass(frozen=True)
class Vocabulary:
    """What is known of a tokenizer.

    before, after: special tokens around a text.  ordinary: [V] the tokens that stand in texts, none of them special.
    """

    tokenizer: Any
    before: tuple[int, ...]
    after: tuple[int, ...]
    ordinary: np.ndarray


def windows(codec: Codec, text: str) -> list[Window]:
    """A text as consecutive windows of at most `window` tokens, each in the frame; none for a text without tokens."""
    known = vocabulary(codec.files[TOKENIZER])
    found = known.tokenizer.encode(text, add_special_tokens=False)
    ids = np.array(found.ids, np.int64)
    words = np.array([-1 if word is None else word for word in found.word_ids], np.int64)
    room = max(1, codec.settings["window"] - len(known.before) - len(known.after))
    return [
        _framed(known, ids[start : start + room], words[start : start + room])
        for start in range(0, len(ids), room)
    ]


def _framed(known: Vocabulary, ids: np.ndarray, words: np.ndarray) -> Window:
    outside = (np.full(len(known.before), -1), np.full(len(known.after), -1))
    return Window(
        np.concatenate([known.before, ids, known.after]).astype(np.int64),
        np.concatenate([outside[0], words, outside[1]]).astype(np.int64),
    )


def chosen(window: Window, share: float, *, whole_words: bool, rng: np.random.Generator) -> np.ndarray:
    """Places to hide: booleans [T].  `share` of the tokens, at least one; whole words until there are as many."""
    inside = np.flatnonzero(window.words >= 0)
    places = np.zeros(len(window.ids), bool)
    wanted = max(1, round(share * len(inside)))
    if not whole_words:
        places[rng.permutation(inside)[:wanted]] = True
        return places
    for word in rng.permutation(np.unique(window.words[inside])):
        if places.sum() >= wanted:
            break
        places |= window.words == word
    return places


def covered(window: Window, places: np.ndarray, codec: Codec) -> np.ndarray:
    """The tokens as a model is asked: the mask at every place [T]."""
    return np.where(places, codec.settings["mask_id"], window.ids)


def disguised(window: Window, places: np.ndarray, codec: Codec, rng: np.random.Generator) -> np.ndarray:
    """The tokens as a model is taught: at some places the mask, at some another word, at some what stands there."""
    ordinary = vocabulary(codec.files[TOKENIZER]).ordinary
    fate, others = rng.random(len(places)), rng.choice(ordinary, len(places))
    shown = np.where(fate < AS_MASK, codec.settings["mask_id"], window.ids)
    shown = np.where((fate >= AS_MASK) & (fate < AS_MASK + AS_OTHER), others, shown)
    return np.where(places, shown, window.ids)


def text(codec: Codec, ids: Sequence[int]) -> str:
    """What tokens say, without the frame."""
    return vocabulary(codec.files[TOKENIZER]).tokenizer.decode(list(ids), skip_special_tokens=True)


def mask_id(tokenizer: bytes, words: Mapping[str, str]) -> int | None:
    """The token that hides another, None for a base without one.  words: special tokens by their role."""
    known = vocabulary(tokenizer).tokenizer
    named = filter(None, (words.get("mask_token"), *USUAL))
    return next((found for name in named if (found := known.token_to_id(name)) is not None), None)


def has_head(config: Mapping[str, Any]) -> bool:
    """Whether a base with this `config.json` brings what turns states into words."""
    return any(name.endswith("ForMaskedLM") for name in config.get("architectures") or ())


def byte_tokenizer() -> bytes:
    """The tokenizer that needs no training, with a mask."""
    made = doors.open("tokenizers").Tokenizer.from_str(plain_tokenizer().decode())
    made.add_special_tokens(["[CLS]", "[SEP]", "[PAD]", MASK])
    return made.to_str().encode()


@lru_cache(maxsize=8)
def vocabulary(tokenizer: bytes) -> Vocabulary:
    """Of a tokenizer.json."""
    made = doors.open("tokenizers").Tokenizer.from_str(tokenizer.decode("utf-8"))
    made.no_truncation()
    made.no_padding()
    framed = made.encode("a")
    inside = [at for at, special in enumerate(framed.special_tokens_mask) if not special]
    first, last = (inside[0], inside[-1] + 1) if inside else (len(framed.ids), len(framed.ids))
    special = {number for number, added in made.get_added_tokens_decoder().items() if added.special}
    ordinary = sorted(set(made.get_vocab().values()) - special)
    return Vocabulary(made, tuple(framed.ids[:first]), tuple(framed.ids[last:]), np.array(ordinary, np.int64))
