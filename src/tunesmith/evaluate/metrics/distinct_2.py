"""Share of an answer's pairs of neighbouring words that are no repetition: an answer that turns in circles has few."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluate.metrics._counts import ratio
from tunesmith.evaluate.metrics._distinct import repetition
from tunesmith.parts import Answers, TextMetric


class Distinct2(TextMetric):
    """Different pairs of words ÷ all of them, within each answer, summed over rows: "intra-dist" of Gu et al. 2019.

    Over all answers together (Li et al. 2016) the share falls as rows are added, so resampling can't say how far it
    would move; and answers to like questions should be alike.
    """

    def statistics(self, answers: Answers) -> np.ndarray:
        return repetition(answers, 2)

    def combine(self, sums: np.ndarray) -> float:
        """Between 0 and 1; NaN where no answer is long enough."""
        return ratio(sums[0], sums[1])
