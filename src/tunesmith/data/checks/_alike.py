"""What makes two texts near-duplicates, decided pair by pair: shared 5-grams, or few edits of short texts."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

THRESHOLD = 0.7  # Jaccard similarity of the sets of character 5-grams
GRAM = 5
LONGEST = 50_000  # characters of a text that are compared: far beyond what a classifier reads
# Characters of texts of which a single typo lowers that similarity a lot: edits are counted.  Not below ten: there one
# edit is more than a tenth, and makes another word as often as a typo ("yes", "yet"; "indoor", "indoors").
SHORT = range(10, 80)
TINY = 20  # characters under which one edit is all that is allowed
RIVALS = 200  # texts, nearest in length first, that a text is compared with: keeps templates from costing n²
_NUMBER = re.compile(r"(\d{1,64})(?:\s?([ap])\.?m\b)?")


def alike(one: str, other: str, threshold: float = THRESHOLD) -> bool:
    """Whether two normalised texts are near-duplicates: equal, similar by 5-grams, or short and with few edits."""
    return one == other or jaccard(one, other) >= threshold or few_edits(one, other, (1 - threshold) / 3)


def jaccard(one: str, other: str) -> float:
    """Shared 5-grams ÷ all 5-grams of two texts; a text shorter than five characters is its own gram."""
    first, second = _grams(one), _grams(other)
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


@lru_cache(64)  # few, since a long text has tens of thousands
def _grams(text: str) -> frozenset[str]:
    return frozenset(text[at : at + GRAM] for at in range(max(1, len(text) - GRAM + 1)))


def few_edits(one: str, other: str, share: float) -> bool:
    """Whether texts of 10 to 79 characters have the same numbers, and at most `share` of the longer one is edited.

    Where one has fewer than 20 characters, one edit at most, and none that makes another word of a single letter: "plan
    a" and "plan b" are two matters.
    """
    low, high = sorted((len(one), len(other)))
    if low < SHORT.start or high >= SHORT.stop:
        return False
    allowed = share * high if low >= TINY else min(1.0, share * high)
    # another number is another matter ("invoice 37", "invoice 38"), however few characters it takes
    if high - low > allowed or numbers(one) != numbers(other):
        return False
    return distance(one, other, int(allowed)) <= allowed and (low >= TINY or not _other_letter(one, other))


def numbers(text: str) -> list[tuple[str, str]]:
    """The runs of digits in a text, each with 'a' or 'p' where it is a time before or after noon, else ''."""
    return _NUMBER.findall(text)


def _other_letter(one: str, other: str) -> bool:
    pairs = zip(one.split(), other.split(), strict=False)
    for first, second in ((_letters(a), _letters(b)) for a, b in pairs if a != b):
        return first != second and len(first) == len(second) == 1
    return False


def _letters(word: str) -> str:
    return "".join(filter(str.isalnum, word))


def distance(first: str, second: str, most: int | None = None) -> int:
    """The Levenshtein distance: characters replaced, left out or added; most + 1 where it is more than `most`."""
    return Levenshtein.distance(first, second, score_cutoff=most)


class Among:
    """Normalised texts that others are held against."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._forms = sorted(set(texts), key=lambda text: (len(text), text))
        self._known = frozenset(self._forms)

    def has_twin(self, text: str) -> bool:
        """Whether one of them is a near-duplicate of the text; of those that are not equal the RIVALS nearest in length
        are looked at."""
        return text in self._known or any(alike(text, each) for each in self._nearest(text))

    def _nearest(self, text: str) -> list[str]:
        middle = bisect_left(self._forms, len(text), key=len)
        around = self._forms[max(0, middle - RIVALS) : middle + RIVALS]
        return sorted(around, key=lambda each: abs(len(each) - len(text)))[:RIVALS]
