"""What the scores of repetition count."""

from __future__ import annotations

import numpy as np

from tunesmith.evaluate.metrics._words import grams, words
from tunesmith.parts import Answers


def repetition(answers: Answers, order: int) -> np.ndarray:
    """float64 [B, 2]: different runs of `order` words in each answer, and all of them."""
    found = [grams(words(answer.text), order) for answer in answers.answers]
    return np.array([(len(each), each.total()) for each in found], np.float64).reshape(len(found), 2)
