"""Share of answers that end by themselves within the limit of tokens."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._rows import averaged, mean
from tunesmith.parts import Answers, TextMetric


class Stops(TextMetric):
    """A model that never learnt its end token talks until it is cut off.  The limit is the task's `answer_tokens`."""

    share: ClassVar[bool] = True

    def statistics(self, answers: Answers) -> np.ndarray:
        return averaged(float(answer.stopped) for answer in answers.answers)

    def combine(self, sums: np.ndarray) -> float:
        """Between 0 and 1."""
        return mean(sums)
