"""Other habits of upper and lower case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tunesmith.parts import Augmentation

_HABITS = (str.lower, str.upper, str.capitalize, str.title)


class Casing(Augmentation):
    """All lower, all upper, a capital first, or capitals everywhere: one of those that differ from the text."""

    needs: ClassVar = ""

    def vary(self, texts: Sequence[str], draws: Sequence[np.random.Generator], given: Any) -> list[str]:
        return [_vary(text, draw) for text, draw in zip(texts, draws, strict=True)]

    def samples(self) -> list[str]:
        return ["Where is my parcel?", "please CANCEL the order"]


def _vary(text: str, draw: np.random.Generator) -> str:
    others = sorted({habit(text) for habit in _HABITS} - {text})
    return others[int(draw.integers(len(others)))] if others else text
