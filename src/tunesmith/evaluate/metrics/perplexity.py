"""Perplexity of a token of the right answer: among how many equally likely tokens the model seems to choose."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._counts import ratio
from tunesmith.evaluate.metrics._likelihoods import sums
from tunesmith.parts import Answers, TextMetric

LARGEST = 700.0  # nats: e^709 is more than a float64 holds


class Perplexity(TextMetric):
    """e to the loss (Jelinek 1977).  Two models compare only where they cut texts into the same tokens; else bits a
    byte do."""

    better: ClassVar[int] = -1

    def statistics(self, answers: Answers) -> np.ndarray:
        return sums(answers)[:, :2]

    def combine(self, sums: np.ndarray) -> float:
        """1 or more; infinite where a float can't hold it."""
        loss = ratio(sums[0], sums[1])
        return math.inf if loss > LARGEST else math.exp(loss)
