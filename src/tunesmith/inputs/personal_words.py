"""The words of personal data: what a detector is, what it found, and how near words change its mind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

BEFORE, AFTER = 48, 24  # characters around a value in which words speak about it


@dataclass(frozen=True, slots=True)
class Found:
    """One value in a text: text[start:end].  kind: what it is; group: what it counts as.  score: 0..1, how sure."""

    start: int
    end: int
    kind: str
    group: str
    score: float


@dataclass(frozen=True, slots=True)
class Detector:
    """How values of one kind are found.

    pattern: linear (bounded repetitions); its group `value`, where it has one, is what counts.
    keep: how many characters of a match are the value, 0 where its checksum or range says that it is none.
    near: words around it; without one of them a value counts only where `alone` says so, with one it is surer.
    never: words right before it that make it something else.  gate: a quick test of the whole text in lower case;
    without a gate the pattern is tried only where many digits stand together.  word: a text with one has a word (a run
    without blanks) of at least so many characters.
    """

    kind: str
    group: str
    pattern: re.Pattern[str]
    score: float
    keep: Callable[[str], int] = len
    near: re.Pattern[str] | None = None
    alone: bool = True
    never: re.Pattern[str] | None = None
    gate: Callable[[str], bool] | None = None
    word: int = 0

    def found(self, text: str, start: int, stop: int) -> Iterable[Found]:
        """The values within text[start:stop], without one that touches the end: there it may go on."""
        part = "value" if "value" in self.pattern.groupindex else 0
        match = self.pattern.search(text, start, stop)
        while match:
            first, size = match.start(part), self.keep(match[part])
            score = self._score(text, first, first + size) if size else 0.0
            if score and not match.end() == stop < len(text):
                yield Found(first, first + size, self.kind, self.group, score)
            # what is no value may hide one that begins within it
            match = self.pattern.search(text, first + size if score else match.start() + 1, stop)

    def _score(self, text: str, start: int, end: int) -> float:
        before = text[max(0, start - BEFORE) : start]
        if self.near is not None and (self.near.search(before) or self.near.search(text[end : end + AFTER])):
            return min(1.0, self.score + 0.2)
        if not self.alone or (self.never is not None and self.never.search(before)):
            return 0.0
        return self.score


def words(*each: str) -> re.Pattern[str]:
    """A pattern of whole words, whatever their case; a word may be the start of one when it ends with '*'."""
    tails = (re.escape(word.rstrip("*")) + ("" if word.endswith("*") else r"\b") for word in each)
    return re.compile(rf"\b(?:{'|'.join(tails)})", re.IGNORECASE)


def when(valid: Callable[[str], bool]) -> Callable[[str], int]:
    """A `keep` that takes the whole match or nothing."""
    return lambda value: len(value) if valid(value) else 0


def has(*signs: str) -> Callable[[str], bool]:
    """A gate: one of these stands in the text."""

    def test(low: str) -> bool:
        for sign in signs:  # noqa: SIM110 - twice as fast as any() over a generator, on every text
            if sign in low:
                return True
        return False

    return test
