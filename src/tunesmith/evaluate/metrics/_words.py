"""Words of a text in any script, as the scores of texts count them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

# scripts that put no blanks between words: each character counts as one
_SINGLE = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# signs that belong to the letter before them, which Python does not take for parts of words
MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e00-\u0eff"
_WORD = re.compile(f"[{_SINGLE}]|(?:[^\\W_{_SINGLE}]|[{MARKS}])+")
_RUN = re.compile(f"[{_SINGLE}]|[^\\s{_SINGLE}]+")


def words(text: str) -> list[str]:
    """Runs of letters and digits in lower case; Chinese and Japanese characters one by one."""
    return _WORD.findall(text.lower())


def runs(text: str) -> list[str]:
    """What stands between blanks; Chinese and Japanese characters one by one."""
    return _RUN.findall(text)


def grams(items: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    """How often each run of `order` neighbours occurs."""
    return Counter(zip(*(items[start:] for start in range(order)), strict=False))


def f1(shared: float, one: int, other: int) -> float:
    """Harmonic mean of shared ÷ one and shared ÷ other; 1 where both sides are empty."""
    return 2 * shared / (one + other) if one + other else 1.0
