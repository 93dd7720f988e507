"""L214: labels that stand for a missing one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, review_fix
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

MANY = 0.05  # share from which "none" or "unknown" is rather a class of its own
_WORDS = (
    "n/a|#n/a|nan|null|nil|none|<na>|(blank)|blank|empty|undefined|missing|unknown|unk|unlabeled|unlabelled|"
    "no label|not available|tbd|tba|todo|xxx|?|??|???|-|--|---|.|...|…|_|/|unbekannt|keine angabe|k.a.|"
    "inconnu|sans objet|desconocido|sin dato|sconosciuto"
)
_NOTHING = frozenset(_WORDS.split("|"))


class PlaceholderLabels(RowCheck):
    """Learnt as a class, they draw every row that nobody had time for."""

    code = "L214"
    wants = frozenset({"labels"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        for label in evidence["content"].labels(row):
            if len(label) < 20 and (name := label.strip().lower()) in _NOTHING:
                return Fault(name)
        return None

    def finding(self, tally: Tally) -> Finding:
        share = tally.count / tally.rows
        names = ", ".join(f"{name!r} ({count:,})" for name, count in tally.kinds.most_common(4))
        own = share >= MANY
        message = f"{plural(tally.count, 'row')} with a label that stands for none: {names}"
        message += "; so many may be a class of their own" if own else ""
        fix = review_fix(self.code, "leaves these rows out", tally.ids)
        severity = "info" if own else "warning"
        return Finding(self.code, severity, message, tally.count, tuple(tally.places), {"share": share}, fix)

    def planted(self) -> tuple[Case, Case]:
        row = ("my card is lost", "card")
        dirty = labelled(row, ("cancel it", "N/A"), ("where is it", "?"), ("hello", "Unknown "))
        return dirty, labelled(
            row, ("cancel it", "no"), ("where is it", "other"), ("what is it", "unknown charge")
        )
