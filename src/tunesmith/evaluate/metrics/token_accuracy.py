"""Share of the right answer's tokens that the model holds for the likeliest."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluate.metrics._counts import ratio
from tunesmith.evaluate.metrics._likelihoods import sums
from tunesmith.parts import Answers, TextMetric


class TokenAccuracy(TextMetric):
    """Each token is predicted from the right tokens before it, so this says nothing of answers that go astray."""

    def statistics(self, answers: Answers) -> np.ndarray:
        return sums(answers)[:, 1:3]

    def combine(self, sums: np.ndarray) -> float:
        """Between 0 and 1."""
        return ratio(sums[1], sums[0])
