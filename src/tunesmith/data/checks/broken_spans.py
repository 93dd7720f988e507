"""M216: spans that lie outside their text, are empty or overlap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import planted, plural, review_fix
from tunesmith.data.contents.spans import Spans
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class BrokenSpans(RowCheck):
    """Offsets that were counted in bytes, or on another version of the text, mark the wrong words."""

    code = "M216"
    wants = frozenset({"spans"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        size, spans = len(evidence["content"].text(row)), row.fields.get("spans") or ()
        kept, kinds, after = [], [], 0
        for span in sorted(spans, key=lambda span: (span["start"], -span["end"])):
            start, end = span["start"], span["end"]
            kind = "empty" if start >= end else "outside" if start < 0 or end > size else ""
            kind = kind or ("overlap" if start < after else "")
            if kind:
                kinds.append(kind)
            else:
                kept.append(dict(span))
                after = end
        return Fault(kinds[0], ((("spans",), kept),)) if kinds else None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        why = ", ".join(f"{kind} {count:,}" for kind, count in tally.kinds.most_common())
        return Finding(
            self.code,
            "info" if tally.count == tally.kinds["overlap"] else "warning",  # nested marks may be meant
            f"{rows} with spans that can't be right: {why}",
            tally.count,
            tuple(tally.places),
            {kind: tally.kinds[kind] for kind in ("empty", "outside", "overlap")},
            review_fix(
                self.code,
                f"takes these spans out of {rows}; of two that overlap the first stays",
                edits=tally.edits,
            ),
        )

    def planted(self) -> tuple[Case, Case]:
        text, good = "A table for five at seven", {"start": 12, "end": 16, "label": "people"}
        wrong = ({"start": 20, "end": 40}, {"start": 3, "end": 3}, {"start": 14, "end": 25})
        dirty = [{"text": text, "spans": [good, {**span, "label": "time"}]} for span in wrong]
        clean = {"text": text, "spans": [good, {"start": 20, "end": 25, "label": "time"}]}
        return planted(Spans(), *dirty), planted(Spans(), clean)
