"""T403: answers that the template does not close with a token at which generation ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural
from tunesmith.data.checks._turns import chat, seen, template
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Fault, RowCheck, Tally


class EndTokenMissing(RowCheck):
    """A model that never sees the end of an answer never ends one."""

    code = "T403"
    wants = frozenset({"turns"})
    needs = frozenset({"template"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        stops = evidence["template"].stops
        for shown in seen(row, evidence):
            if "" in shown.ends:
                return Fault("none")
            if shown.ends and stops and shown.ends[-1] not in stops:
                return Fault(
                    f"{shown.ends[-1]!r}, but generation ends at {' or '.join(sorted(map(repr, stops)))}"
                )
        return None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        kind = tally.kinds.most_common(1)[0][0]
        ends = "no token ends the answer" if kind == "none" else f"the answer ends with {kind}"
        return Finding(
            self.code,
            "warning",
            f"in {rows} {ends}: a model that learns this does not know when to stop",
            tally.count,
            tuple(tally.places),
            {"rows": tally.count, "without": tally.kinds["none"]},
            Fix(
                "tunesmith data see FILE --base DIR",
                "shows rows as the model sees them; the template has to write its end token after every answer",
            ),
        )

    def planted(self) -> tuple[Case, Case]:
        row = [("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")]
        endless = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}"
        return chat(row, template=template(endless)), chat(row, template=template())
