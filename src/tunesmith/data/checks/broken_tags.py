"""M215: tags that go on with an entity that never began."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import planted, plural, safe_fix
from tunesmith.data.contents.tags import Tags
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally


class BrokenTags(RowCheck):
    """An I- after O or after another kind becomes a B-: every reader of IOB2 takes it so, only scorers differ."""

    code = "M215"
    wants = frozenset({"tags"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        edits, before = [], ""
        for at, tag in enumerate(map(str, row.fields.get("tags") or ())):
            if tag.startswith("I-") and before != tag[2:]:
                edits.append((("tags", at), "B-" + tag[2:]))
            before = tag[2:] if tag[:2] in ("B-", "I-") else ""
        return Fault("", tuple(edits)) if edits else None

    def finding(self, tally: Tally) -> Finding:
        rows, tags = plural(tally.count, "row"), plural(len(tally.edits), "tag")
        return Finding(
            self.code,
            "warning",
            f"{tags} in {rows} inside an entity that never began",
            tally.count,
            tuple(tally.places),
            {"rows": tally.count, "tags": len(tally.edits)},
            safe_fix(self.code, f"writes B- for I- in {tags}", edits=tally.edits),
        )

    def planted(self) -> tuple[Case, Case]:
        tokens = ["Ada", "Lovelace", "in", "London"]
        dirty = planted(Tags(), {"tokens": tokens, "tags": ["I-person", "I-person", "O", "I-place"]})
        clean = {"tokens": tokens, "tags": ["B-person", "I-person", "O", "B-place"]}
        return dirty, planted(Tags(), clean)
