"""Mean negative log-likelihood of a token of the right answer, in nats."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._counts import ratio
from tunesmith.evaluate.metrics._likelihoods import sums
from tunesmith.parts import Answers, TextMetric


class Loss(TextMetric):
    """Each token counts alike, whichever row it stands in; what training minimises, on rows that it did not see."""

    better: ClassVar[int] = -1

    def statistics(self, answers: Answers) -> np.ndarray:
        return sums(answers)[:, :2]

    def combine(self, sums: np.ndarray) -> float:
        return ratio(sums[0], sums[1])
