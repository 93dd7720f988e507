"""L206: classes of the test rows that no training row has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.data.checks._rows import label_form, labelled, plural
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check


class UnseenClasses(Check):
    """No model can be right on them.  State: (forms of the labels that can be learnt, labels of the test rows)."""

    code = "L206"
    wants = frozenset({"labels"})
    needs = frozenset({"test_labels", "sides"})

    def start(self) -> tuple[frozenset[str], Counter[str]]:
        return frozenset(), Counter()

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        sides = evidence["sides"].tolist()
        learnt = [row for row, side in zip(rows, sides, strict=True) if side != "test"]
        forms = {label_form(label) for row in learnt for label in evidence["content"].labels(row)}
        return state[0] | forms, Counter(evidence["test_labels"])

    def merge(self, first: Any, second: Any) -> Any:
        return first[0] | second[0], first[1] | second[1]

    def findings(self, state: Any) -> list[Finding]:
        learnt, tested = state
        unseen = {label: rows for label, rows in sorted(tested.items()) if label_form(label) not in learnt}
        if not unseen or not learnt:
            return []
        some = ", ".join(f"'{label}' ({rows})" for label, rows in list(unseen.items())[:5])
        more = f" and {len(unseen) - 5} more" if len(unseen) > 5 else ""
        count = sum(unseen.values())
        classes = plural(len(unseen), "class", "classes")
        message = f"{classes} of the test rows not among the training rows: {some}{more}"
        numbers = {"classes": len(unseen), "rows": count}
        fix = Fix("tunesmith data split FILE", "gives every class rows on each side")
        return [Finding(self.code, "warning", message, count, (), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        rows = [
            ("lost my card", "card"),
            ("no card", "card"),
            ("where is it", "parcel"),
            ("money back", "Refund"),
        ]
        sides = np.array(["train", "train", "", "test"])
        dirty = labelled(*rows, sides=sides, test_labels=Counter({"Refund": 1}))
        learnt = [*rows[:2], ("I want my money", "refund"), rows[3]]
        return dirty, labelled(*learnt, sides=sides, test_labels=Counter({"Refund": 1}))
