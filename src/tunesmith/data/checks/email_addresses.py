"""P301: e-mail addresses in the texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, review_fix
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

# every repetition is bounded, so that a long text without a match costs linear time
_ADDRESS = re.compile(r"[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b")


class EmailAddresses(RowCheck):
    """Counted and placed, never shown nor removed: whether they may be trained on is the owner's decision."""

    code = "P301"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        texts = (text for _, text in evidence["content"].passages(row))
        return Fault() if any("@" in text and _ADDRESS.search(text) for text in texts) else None

    def finding(self, tally: Tally) -> Finding:
        message = f"{plural(tally.count, 'row')} with an e-mail address"
        fix = review_fix(self.code, "replaces the addresses, if the model must not learn them")
        return Finding(self.code, "warning", message, tally.count, tuple(tally.places), fix=fix)

    def planted(self) -> tuple[Case, Case]:
        other = ("cancel it", "order")
        dirty = labelled(("write to jo.doe+x@mail.example.org please", "card"), other)
        return dirty, labelled(("meet @ noon, 3@4 or user@localhost", "card"), other)
