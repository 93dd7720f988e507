"""By what factor answers are typically longer or shorter than their references."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._rows import averaged, mean
from tunesmith.evaluate.metrics._words import words
from tunesmith.parts import Answers, TextMetric


class LengthDrift(TextMetric):
    """1: as long as the reference; 2: twice as long or half as long.  The mean over rows is geometric, so that one
    endless answer does not outweigh the others; too long and too short do not cancel.

    Length is counted in words, and one more for each text so that an empty one has a factor too.  Of several references
    the nearest in length counts.
    """

    better: ClassVar[int] = -1

    def statistics(self, answers: Answers) -> np.ndarray:
        rows = zip(answers.answers, answers.references, strict=True)
        return averaged(_distance(answer.text, wanted) for answer, wanted in rows)

    def combine(self, sums: np.ndarray) -> float:
        """1 or more."""
        return math.exp(mean(sums))


def _distance(text: str, references: Sequence[str]) -> float | None:
    """How far the logarithms of two lengths are apart; None without a reference."""
    length = 1 + len(words(text))
    return min((abs(math.log(length / (1 + len(words(each))))) for each in references), default=None)
