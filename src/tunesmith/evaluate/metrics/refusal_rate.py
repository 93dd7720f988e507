"""Share of answers that refuse, or speak as a language model."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._rows import averaged, mean
from tunesmith.inputs.refusing import refuses
from tunesmith.parts import Answers, TextMetric


class RefusalRate(TextMetric):
    """Known by the phrases that check Q505 looks for, in 15 languages.

    Less is better, as it is for questions that deserve an answer; on rows that should be refused, read it the other
    way round.
    """

    better: ClassVar[int] = -1
    share: ClassVar[bool] = True

    def statistics(self, answers: Answers) -> np.ndarray:
        return averaged(float(refuses(answer.text)) for answer in answers.answers)

    def combine(self, sums: np.ndarray) -> float:
        """Between 0 and 1."""
        return mean(sums)
