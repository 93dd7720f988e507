"""F1 of the words that answer and reference share, in any order."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from tunesmith.evaluate.metrics._rows import best, mean
from tunesmith.evaluate.metrics._words import MARKS, f1, runs
from tunesmith.parts import Answers, TextMetric

_ARTICLES = frozenset(("a", "an", "the"))
_SIGNS = re.compile(f"[^\\w\\s{MARKS}]|_")


class TokenF1(TextMetric):
    """As SQuAD scores (Rajpurkar et al. 2016): lower case, without punctuation and English articles; of several
    references the best counts; then the mean over rows."""

    def statistics(self, answers: Answers) -> np.ndarray:
        return best(answers, overlap)

    def combine(self, sums: np.ndarray) -> float:
        """Between 0 and 1."""
        return mean(sums)


def overlap(answer: str, reference: str) -> float:
    """F1 of two bags of words; 1 where both are empty."""
    one, other = _words(answer), _words(reference)
    return f1((Counter(one) & Counter(other)).total(), len(one), len(other))


def _words(text: str) -> list[str]:
    return [word for word in runs(_SIGNS.sub("", text.lower())) if word not in _ARTICLES]
