"""chrF: F-score of the runs of one to six characters that answer and reference share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tunesmith.evaluate.metrics._counts import share
from tunesmith.parts import Answers, TextMetric

ORDER = 6
BETA = 2.0  # recall counts twice as much as precision


class Chrf(TextMetric):
    """Over all rows together (Popović 2015), without blanks: the number that sacrebleu gives as chrF2, divided by 100.
    Of several references the one that suits the row best counts.  It needs no words, so it suits every language."""

    def statistics(self, answers: Answers) -> np.ndarray:
        rows = zip(answers.answers, answers.references, strict=True)
        return np.array([_best(answer.text, wanted) for answer, wanted in rows]).reshape(-1, 3 * ORDER)

    def combine(self, sums: np.ndarray) -> float:
        """Between 0 and 1; NaN where no row has a reference."""
        return _score(sums) if sums.any() else float("nan")


def _score(counts: np.ndarray) -> float:
    given, wanted, both = counts.reshape(3, ORDER)
    compared = (given > 0) & (wanted > 0)
    if not both[compared].any():
        return 0.0
    precision, recall = (share(both, each)[compared].mean() for each in (given, wanted))
    return float((1 + BETA**2) * precision * recall / (BETA**2 * precision + recall))


def _best(answer: str, references: Sequence[str]) -> np.ndarray:
    """Counts [3 · ORDER] against the reference with the highest score: runs of the answer, the reference, both."""
    if not references:
        return np.zeros(3 * ORDER)
    given = _grams(answer)
    counted = [_counts(given, _grams(each)) for each in references]
    return counted[0] if len(counted) == 1 else max(counted, key=_score)


def _grams(text: str) -> list[Counter[str]]:
    letters = "".join(text.split())
    return [
        Counter(letters[start : start + order] for start in range(len(letters) - order + 1))
        for order in range(1, ORDER + 1)
    ]


def _counts(given: list[Counter[str]], wanted: list[Counter[str]]) -> np.ndarray:
    pairs = list(zip(given, wanted, strict=True))
    # an answer is not blamed for runs that are longer than its reference
    ours = [one.total() if other else 0 for one, other in pairs]
    return np.array([ours, [w.total() for w in wanted], [_shared(*pair) for pair in pairs]], float).ravel()


def _shared(one: Counter[str], other: Counter[str]) -> int:
    return sum(min(count, other[gram]) for gram, count in one.items() if gram in other)
