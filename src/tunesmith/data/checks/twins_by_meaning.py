"""D114: rows that say the same in other words (cosine of their vectors of 0.95 or more)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.data.checks._rows import labelled, plural, shown
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix, Place
from tunesmith.inputs import meaning
from tunesmith.parts import Case, Check

MANY = 0.2  # share of rows from which the data is smaller than it looks
State = list[tuple[np.ndarray, np.ndarray, list[Place]]]


class TwinsByMeaning(Check):
    """Rows that are twins by their characters (D104) count once.  State: (vectors, clusters, places) of each batch."""

    code = "D114"
    needs = frozenset({"embeddings", "twins"})

    def start(self) -> State:
        return []

    def update(self, state: State, rows: Sequence[Record], evidence: Mapping[str, Any]) -> State:
        vectors, twins = np.asarray(evidence["embeddings"]), np.asarray(evidence["twins"])
        return [*state, (vectors, twins, [row.place for row in rows])] if len(rows) else state

    def merge(self, first: State, second: State) -> State:
        return [*first, *second]

    def findings(self, state: State) -> list[Finding]:
        if not state:
            return []
        vectors = np.concatenate([vectors for vectors, *_ in state])
        twins = np.concatenate([twins for _, twins, _ in state])
        places = [place for *_, some in state for place in some]
        kept = np.sort(np.unique(twins, return_index=True)[1])
        names = meaning.clusters(vectors[kept]).tolist()
        sizes = Counter(names)
        alike = [places[row] for row, name in zip(kept.tolist(), names, strict=True) if sizes[name] > 1]
        if not alike:
            return []
        groups = sum(size > 1 for size in sizes.values())
        numbers = {
            "rows": len(alike),
            "groups": groups,
            "largest": max(sizes.values()),
            "share": len(alike) / len(kept),
        }
        message = f"{plural(len(alike), 'row')} saying the same as another in other words, in {plural(groups, 'group')}"
        fix = Fix("tunesmith data dedupe FILE --meaning", "keeps one row of each group, as a new version")
        severity = "warning" if numbers["share"] > MANY else "info"
        return [Finding(self.code, severity, message, len(alike), shown(alike), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        rows = [("my card is lost", "card"), ("I can't find my card", "card"), ("where is it", "order")]
        vectors = np.array([[1, 0, 0], [0.99, 0.1, 0], [0, 0, 1]], dtype=np.float32)
        dirty = labelled(*rows, embeddings=vectors, twins=np.arange(3))
        return dirty, labelled(*rows, embeddings=vectors, twins=np.array([0, 0, 2]))
