"""P308: names, addresses and organisations in the texts, as a token classifier sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunesmith.data.checks._personal import redaction
from tunesmith.data.checks._rows import labelled, plural
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class PersonNames(RowCheck):
    """Without a classifier this is not looked at, and `data check` says so: no pattern tells a name from a word."""

    code = "P308"
    needs = frozenset({"names"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        groups = evidence["names"][index]
        return Fault(min(groups, key=("name", "address", "organisation").index)) if groups else None

    def finding(self, tally: Tally) -> Finding:
        message = f"{plural(tally.count, 'row')} with a name, address or organisation"
        numbers = {kind: tally.kinds[kind] for kind in sorted(tally.kinds)}
        places = tuple(tally.places)
        return Finding(self.code, "info", message, tally.count, places, numbers, redaction("name"))

    def planted(self) -> tuple[Case, Case]:
        pairs = ("ask Ada Lovelace", "order"), ("cancel it", "order")
        dirty, clean = np.empty(2, dtype=object), np.empty(2, dtype=object)
        dirty[:], clean[:] = [frozenset({"name"}), frozenset()], [frozenset(), frozenset()]
        return labelled(*pairs, names=dirty), labelled(*pairs, names=clean)
