"""Finds personal data and secrets in texts: patterns with checksums, offline, without a model.

Names, addresses and organisations can't be told from other words by a pattern: a token classifier finds them
(`inputs/entities.py`), where one is given.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Sequence

import numpy as np

from tunesmith.fields import Record
from tunesmith.inputs.personal_contacts import CONTACTS
from tunesmith.inputs.personal_ids import NATIONAL_IDS
from tunesmith.inputs.personal_money import MONEY
from tunesmith.inputs.personal_secrets import SECRETS
from tunesmith.inputs.personal_words import Detector, Found
from tunesmith.parts import Content

DETECTORS: tuple[Detector, ...] = (*CONTACTS, *MONEY, *NATIONAL_IDS, *SECRETS)
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(each.group for each in DETECTORS))
NAMES = ("name", "address", "organisation")  # groups that only a classifier finds
_NUMERIC = tuple(each for each in DETECTORS if not each.gate)
_MARKED = tuple(each for each in DETECTORS if each.gate and not each.word)
_TOKENS = tuple(each for each in DETECTORS if each.gate and each.word)
_TOKEN = min(each.word for each in _TOKENS)
# where numbers that mean somebody may stand, told from their digits since those are rarer than letters: two letters,
# two digits and a group (an account); seven digits near each other (six before one of A to D); four before a letter
_NEXT = r"(?:[ ./()\u00a0-]{0,3}|[A-Za-z]{1,4})[0-9]"
_DIGITS = re.compile(
    r"(?<=[A-Za-z][A-Za-z])[0-9]{2}[ -]?[A-Za-z0-9]{4}(?:[ -]?[A-Za-z0-9]{1,4}){1,9}"
    rf"|[0-9](?:{_NEXT}){{5}}(?:(?:{_NEXT}){{1,80}}| ?[A-D]\b)"
    r"|[0-9]{4}[A-Z]"
)
_REACH = 24  # characters around them that may belong to the value: country letters, brackets, an extension
_SUM = ("=", "*", "×", "÷")  # what follows a number in a calculation
_NOTHING: frozenset[str] = frozenset()


def find(text: str, groups: Iterable[str] = (), also: Sequence[Found] = ()) -> list[Found]:
    """The values in a text, in order, none overlapping another; of two that do, the surer, then the longer stays.

    groups: only these (all, where there are none).  also: what a classifier found in the text.
    """
    wanted = frozenset(groups)
    found = [*_all(text), *also]
    if not found:
        return found
    chosen: list[Found] = []
    for each in sorted(found, key=lambda each: (-each.score, each.start - each.end, each.start)):
        place = bisect.bisect_left(chosen, each.start, key=lambda other: other.start)
        before, after = chosen[place - 1 : place], chosen[place : place + 1]
        if not (before and before[0].end > each.start) and not (after and after[0].start < each.end):
            chosen.insert(place, each)
    return [each for each in chosen if not wanted or each.group in wanted]


def kinds(rows: Sequence[Record], content: Content) -> np.ndarray:
    """The kinds of values that each row's texts hold: evidence 'personal', object [B] of frozensets."""
    found = np.empty(len(rows), dtype=object)
    for index, row in enumerate(rows):
        found[index] = _kinds(text for _, text in content.passages(row))
    return found


def group_of(kind: str) -> str:
    """What a detector's kind counts as."""
    return _GROUP_OF[kind]


_GROUP_OF = {each.kind: each.group for each in DETECTORS}


def _kinds(texts: Iterable[str]) -> frozenset[str]:
    found = [each.kind for text in texts for each in find(text)]
    return frozenset(found) if found else _NOTHING


def _all(text: str) -> Iterable[Found]:
    low = text.lower()
    found = [
        one for each in _MARKED if each.gate and each.gate(low) for one in each.found(text, 0, len(text))
    ]
    if len(text) >= _TOKEN and max(map(len, text.split()), default=0) >= _TOKEN:
        for each in _TOKENS:
            if each.gate and each.gate(low):
                found += each.found(text, 0, len(text))
    for digits in _DIGITS.finditer(text):
        if text[digits.end() : digits.end() + 2].lstrip().startswith(_SUM):
            continue
        start, stop = max(0, digits.start() - _REACH), min(len(text), digits.end() + _REACH)
        for each in _NUMERIC:
            found += each.found(text, start, stop)
    return found
