"""Q515: answers with next to nothing in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural, review_fix
from tunesmith.data.checks._texts import answer_of, answered
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.parts import Case, Fault, RowCheck, Tally

LONGEST = 24  # characters of a value that stands for none
_SIGNS = " \t\r\n.,;:!?-_–—…\"'*#/\\|"  # brackets are answers where code is asked for
_WORDS = (
    "|n/a|na|nan|null|none|nil|undefined|tbd|todo|unknown|nooutput|no output|no response|no answer|empty|"
    "missing|keine antwort|aucune réponse|sin respuesta|无|无答案|なし|нет ответа"
)
_NOTHING = frozenset(_WORDS.split("|"))


class ThinAnswers(RowCheck):
    """Signs only, or a word for "nothing": such rows teach to say nothing.  Numbers and "yes" are answers."""

    code = "Q515"

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        answer = answer_of(row, evidence)
        if not answer or len(answer) > LONGEST:  # no answer at all is an empty turn: T402
            return None
        return Fault() if answer.strip(_SIGNS).lower() in _NOTHING else None

    def finding(self, tally: Tally) -> Finding:
        message = f"{plural(tally.count, 'row')} with an answer that says nothing ('…', 'N/A')"
        fix = review_fix(self.code, "leaves these rows out", tally.ids)
        return Finding(self.code, "warning", message, tally.count, tuple(tally.places), fix=fix)

    def planted(self) -> tuple[Case, Case]:
        dirty = answered(
            ("Where is my parcel?", "N/A"), ("How many are left?", " ..."), ("Which?", "The first.")
        )
        return dirty, answered(
            ("Is it open?", "Yes."), ("How many are left?", "7"), ("Show a smile", "\U0001f642")
        )
