"""Other words of like meaning, as a given encoder sees them: neighbours among its word vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from tunesmith import doors
from tunesmith.bases import Base
from tunesmith.parts import Augmentation

_NAMES = ("embeddings.word_embeddings.weight", "embed_tokens.weight", "wte.weight")


class Synonyms(Augmentation):
    """Replaces words that the encoder knows whole by one of their nearest neighbours that is a whole word too.

    An encoder's input vectors put words of one kind together (Mikolov et al. 2013, arXiv 1301.3781); words that
    stand close may still be opposites, so `closest` is high by default and few words change.
    """

    needs: ClassVar = "base"
    rate: float = Field(0.15, gt=0, le=0.5, description="share of known words that are replaced")
    closest: float = Field(0.55, gt=0, lt=1, description="cosine from which a neighbour may stand for a word")

    def vary(self, texts: Sequence[str], draws: Sequence[np.random.Generator], given: Base) -> list[str]:
        words = _vectors(given.folder)
        return [self._vary(text, draw, words) for text, draw in zip(texts, draws, strict=True)]

    def _vary(self, text: str, draw: np.random.Generator, words: _Words) -> str:
        found = text.split(" ")
        known = [n for n, word in enumerate(found) if len(word) > 3 and word.lower() in words.index]
        for n in draw.permutation(known)[: max(1, round(self.rate * len(known)))]:
            near = words.near(found[n].lower(), self.closest)
            if near:
                word = near[int(draw.integers(len(near)))]
                found[n] = word.capitalize() if found[n][0].isupper() else word
        return " ".join(found)

    def samples(self) -> list[str]:
        return ["the customer wants his money back today", "please cancel the second order"]


class _Words:
    """Whole words of a vocabulary and their unit vectors [W, D]."""

    def __init__(self, words: Sequence[str], vectors: np.ndarray) -> None:
        self.words = list(words)
        self.index = {word: n for n, word in enumerate(self.words)}
        self._units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    @lru_cache(maxsize=20_000)  # noqa: B019 (one vocabulary lives as long as the process)
    def near(self, word: str, closest: float) -> tuple[str, ...]:
        """The three nearest words of at least that cosine, other forms of the word (a shared start) left out."""
        cosine = self._units @ self._units[self.index[word]]
        best = np.argsort(-cosine)[1:12]
        return tuple(self.words[n] for n in best if cosine[n] >= closest and not _alike(self.words[n], word))[
            :3
        ]


def _alike(one: str, other: str) -> bool:
    return one[:4] == other[:4] or one in other or other in one


@lru_cache(maxsize=2)
def _vectors(folder: Path) -> _Words:
    with doors.open("safetensors").safe_open(folder / "model.safetensors", framework="numpy") as weights:
        name = next(key for key in weights.keys() if key.endswith(_NAMES))  # noqa: SIM118 (no mapping)
        vectors = np.asarray(weights.get_tensor(name), np.float32)
    vocabulary = doors.open("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    whole = {
        word.lstrip("Ġ▁"): n for word, n in sorted(vocabulary.items()) if n < len(vectors) and _whole(word)
    }
    return _Words(list(whole), vectors[list(whole.values())])


def _whole(word: str) -> bool:
    bare = word.lstrip("Ġ▁")
    return len(bare) > 3 and bare.isalpha() and bare.islower() and not word.startswith("##")
