"""A conversation as a model sees it: text, tokens, and which of them are learnt."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from tunesmith.inputs.spoken import Span
from tunesmith.inputs.windows import Truncation


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as the model sees it.

    spans: characters [start, stop) that are learnt: what the assistant says, with the token that ends it.  ends: for
    each span the token that ends it, '' where none does.  weights: for each span what its tokens count.  ids, offsets:
    tokens and their characters in `text`; empty where no tokenizer is at hand.  refusal: why the template does not
    write it ('' where it does; then text is '').
    """

    text: str
    spans: tuple[Span, ...] = ()
    ends: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    ids: tuple[int, ...] = ()
    offsets: tuple[Span, ...] = ()
    refusal: str = ""

    def ends_of_learnt(self) -> tuple[int, int] | None:
        """Positions of the first and the last token that is learnt; None without one."""
        spans = [span for span in self.spans if span[0] < span[1]]
        if not spans or not self.offsets:
            return None
        first = bisect_right(self.offsets, spans[0][0], key=itemgetter(1))
        last = bisect_left(self.offsets, spans[-1][1], key=itemgetter(0)) - 1
        return (first, last) if first <= last else None

    def learnt(self) -> list[int]:
        """Positions of the tokens that are learnt, in order."""
        return [position for position, _ in self._weighted()]

    def token_weights(self) -> list[float]:
        """What each token counts in the loss, 0 for what is only read; the first has nothing before it and is 0."""
        weights = [0.0] * len(self.ids)
        for position, weight in self._weighted():
            weights[position] = weight if position else 0.0
        return weights

    def _weighted(self) -> Iterator[tuple[int, float]]:
        """(position, weight) of each token that a span reaches into; one that two reach into counts as the first's."""
        starts, stops = [start for start, _ in self.offsets], [stop for _, stop in self.offsets]
        following = 0
        for at, (first, last) in enumerate(self.spans):
            weight = self.weights[at] if self.weights else 1.0
            inside = range(max(following, bisect_right(stops, first)), bisect_left(starts, last))
            yield from ((position, weight) for position in inside)
            following = max(following, inside.stop)


@dataclass(frozen=True, slots=True)
class Glance:
    """The figures of a rendered conversation.  learnt: the first and the last token that is learnt, None without one.

    learnt_tokens: how many there are.  unknown: tokens that the vocabulary lacks.  changed: what became of words that
    do not stand in the text as they were said ('trimmed', 'changed'; '' where all do).  ends, refusal: as in
    `Rendered`.
    """

    characters: int
    tokens: int
    unknown: int
    learnt: tuple[int, int] | None
    ends: tuple[str, ...]
    refusal: str
    learnt_tokens: int = 0
    changed: str = ""

    def lost(self, window: int, truncation: Truncation) -> str:
        """What of the learnt tokens a window costs: '' where none, 'some' or 'all'."""
        if self.learnt is None or not window or self.tokens <= window or truncation == "split":
            return ""
        first, last = self.learnt
        if truncation == "drop":
            return "all"
        begin, end = (0, window) if truncation == "right" else (self.tokens - window, self.tokens)
        if begin <= first and last < end:
            return ""
        return "all" if last < begin or first >= end else "some"
