"""Q512: answers that only say the question again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import normalise, plural, review_fix
from tunesmith.data.checks._texts import answer_of, answered, asked
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

SHORTEST = 12  # characters: "hello" may be answered by "hello"
_APART = 8  # characters that blanks and end signs may make
_SIGNS = " .,;:!?\"'"


class CopiedPrompts(RowCheck):
    """Case, blanks and signs at the ends don't count."""

    code = "Q512"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        answer = answer_of(row, evidence)
        if not answer or len(answer) < SHORTEST:
            return None
        question = asked(row, evidence)
        if abs(len(question) - len(answer)) > _APART:
            return None
        return Fault() if normalise(question).strip(_SIGNS) == normalise(answer).strip(_SIGNS) else None

    def finding(self, tally: Tally) -> Finding:
        message = f"{plural(tally.count, 'row')} with an answer that is the question again"
        fix = review_fix(self.code, "leaves these rows out", tally.ids)
        return Finding(self.code, "warning", message, tally.count, tuple(tally.places), fix=fix)

    def planted(self) -> tuple[Case, Case]:
        fine = ("Do you repair brakes?", "Do you mean those of a bicycle?")
        return answered(fine, ("Do you repair brakes?", "do you repair  brakes")), answered(
            fine, ("Hello!", "Hello")
        )
