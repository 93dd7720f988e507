"""Share of answers that are one of the references, but for case and blanks."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._rows import averaged, mean
from tunesmith.parts import Answers, TextMetric


class ExactMatch(TextMetric):
    """The rows that lists of gained and lost answers speak of; rows without a reference do not count."""

    share: ClassVar[bool] = True

    def statistics(self, answers: Answers) -> np.ndarray:
        rows = zip(answers.hits, answers.references, strict=True)
        return averaged(float(hit) if wanted else None for hit, wanted in rows)

    def combine(self, sums: np.ndarray) -> float:
        """Between 0 and 1."""
        return mean(sums)
