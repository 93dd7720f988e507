"""Q510: answers that end in the middle of a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._shares import Share
from tunesmith.data.checks._texts import answer_of, answered
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Check

WORDS = 12  # answers shorter than this may be names or headings
LAST_LINE = 40  # characters: shorter lines are items of a list
FEW = 0.2  # share from which answers without an end sign are the style of the file
KNOWN = 20
_OPEN = ",;(-–—"
_STOPS = (
    ". ",
    "! ",
    "? ",
    ".\n",
    "!\n",
    "?\n",
)  # who ends no sentence with a sign, ends the last without one too
_ADDRESS = ("/", "@")


class CutAnswers(Check):
    """Cut off by a limit when they were made or exported: whoever learns from them stops anywhere.

    Only long answers are looked at, and only where most of them end with a sign.
    """

    code = "Q510"

    def start(self) -> Share:
        return Share()

    def update(self, state: Share, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Share:
        return state.seen(rows, lambda row: _cut(answer_of(row, evidence)))

    def merge(self, first: Share, second: Share) -> Share:
        return first.joined(second)

    def findings(self, state: Share) -> list[Finding]:
        odd = state.odd
        if not odd.count or state.able < KNOWN or state.share > FEW:
            return []
        message = f"{plural(odd.count, 'row')} with an answer that ends in mid-sentence"
        fix = review_fix(self.code, "leaves these rows out; better: get the whole answers", odd.ids)
        numbers = {"share": state.share, "long_answers": state.able}
        return [Finding(self.code, "warning", message, odd.count, tuple(odd.places), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        whole = "Yes. We repair the brakes, gears and wheels of bicycles on weekdays from nine in the morning to five."
        rows = [(f"Do you repair wheel {number}?", whole) for number in range(KNOWN)]
        return answered(*rows, ("And on Sunday?", whole[:-12])), answered(*rows, ("And on Sunday?", "No"))


def _cut(answer: str | None) -> bool | None:
    """Whether it is cut off; None where it is too short to tell."""
    if not answer or answer.count(" ") < WORDS:
        return None
    end = answer.rstrip()
    line = end.rpartition("\n")[2]
    if len(line) < LAST_LINE or not line[0].isalnum() or not any(sign in end for sign in _STOPS):
        return None
    return (end[-1] in _OPEN or end[-1].islower()) and not any(sign in end[-30:] for sign in _ADDRESS)
