"""D115: the same input with different answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from tunesmith.data.checks._rows import normalise, plural, shown
from tunesmith.data.checks._texts import answer_of, answered
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix, Place
from tunesmith.parts import Case, Check

MANY = 0.05  # share of rows from which it is worth a warning
State = list[tuple[int, int, Place]]


class AnswersDiffer(Check):
    """Several good answers may be wanted; answers that contradict each other teach the model to waver.

    Labels are L204.  State: hashes of input and answer, and the place.
    """

    code = "D115"

    def start(self) -> State:
        return []

    def update(self, state: State, rows: Sequence[Record], evidence: Mapping[str, Any]) -> State:
        for row in rows:
            answer = answer_of(row, evidence)
            if answer and (asked := _asked(row, evidence)):
                state.append((_hash(asked), _hash(answer), row.place))
        return state

    def merge(self, first: State, second: State) -> State:
        return first + second

    def findings(self, state: State) -> list[Finding]:
        answers: dict[int, set[int]] = {}
        for asked, answer, _ in state:
            answers.setdefault(asked, set()).add(answer)
        places = [place for asked, _, place in state if len(answers[asked]) > 1]
        if not places:
            return []
        inputs, share = sum(len(each) > 1 for each in answers.values()), len(places) / len(state)
        message = (
            f"{plural(inputs, 'input')} with different answers, in {plural(len(places), 'row')} ({share:.1%})"
        )
        fix = Fix("tunesmith explain D115", "says when this is wanted, and what to do when it is not")
        numbers = {"inputs": inputs, "rows": len(places), "share": share}
        severity = "warning" if share >= MANY else "info"
        return [Finding(self.code, severity, message, len(places), shown(places), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        first, other = ("Do you repair brakes?", "Yes, on weekdays."), ("When do you open?", "At nine.")
        dirty = answered(first, other, ("do you repair  brakes?", "No, never."))
        return dirty, answered(first, other, ("do you repair  brakes?", "yes, on weekdays."))


def _asked(row: Record, evidence: Mapping[str, Any]) -> str:
    """All that the last answer follows on: the turns before it, or the row's input."""
    turns = evidence["content"].turns(row)
    said = [f"{turn['role']}: {turn['content']}" for turn in turns if turn["role"] != "system"]
    return "\n".join(said[:-1]) if said else evidence["content"].text(row)


def _hash(text: str) -> int:
    form = normalise(text).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(form, digest_size=8).digest()) if form else 0
