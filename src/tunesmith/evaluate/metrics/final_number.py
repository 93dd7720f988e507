"""Share of answers whose last number is the reference's last number: for word problems."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

import numpy as np

from tunesmith.evaluate.metrics._rows import averaged, mean
from tunesmith.parts import Answers, TextMetric

# a minus belongs to the number unless it stands behind a number, a letter or a bracket (7-3, covid-19)
_NUMBER = re.compile(r"(?:(?<![\w)\]])[-−])?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?")


class FinalNumber(TextMetric):
    """Whatever way the answer took (Cobbe et al. 2021, GSM8K, marks its results by ####).

    Numbers are read as English writes them: 1,250.5 has a thousands comma, and 18, 18.0 and $18 are one number.
    Rows whose references hold no number do not count.
    """

    share: ClassVar[bool] = True

    def statistics(self, answers: Answers) -> np.ndarray:
        rows = zip(answers.answers, answers.references, strict=True)
        return averaged(_hit(answer.text, wanted) for answer, wanted in rows)

    def combine(self, sums: np.ndarray) -> float:
        """Between 0 and 1."""
        return mean(sums)


def _hit(text: str, references: Sequence[str]) -> float | None:
    wanted = {last_number(each) for each in references} - {None}
    return float(last_number(text) in wanted) if wanted else None


def last_number(text: str) -> Decimal | None:
    """The number that stands last in a text; None without one."""
    found = _NUMBER.findall(text)
    return Decimal(found[-1].replace(",", "").replace("−", "-")) if found else None
