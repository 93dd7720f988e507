"""Bits that a byte of the right answer costs: comparable between models of any tokenizer."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._counts import ratio
from tunesmith.evaluate.metrics._likelihoods import sums
from tunesmith.parts import Answers, TextMetric


class BitsPerByte(TextMetric):
    """The loss of all tokens in bits, divided by the bytes (UTF-8) of the text that they stand for (Gao et al. 2020,
    The Pile)."""

    better: ClassVar[int] = -1

    def statistics(self, answers: Answers) -> np.ndarray:
        return sums(answers)[:, [0, 3]]

    def combine(self, sums: np.ndarray) -> float:
        return ratio(sums[0] / math.log(2), sums[1])
