"""Share of answers that keep to the glossary: required terms used, forbidden ones avoided."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._rows import mean
from tunesmith.parts import Answers, TextMetric


class Terminology(TextMetric):
    """Of the answers for which a term of the glossary holds (`inputs/terms.py`); NaN where the task has no glossary."""

    share: ClassVar[bool] = True

    def statistics(self, answers: Answers) -> np.ndarray:
        return answers.demands.get("terms", np.zeros((len(answers.rows), 2)))

    def combine(self, sums: np.ndarray) -> float:
        """Between 0 and 1."""
        return mean(sums)
