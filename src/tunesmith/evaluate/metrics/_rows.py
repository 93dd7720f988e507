"""What scores of texts share: one value a row, averaged over the rows that have one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tunesmith.evaluate.metrics._counts import ratio
from tunesmith.parts import Answers


def averaged(values: Iterable[float | None]) -> np.ndarray:
    """float64 [B, 2]: (value, 1) for each row, zeros where it is None."""
    pairs = [(0.0, 0.0) if value is None else (float(value), 1.0) for value in values]
    return np.array(pairs, np.float64).reshape(len(pairs), 2)


def best(answers: Answers, score: Callable[[str, str], float]) -> np.ndarray:
    """`averaged` of the score of (answer, reference) with the reference that suits the answer best."""
    pairs = zip(answers.answers, answers.references, strict=True)
    return averaged(
        max((score(answer.text, each) for each in wanted), default=None) for answer, wanted in pairs
    )


def mean(sums: np.ndarray) -> float:
    """The average from the sums of `averaged`; NaN where no row has a value."""
    return ratio(sums[0], sums[1])
