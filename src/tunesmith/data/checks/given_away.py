"""L212: the label stands in the text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

from tunesmith.data.checks._rows import key_of, label_form, labelled, plural, text_of
from tunesmith.data.checks._sample import Sample
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check

SAMPLED = 2_500  # rows
LOOKED_AT = 2_000  # characters of a text
OWN, ELSEWHERE = 0.6, 0.05  # shares of the class's texts, and of the others, that hold the label's words
FEWEST = 20  # sampled rows of a class
SHORTEST = 3  # letters of a word that counts
_WORD = re.compile(rb"[a-z0-9\x80-\xff]+")  # of UTF-8


class GivenAway(Check):
    """A class that is told by its own name: a search for the word would do, or the text was made from the label.

    State: a sample of (label, words of the text).
    """

    code = "L212"
    wants = frozenset({"labels"})

    def start(self) -> Sample:
        return Sample(SAMPLED)

    def update(self, state: Sample, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Sample:
        for row in rows:
            key = key_of(row)
            if state.wants(key) and (labels := evidence["content"].labels(row)):
                state.add(key, (labels[0], _words(text_of(row, evidence)[:LOOKED_AT])))
        return state

    def merge(self, first: Sample, second: Sample) -> Sample:
        return first.joined(second)

    def findings(self, state: Sample) -> list[Finding]:
        found = sorted(_told(list(state)), reverse=True)
        if not found:
            return []
        some = ", ".join(f"{label!r} ({own:.0%} of its texts)" for own, label, _ in found[:3])
        message = f"{plural(len(found), 'label')} given away by the text itself: {some}"
        numbers = {"labels": len(found), "sampled": len(state)}
        fix = Fix("tunesmith explain L212", "says when this is a leak and when it is the task")
        return [Finding(self.code, "info", message, sum(rows for *_, rows in found), (), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        rows = [(f"where is my order number {i}", "parcel") for i in range(FEWEST)]
        told = [(f"a refund for bill {i}, please", "refund") for i in range(FEWEST)]
        fine = [(f"give me the money for bill {i}", "refund") for i in range(FEWEST)]
        return labelled(*rows, *told), labelled(*rows, *fine)


def _words(text: str) -> frozenset[int]:
    """Checksums of its words: a state holds no texts."""
    return frozenset(map(crc32, _spelt(text)))


def _spelt(text: str) -> list[bytes]:
    return _WORD.findall(text.casefold().encode("utf-8", "surrogatepass"))


def _told(rows: Sequence[tuple[str, frozenset[int]]]) -> list[tuple[float, str, int]]:
    """(share of its texts that hold the label, label, sampled rows) of the labels that are given away."""
    spelt = {label: label_form(label) for label in {label for label, _ in rows}}
    texts: dict[str, list[frozenset[int]]] = defaultdict(list)
    for label, words in rows:
        texts[spelt[label]].append(words)
    found = []
    for label, own in texts.items():
        if len(own) < FEWEST or len(texts) < 2 or not _speaks(label):
            continue
        wanted = _forms(label)
        hits = _holding(own, wanted)
        if hits < OWN * len(own):
            continue
        others = sum(_holding(each, wanted) for each in texts.values()) - hits
        if others <= ELSEWHERE * (len(rows) - len(own)):
            found.append((hits / len(own), label, len(own)))
    return found


def _forms(label: str) -> list[frozenset[int]]:
    """For each word of the label what may stand for it: itself, with and without a plural's s."""
    return [frozenset(map(crc32, (word, word + b"s", word.removesuffix(b"s")))) for word in _spelt(label)]


def _holding(texts: Sequence[frozenset[int]], wanted: Sequence[frozenset[int]]) -> int:
    return sum(all(not forms.isdisjoint(words) for forms in wanted) for words in texts)


def _speaks(label: str) -> bool:
    """Whether it has a word that can stand in a text; numbers and letters stand everywhere."""
    return any(len(word) >= SHORTEST and not word.isdigit() for word in _spelt(label))
