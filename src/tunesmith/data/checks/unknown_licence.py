"""P310: files whose licence nobody has noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import labelled, plural
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check


class UnknownLicence(Check):
    """Whoever gets a model or a card made from the data will ask."""

    code = "P310"
    needs = frozenset({"sources"})

    def start(self) -> dict[str, None]:
        return {}

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        lacking = (each["name"] for each in evidence["sources"] if not each.get("licence"))
        return {**state, **dict.fromkeys(lacking)}

    def merge(self, first: Any, second: Any) -> Any:
        return {**first, **second}

    def findings(self, state: Any) -> list[Finding]:
        if not state:
            return []
        files = ", ".join(list(state)[:3]) + (" …" if len(state) > 3 else "")
        message = f"the licence of {plural(len(state), 'file')} is not known: {files}"
        fix = Fix(
            "tunesmith data card FILE --licence SPDX", "notes the licence with the data and on its card"
        )
        return [Finding(self.code, "info", message, len(state), numbers={"files": len(state)}, fix=fix)]

    def planted(self) -> tuple[Case, Case]:
        source = {"name": "tickets.csv", "sha256": "0" * 64}
        rows = ("where is it", "order"), ("lost my card", "card")
        return labelled(*rows, sources=[source]), labelled(*rows, sources=[{**source, "licence": "CC0-1.0"}])
