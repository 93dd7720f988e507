"""BLEU: precision of runs of one to four words over all rows, with a penalty for answers that are too short."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tunesmith.evaluate.metrics._thirteen import tokens
from tunesmith.evaluate.metrics._words import grams
from tunesmith.parts import Answers, TextMetric

ORDER = 4


class Bleu(TextMetric):
    """Over all rows together (Papineni et al. 2002; smoothing "exp" of Chen & Cherry 2014, tokenizer 13a, case kept):
    the number that sacrebleu gives, divided by 100.  Its words end at blanks, so for Chinese, Japanese and Thai read
    chrF instead."""

    def statistics(self, answers: Answers) -> np.ndarray:
        rows = zip(answers.answers, answers.references, strict=True)
        return np.array([_counts(answer.text, wanted) for answer, wanted in rows], float).reshape(
            -1, 2 + 2 * ORDER
        )

    def combine(self, sums: np.ndarray) -> float:
        """Between 0 and 1; NaN where no row has a reference."""
        ours, theirs = float(sums[0]), float(sums[1])
        right, total = sums[2 : 2 + ORDER], sums[2 + ORDER :]
        if not sums.any():
            return float("nan")
        if not right.any() or not total.all():
            return 0.0
        short = math.exp(1 - theirs / ours) if ours < theirs else 1.0
        return short * math.exp(np.log(_precisions(right, total)).mean())


def _precisions(right: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Of each order; the k-th that has no hit counts as 2^-k hits."""
    missed = np.cumsum(right == 0)
    return np.where(right > 0, right, 0.5**missed) / total


def _counts(answer: str, references: Sequence[str]) -> list[int]:
    """Words of the answer and of the reference nearest in length; hits, then runs of the answer, by order."""
    if not references:
        return [0] * (2 + 2 * ORDER)
    given, wanted = tokens(answer), [tokens(each) for each in references]
    nearest = min((abs(len(given) - len(each)), len(each)) for each in wanted)[1]
    return [
        len(given),
        nearest,
        *(_hits(given, wanted, order) for order in range(1, ORDER + 1)),
        *(max(0, len(given) - order + 1) for order in range(1, ORDER + 1)),
    ]


def _hits(given: list[str], wanted: list[list[str]], order: int) -> int:
    """Runs of the answer that a reference has too, each as often as the reference that has it most."""
    most: Counter[tuple[str, ...]] = Counter()
    for each in wanted:
        most |= grams(each, order)
    return (grams(given, order) & most).total()
