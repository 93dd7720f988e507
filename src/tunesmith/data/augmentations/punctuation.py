"""Other habits of punctuation: none, more, or blanks around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tunesmith.parts import Augmentation

_END = re.compile(r"[.!?…]{1,8}$")
_INNER = re.compile(r"(?<=\w)[,;:](?= )")


class Punctuation(Augmentation):
    """Signs inside numbers, addresses and words stay."""

    needs: ClassVar = ""

    def vary(self, texts: Sequence[str], draws: Sequence[np.random.Generator], given: Any) -> list[str]:
        return [_vary(text, draw) for text, draw in zip(texts, draws, strict=True)]

    def samples(self) -> list[str]:
        return ["Hello, where is my parcel?", "please cancel the order"]


def _vary(text: str, draw: np.random.Generator) -> str:
    bare = _END.sub("", text)
    ways = {_INNER.sub("", bare), bare + "!", bare + "...", bare + " !!", bare, _INNER.sub(" -", text)}
    others = sorted(ways - {text, ""})
    return others[int(draw.integers(len(others)))] if others else text
