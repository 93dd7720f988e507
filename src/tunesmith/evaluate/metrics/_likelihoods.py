"""Sums of likelihoods that several scores share: how likely the record's own answers are."""

from __future__ import annotations

import numpy as np

from tunesmith.parts import Answers


def sums(answers: Answers) -> np.ndarray:
    """float64 [B, 4]: −Σ natural log-probability, supervised tokens, likeliest tokens, size of their text.

    A row without a likelihood adds zeros.
    """
    known = [answer.likelihood for answer in answers.answers]
    table = [(0.0,) * 4 if k is None else (k.nll, k.tokens, k.right, k.size) for k in known]
    return np.array(table, np.float64).reshape(len(known), 4)
