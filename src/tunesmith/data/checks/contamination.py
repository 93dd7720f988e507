"""D113: rows that hold a text of the benchmark file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import labelled, normalise, plural, safe_fix
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.inputs.overlap import Overlap
from tunesmith.parts import Case, Fault, RowCheck, Tally


class Contamination(RowCheck):
    """A text of the benchmark, or 80 % and more of its character 5-grams, anywhere in the row.  Such rows leave: a
    score on what was seen in training proves nothing."""

    code = "D113"
    needs = frozenset({"benchmark"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        known: Overlap = evidence["benchmark"]
        content = evidence["content"]
        kind = known.kind(content.text(row))
        if not kind and len(passages := content.passages(row)) > 1:
            kind = known.kind("\n".join(text for _, text in passages))
        return Fault(kind) if kind else None

    def finding(self, tally: Tally) -> Finding:
        rows, same = plural(tally.count, "row"), tally.kinds["same"]
        message = f"{rows} with a text of the benchmark ({same:,} the same, {tally.count - same:,} nearly)"
        numbers = {"same": same, "nearly": tally.count - same, "share": tally.count / max(1, tally.rows)}
        fix = safe_fix(self.code, f"drops {rows}", tally.ids)
        return Finding(self.code, "warning", message, tally.count, tuple(tally.places), numbers, fix)

    def planted(self) -> tuple[Case, Case]:
        question = (
            "a train leaves the town at nine and drives for three hours at eighty, how far does it come"
        )
        benchmark = Overlap([question, "my card is lost"], normalise)
        fine = ("where is the train that leaves at nine", "train")
        near = ("Question: " + question.replace("the town", "the city") + "? Answer: far.", "train")
        dirty = labelled(fine, ("My card  is LOST", "card"), near, benchmark=benchmark)
        return dirty, labelled(fine, ("my card is lost again", "card"), benchmark=benchmark)
