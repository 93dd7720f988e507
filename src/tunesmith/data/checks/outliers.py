"""Q507: rows far from all others in meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.data.checks._rows import labelled, plural, review_fix, text_of
from tunesmith.fields import Record
from tunesmith.findings import SHOWN, Finding, Place
from tunesmith.parts import Case, Check

NEAREST = 5
FEWEST = 50  # rows: among fewer nothing is far from the others
COMPARED = 10_000  # rows that each row is compared with: more hardly change who is far
# Robust standard deviations above the median distance.  On minilm's vectors this finds 13 of banking77's 10,003 rows
# ("What is this witdrawal", "WHAT IS THE ATMOSPHERE OF IT"), 23 of bitext's 4,514 (typing errors) and none of
# sms-spam's, where every text is about something else; of 20 SMS put into banking77, five at a time, 18.
FAR = 4.5
_BLOCK = 2048


class Outliers(Check):
    """Distance: the mean cosine distance to the five nearest rows.  State: [(place, vector as float16)]."""

    code = "Q507"
    needs = frozenset({"embeddings"})

    def start(self) -> list[tuple[Place, np.ndarray]]:
        return []

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        vectors = evidence["embeddings"].astype(np.float16)
        both = zip(rows, vectors, strict=True)
        state += [(row.place, vector) for row, vector in both if text_of(row, evidence).strip()]
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        if len(state) < FEWEST:
            return []
        distance = distances(np.stack([vector for _, vector in state]).astype(np.float32))
        middle = float(np.median(distance))
        spread = 1.4826 * float(np.median(np.abs(distance - middle)))
        limit = middle + FAR * max(spread, 0.1 * middle, 0.01)
        order = np.argsort(-distance, kind="stable")
        far = [state[row][0] for row in order if distance[row] > limit]
        if not far:
            return []
        message = (
            f"{plural(len(far), 'row')} far from all others in meaning: another topic or language, or damaged"
        )
        fix = review_fix(self.code, "leaves these rows out; look at them first", [place.id for place in far])
        numbers = {"rows": len(far), "share": len(far) / len(state), "limit": limit}
        return [Finding(self.code, "info", message, len(far), tuple(far[:SHOWN]), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        draw = np.random.default_rng(0)
        rows = [(f"where is parcel {i}", "parcel") for i in range(60)]
        near = (np.eye(1, 16) + 0.05 * draw.standard_normal((60, 16))).astype(np.float32)
        far = near.copy()
        far[7] = np.eye(1, 16, 9)
        return labelled(*rows, embeddings=far), labelled(*rows, embeddings=near)


def distances(vectors: np.ndarray) -> np.ndarray:
    """The mean cosine distance [N] of each vector [N, D] to its nearest neighbours among evenly chosen rows."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    chosen = np.arange(0, len(unit), max(1, -(-len(unit) // COMPARED)))
    others = unit[chosen]
    found = np.empty(len(unit), np.float32)
    for start in range(0, len(unit), _BLOCK):
        like = unit[start : start + _BLOCK] @ others.T
        own = (chosen >= start) & (chosen < start + _BLOCK)
        like[chosen[own] - start, np.flatnonzero(own)] = -2  # a row is no neighbour of itself
        found[start : start + _BLOCK] = np.partition(like, -NEAREST, axis=1)[:, -NEAREST:].mean(axis=1)
    return 1 - found
