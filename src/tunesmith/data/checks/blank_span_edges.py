"""M219: spans that begin or end with a blank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import planted, plural, safe_fix
from tunesmith.data.contents.spans import Spans
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class BlankSpanEdges(RowCheck):
    """Tokenizers cut at blanks: a span that holds one at its edge fits no token, and exact scores count it wrong."""

    code = "M219"
    wants = frozenset({"spans"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        text, edits = evidence["content"].text(row), []
        for at, span in enumerate(row.fields.get("spans") or ()):
            start, end = span["start"], span["end"]
            if not 0 <= start < end <= len(text) or not (text[start].isspace() or text[end - 1].isspace()):
                continue
            inside = text[start:end]
            if inside.strip():
                left = end - len(inside.lstrip())
                edits += [
                    (("spans", at, "start"), left),
                    (("spans", at, "end"), start + len(inside.rstrip())),
                ]
        return Fault("", tuple(edits)) if edits else None

    def finding(self, tally: Tally) -> Finding:
        rows, spans = plural(tally.count, "row"), plural(len(tally.edits) // 2, "span")
        return Finding(
            self.code,
            "warning",
            f"{spans} in {rows} with a blank at the edge",
            tally.count,
            tuple(tally.places),
            {"rows": tally.count, "spans": len(tally.edits) // 2},
            safe_fix(self.code, f"moves the edges of {spans} to the words", edits=tally.edits),
        )

    def planted(self) -> tuple[Case, Case]:
        text = "A table for five at seven"
        dirty = {"text": text, "spans": [{"start": 11, "end": 17, "label": "people"}]}
        return planted(Spans(), dirty), planted(
            Spans(), {"text": text, "spans": [{"start": 12, "end": 16, "label": "people"}]}
        )
