"""D112: the answer stands in the input, word for word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import normalise, plural, review_fix
from tunesmith.data.checks._shares import Share
from tunesmith.data.checks._texts import answer_of, answered
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Check

SHORTEST = 12  # characters of an answer: shorter ones stand anywhere
COMMON = 0.02  # share of answers from which it is no chance
_BEGINNING = 4  # characters that are looked for before the texts are normalised


class AnswerInInput(Check):
    """What is learnt is to copy.  That may be the task (extraction); in other data the answer was pasted into the
    prompt.  Answers that are the whole question are Q512; labels in texts are L212."""

    code = "D112"

    def start(self) -> Share:
        return Share()

    def update(self, state: Share, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Share:
        return state.seen(rows, lambda row: _copied(row, evidence))

    def merge(self, first: Share, second: Share) -> Share:
        return first.joined(second)

    def findings(self, state: Share) -> list[Finding]:
        found = state.odd
        if not found.count:
            return []
        message = f"{plural(found.count, 'answer')} ({state.share:.1%}) standing word for word in the input"
        fix = review_fix(self.code, "leaves these rows out", found.ids)
        numbers = {"share": state.share, "answers": state.able}
        severity = "warning" if state.share >= COMMON else "info"
        return [Finding(self.code, severity, message, found.count, tuple(found.places), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        fine = ("Do you repair brakes?", "Yes, on weekdays from nine to five.")
        told = ("When do you open? We open at nine  on weekdays, say.", "we open at nine on weekdays")
        return answered(fine, told), answered(fine, ("Say the word shop.", "shop"))


def _copied(row: Record, evidence: Mapping[str, Any]) -> bool | None:
    answer = answer_of(row, evidence)
    if not answer or len(answer) < SHORTEST:
        return None
    text = evidence["content"].text(row)
    if len(answer) > len(text) or answer.strip()[:_BEGINNING].casefold() not in text.casefold():
        return False
    said, asked = normalise(answer), normalise(text)
    return len(said) >= SHORTEST and said in asked and said.strip(" .,;:!?\"'") != asked.strip(" .,;:!?\"'")
