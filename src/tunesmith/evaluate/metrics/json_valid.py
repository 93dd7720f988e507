"""Share of answers that are one JSON value and nothing besides."""

from __future__ import annotations

import json
from typing import ClassVar, NoReturn

import numpy as np

from tunesmith.evaluate.metrics._rows import averaged, mean
from tunesmith.parts import Answers, TextMetric


class JsonValid(TextMetric):
    """Read strictly (RFC 8259): words around it, a fence of Markdown, NaN or a trailing comma make an answer
    invalid."""

    share: ClassVar[bool] = True

    def statistics(self, answers: Answers) -> np.ndarray:
        return averaged(float(parses(answer.text)) for answer in answers.answers)

    def combine(self, sums: np.ndarray) -> float:
        """Between 0 and 1."""
        return mean(sums)


def parses(text: str) -> bool:
    """Whether a text is JSON."""
    try:
        json.loads(text, parse_int=str, parse_constant=_no_constant)  # Python limits the digits of an int
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
