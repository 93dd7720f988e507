"""M217: answers that begin with the text of the question."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._turns import chat, threads
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

SHORT = 24  # characters: shorter questions may well open an answer


class PromptInCompletion(RowCheck):
    """Often the file keeps prompt and completion in one column; the model would learn to repeat what it is asked."""

    code = "M217"
    wants = frozenset({"turns"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        edits = {}
        for thread in threads(row, evidence["content"]):
            for (before, turn), path in zip(pairwise(thread.turns), thread.paths[1:], strict=True):
                if turn["role"] == "assistant" and before["role"] == "user" and (rest := _rest(before, turn)):
                    edits[(*path, "content")] = rest
        return Fault("", tuple(edits.items())) if edits else None

    def finding(self, tally: Tally) -> Finding:
        rows = plural(tally.count, "row")
        return Finding(
            self.code,
            "warning",
            f"{rows} with an answer that begins with its whole question",
            tally.count,
            tuple(tally.places),
            {"share": tally.count / tally.rows},
            review_fix(self.code, f"takes the question out of the answers of {rows}", edits=tally.edits),
        )

    def planted(self) -> tuple[Case, Case]:
        question = "Do you repair the brakes of a bicycle?"
        dirty = chat([("user", question), ("assistant", f"{question} Yes, on weekdays.")])
        return dirty, chat(
            [("user", question), ("assistant", "Yes, on weekdays.")],
            [("user", question), ("assistant", question)],
            [("user", "Brakes?"), ("assistant", "Brakes? Yes.")],
        )


def _rest(asked: Mapping[str, Any], turn: Mapping[str, Any]) -> str:
    """What is left of an answer without its question; '' where it does not begin with it."""
    question, answer = str(asked["content"]).strip(), str(turn["content"]).lstrip()
    if len(question) < SHORT or not answer.startswith(question):
        return ""
    return answer[len(question) :].strip()
