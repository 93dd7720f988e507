"""P311: texts that a given classifier takes for toxic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunesmith.data.checks._rows import labelled, plural, review_fix
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

TOXIC = 0.5  # probability from which a text counts


class ToxicTexts(RowCheck):
    """They may be what the model has to recognise: so nothing leaves unless the owner says so."""

    code = "P311"
    needs = frozenset({"toxicity"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        return Fault() if evidence["toxicity"][index] >= TOXIC else None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        fix = review_fix(self.code, f"drops {rows}", tally.ids)
        share = {"share": tally.count / tally.rows}
        message = f"{rows} that the classifier takes for toxic"
        return Finding(self.code, "info", message, tally.count, tuple(tally.places), share, fix)

    def planted(self) -> tuple[Case, Case]:
        rows = ("you fools", "order"), ("cancel it", "order")
        dirty, clean = np.array([0.9, 0.1], dtype=np.float32), np.array([0.4, 0.1], dtype=np.float32)
        return labelled(*rows, toxicity=dirty), labelled(*rows, toxicity=clean)
