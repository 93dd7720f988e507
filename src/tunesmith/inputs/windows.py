"""What fits into a model's window: a row's tokens left out, cut, or divided, with a count of what is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from tunesmith.parts import Tokens

Truncation = Literal["drop", "left", "right", "split"]
CONTEXT = 4  # a later window of a divided conversation begins with a quarter of what came before, unlearnt


def fitted(
    ids: Sequence[int], weights: Sequence[float], *, truncation: Truncation, window: int, keep: int = 0
) -> list[Tokens]:
    """A row as none, one or many windows of at most `window` tokens (0: any length).

    drop: a row that is too long gives none.  left: its end stays.  right: its start stays.  split: consecutive windows,
    in which every learnt token is learnt once.  keep: so many tokens at the start (the bos token) stand before every
    window.
    """
    if not window or len(ids) <= window:
        return [Tokens(tuple(ids), tuple(weights))]
    if truncation == "drop":
        return []
    if truncation == "split":
        return divided(
            ids, weights, window=window, stride=max(window - keep - window // CONTEXT, 1), keep=keep
        )
    head = min(keep, window - 1) if truncation == "left" else 0
    rest = slice(len(ids) - (window - head), None) if truncation == "left" else slice(0, window)
    return [_taken(ids, weights, head, rest)]


def divided(
    ids: Sequence[int], weights: Sequence[float], *, window: int, stride: int, keep: int = 0
) -> list[Tokens]:
    """Consecutive windows, each with at most `stride` tokens that none before it had; what it repeats is only read.

    Every weight is kept once, but for a first token, which has nothing before it.  A window in which nothing is learnt
    is left out, if another one has something; the first window that stays counts its tokens as cut.
    """
    head = min(keep, max(window - 2, 0))
    context = min(max(window - head - stride, 0 if head else 1), max(window - head - 1, 0))
    spans, stop = [(0, 0, min(window, len(ids)))], min(window, len(ids))
    while stop < len(ids):
        spans.append((stop - context, stop, min(stop + window - head - context, len(ids))))
        stop = spans[-1][2]
    useful = [span for span in spans if any(weights[max(span[1], 1) : span[2]])] or spans
    lost = len(ids) - len({at for start, _, stop in useful for at in range(start, stop)})
    made = [_window(ids, weights, span, ids[:head] if span[0] else ()) for span in useful]
    return [replace(made[0], cut=lost), *made[1:]]


def _window(
    ids: Sequence[int], weights: Sequence[float], span: tuple[int, int, int], head: Sequence[int]
) -> Tokens:
    """A span (first token, first one that no window before had, end) with what begins the text before it."""
    start, fresh, stop = span
    own = [0.0] * (len(head) + fresh - start) + list(weights[fresh:stop])
    return Tokens((*head, *ids[start:stop]), (0.0, *own[1:]) if own else ())


def _taken(ids: Sequence[int], weights: Sequence[float], head: int, rest: slice) -> Tokens:
    """The first tokens of a row and a further part; of those that are lost it is counted how many would have been
    learnt."""
    own = (*weights[:head], *weights[rest])
    own = (0.0, *own[1:])
    learnt = (len(weights) - weights.count(0.0)) - (len(own) - own.count(0.0))
    kept = (*ids[:head], *ids[rest])
    return Tokens(kept, own, len(ids) - len(kept), learnt)
