"""L211: nearly the same text with different labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from tunesmith.data.checks._rows import label_form, labelled, normalise, plural, review_fix, shown, text_of
from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.parts import Case, Check

MOST = 20  # rows of a cluster: larger ones are templates, in which a word may make the difference
Row = tuple[bytes, tuple[str, ...], Place]


class InconsistentTwins(Check):
    """A difference of a few characters seldom changes what a text means.  The same text with different labels is L204.

    Its fix leaves the whole group out; `tunesmith data audit` shows the rows one by one.
    """

    code = "L211"
    wants = frozenset({"labels"})
    needs = frozenset({"twins"})

    def start(self) -> list[tuple[int, Row]]:
        return []

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        for cluster, row in zip(evidence["twins"].tolist(), rows, strict=True):
            labels = tuple(sorted(label_form(label) for label in evidence["content"].labels(row)))
            if labels:
                state.append((cluster, (_hash(text_of(row, evidence)), labels, row.place)))
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        counts = Counter(cluster for cluster, _ in state)
        groups: dict[int, list[Row]] = defaultdict(list)
        for cluster, row in state:
            if 1 < counts[cluster] <= MOST:
                groups[cluster].append(row)
        odd = [group for group in groups.values() if _contradicts(group)]
        if not odd:
            return []
        places = [place for group in odd for *_, place in group]
        rows, several = plural(len(places), "row"), plural(len(odd), "group")
        message = f"{rows} nearly the same as another with a different label, in {several}"
        fix = review_fix(self.code, "leaves these groups out", [place.id for place in places])
        numbers = {"rows": len(places), "groups": len(odd), "share": len(places) / len(state)}
        return [Finding(self.code, "warning", message, len(places), shown(places), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        first, other = "please cancel the order that I placed on Monday", "where is the parcel that you sent"
        twins = np.array([0, 1, 0])
        dirty = labelled((first, "order"), (other, "parcel"), (first + "!", "parcel"), twins=twins)
        return dirty, labelled((first, "order"), (other, "parcel"), (first + "!", "Order"), twins=twins)


def _contradicts(group: Sequence[Row]) -> bool:
    """Whether two different texts of the group have different labels."""
    return len({labels for _, labels, _ in group}) > 1 and len({text for text, *_ in group}) > 1


def _hash(text: str) -> bytes:
    return blake2b(normalise(text).encode("utf-8", "surrogatepass"), digest_size=8).digest()
