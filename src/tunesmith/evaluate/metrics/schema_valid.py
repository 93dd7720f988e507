"""Share of answers that are JSON and fit the JSON Schema that is wanted of them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._rows import mean
from tunesmith.parts import Answers, TextMetric


class SchemaValid(TextMetric):
    """Of the answers to rows that have a schema: the task's `answer_schema` or the row's own; NaN without any."""

    share: ClassVar[bool] = True

    def statistics(self, answers: Answers) -> np.ndarray:
        return answers.demands.get("schema", np.zeros((len(answers.rows), 2)))

    def combine(self, sums: np.ndarray) -> float:
        """Between 0 and 1."""
        return mean(sums)
