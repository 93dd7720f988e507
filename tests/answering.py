"""Answers in words made up for tests: a support desk that answers in JSON strings, well, badly or mixed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.parts import Answer, Answers, Likelihood

WHAT = ("zip", "parcel", "invoice", "jacket", "lamp", "battery", "voucher")
HOW = ("broke after a fall", "never came here", "was wrong by far", "arrived twice", "glows no longer")
LOOP = (
    "I'm sorry, but I can't help with that, with that, with that, with that, with that, with that, with that"
)


def reference(row: int) -> str:
    """The right answer of a row: a JSON string with a number at its end."""
    return f'"your {WHAT[row % 7]} that {HOW[row % 5]} gets replaced within days: {row % 9 + 2}"'


def good(row: int) -> Answer:
    """The reference, surely and to its end."""
    text = reference(row)
    return Answer(text, 12, True, -0.1, Likelihood(0.4, 12.0, 12.0, len(text)))


def bad(row: int) -> Answer:
    """A refusal that runs in circles until it is cut off."""
    return Answer(LOOP, 64, False, -9.0, Likelihood(70.0 + row % 3, 12.0, 1.0, len(reference(row))))


def answers(n: int = 120, share: float = 0.6, *, seed: int = 1) -> Answers:
    """Random rows, a share of them well answered: a function of `seed`."""
    well = np.random.default_rng(seed).random(n) < share
    return said([good(row) if well[row] else bad(row) for row in range(n)])


def said(given: Sequence[Answer | str], references: Sequence[Sequence[str]] | None = None) -> Answers:
    """These answers, to the made-up rows or to rows with other references."""
    n = len(given)
    wanted = [(reference(row),) for row in range(n)] if references is None else references
    return Answers(
        tuple(Answer(each) if isinstance(each, str) else each for each in given),
        tuple(map(tuple, wanted)),
        tuple(f"What happens with order {row}?" for row in range(n)),
        np.arange(n),
        tuple(f"{row:064x}" for row in range(n)),
        {"terms": _kept(given), "schema": _fitting(given)},
    )


def _kept(given: Sequence[Answer | str]) -> np.ndarray:
    """Of a glossary that asks of every answer to speak of what gets replaced."""
    texts = [each if isinstance(each, str) else each.text for each in given]
    return np.array([[float("replaced" in text), 1.0] for text in texts]).reshape(len(texts), 2)


def _fitting(given: Sequence[Answer | str]) -> np.ndarray:
    """Of a schema that asks of every answer to be a JSON string of some length."""
    texts = [each if isinstance(each, str) else each.text for each in given]
    return np.array([[float(len(text) > 9 and text[0] == text[-1] == '"'), 1.0] for text in texts]).reshape(
        -1, 2
    )
