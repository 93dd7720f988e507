"""Q505: answers that refuse, or speak as a language model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._texts import answer_of, answered
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.inputs.refusing import refuses
from tunesmith.parts import Case, Fault, RowCheck, Tally

MANY = 0.2  # share from which to refuse looks like what is to be learnt


class Refusals(RowCheck):
    """Left over from the model that wrote the answers: whoever learns from them refuses harmless wishes too."""

    code = "Q505"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        answer = answer_of(row, evidence)
        return Fault() if answer and refuses(answer) else None

    def finding(self, tally: Tally) -> Finding:
        share = tally.count / tally.rows
        wanted = share >= MANY
        message = f"{plural(tally.count, 'row')} with an answer that refuses or speaks as a language model"
        message += ", so many that it looks meant" if wanted else ""
        fix = review_fix(
            self.code, "leaves these rows out, if the model should not learn to refuse", tally.ids
        )
        severity = "info" if wanted else "warning"
        return Finding(self.code, severity, message, tally.count, tuple(tally.places), {"share": share}, fix)

    def planted(self) -> tuple[Case, Case]:
        fine = ("Do you repair brakes?", "Yes, on weekdays from nine to five.")
        refused = ("Write a poem about rain", "I'm sorry, but I can't help with that.")
        french = ("Où est la gare ?", "En tant que modèle de langage, je n'ai pas de carte.")
        return answered(refused, french, fine), answered(fine, ("Can I pay by card?", "Sorry, only in cash."))
