"""Slips of the fingers: a neighbouring key, a letter too many, too few, or two swapped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from tunesmith.parts import Augmentation

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEAR = {key: row[max(0, n - 1) : n] + row[n + 1 : n + 2] for row in _ROWS for n, key in enumerate(row)}


class Typos(Augmentation):
    """Changes letters inside words of four letters or more; at least one, where there is such a word."""

    needs: ClassVar = ""
    rate: float = Field(0.08, gt=0, le=0.5, description="share of longer words that get a slip")

    def vary(self, texts: Sequence[str], draws: Sequence[np.random.Generator], given: Any) -> list[str]:
        return [self._vary(text, draw) for text, draw in zip(texts, draws, strict=True)]

    def _vary(self, text: str, draw: np.random.Generator) -> str:
        words = text.split(" ")
        long = [n for n, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
        if not long:
            return text
        count = max(1, round(self.rate * len(long)))
        for n in draw.choice(long, size=min(count, len(long)), replace=False):
            words[n] = _slip(words[n], draw)
        return " ".join(words)

    def samples(self) -> list[str]:
        return ["where is my parcel today", "please cancel the order"]


def _slip(word: str, draw: np.random.Generator) -> str:
    at = int(draw.integers(1, len(word) - 1))
    return _SLIPS[int(draw.integers(len(_SLIPS)))](word, at, draw)


def _swapped(word: str, at: int, draw: np.random.Generator) -> str:
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _dropped(word: str, at: int, draw: np.random.Generator) -> str:
    return word[:at] + word[at + 1 :]


def _doubled(word: str, at: int, draw: np.random.Generator) -> str:
    return word[:at] + word[at] + word[at:]


def _beside(word: str, at: int, draw: np.random.Generator) -> str:
    near = _NEAR.get(word[at].lower(), "")
    return (
        word[:at] + near[int(draw.integers(len(near)))] + word[at + 1 :] if near else _doubled(word, at, draw)
    )


_SLIPS: tuple[Callable[[str, int, np.random.Generator], str], ...] = (_swapped, _dropped, _doubled, _beside)
