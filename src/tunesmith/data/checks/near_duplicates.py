"""D104: rows whose texts are nearly the same (char-5-gram Jaccard of 0.7 or more)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.data.checks._rows import key_of, labelled, plural, shown
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix, Place
from tunesmith.parts import Case, Check

MANY = 0.1  # share of rows from which so few different texts make the data look larger than it is


class NearDuplicates(Check):
    """Nothing leaves; the split keeps each such group on one side.  Exact copies (D101) are not counted
    again."""

    code = "D104"
    needs = frozenset({"twins"})

    def start(self) -> list[tuple[int, str, Place]]:
        return []

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        clusters = evidence["twins"].tolist()
        state.extend((each, key_of(row), row.place) for each, row in zip(clusters, rows, strict=True))
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        groups: dict[int, dict[str, Place]] = defaultdict(dict)
        for cluster, key, place in state:
            groups[cluster].setdefault(key, place)
        alike = [group for group in groups.values() if len(group) > 1]
        if not alike:
            return []
        places = [place for group in alike for place in group.values()]
        share = len(places) / len(state)
        message = f"{plural(len(places), 'row')} nearly the same as another, in {plural(len(alike), 'group')}"
        effect = "the split keeps each group on one side, so that none leaks into the proof"
        numbers = {"rows": len(places), "groups": len(alike), "largest": max(map(len, alike)), "share": share}
        severity = "warning" if share > MANY else "info"
        fix = Fix("tunesmith explain D104", effect)
        return [Finding(self.code, severity, message, len(places), shown(places), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        first, second = "please cancel the order that I placed on Monday", "where is the parcel that you sent"
        dirty = labelled(
            (first, "order"), (second, "parcel"), (first + "!", "order"), twins=np.array([0, 1, 0])
        )
        return dirty, labelled(
            (first, "order"), (second, "parcel"), (first, "order"), twins=np.array([0, 1, 0])
        )
