"""Makes the learning curve that tells beforehand what more rows would bring."""

from __future__ import annotations

import time
from collections.abc import Generator

import numpy as np

from tunesmith.evaluate.intervals import wilson
from tunesmith.events import Event, Progress, Stage
from tunesmith.inputs.heads import fit_margins
from tunesmith.inputs.ngrams import Ngrams
from tunesmith.lifecycle.doubting import truth
from tunesmith.lifecycle.known import Known, Unavailable

FEWEST, MOST = 200, 20_000  # labelled rows: fewer tell nothing, more are not needed
HELD_OUT = 0.25
SHARES = (0.2, 0.35, 0.6, 1.0)  # of the rows that are not held out
Curve = list[tuple[int, float, float, float]]


def curve(known: Known) -> Generator[Event, None, Curve]:
    """(rows, accuracy, low, high) of a linear model on n-grams, fitted on more and more rows; Wilson's intervals.

    Held-out rows are the same for each size and drawn by chance, so near-duplicates flatter every point alike.
    """
    names = yield from known.get("classes")
    own = truth(known.records, known.content, names)
    order = np.random.default_rng(0).permutation(np.flatnonzero(own >= 0))[:MOST]
    if len(order) < FEWEST:
        raise Unavailable
    yield Stage("learning-curve", f"{len(order):,} rows")
    texts = [known.content.text(known.records[row]) for row in order.tolist()]
    cut = round(HELD_OUT * len(order))
    points: Curve = []
    start = time.monotonic()
    for number, share in enumerate(SHARES, 1):
        rows = round(share * (len(order) - cut))
        right = _right(texts, own[order], cut, rows, len(names))
        points.append((rows, right / cut, *wilson(right, cut)))
        yield Progress("learning-curve", number, len(SHARES), time.monotonic() - start)
    return points


def _right(texts: list[str], own: np.ndarray, cut: int, rows: int, num_classes: int) -> int:
    """How many of the first `cut` rows a model is right about that has learnt from the `rows` that follow them."""
    grams = Ngrams({"word": 2, "char_wb": 4})
    try:
        columns = grams.fit(texts[cut : cut + rows])
    except ValueError:
        raise Unavailable from None
    labels = own[cut : cut + rows].tolist()
    head = fit_margins(columns, labels, num_classes, strength=1.0, balanced=False, seed=0)
    return int((head.logits(grams.transform(texts[:cut])).argmax(axis=1) == own[:cut]).sum())
