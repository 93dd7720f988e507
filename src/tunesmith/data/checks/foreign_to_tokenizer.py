"""T407: texts that the tokenizer cuts into unknown or very many tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.checks._rows import plural
from tunesmith.data.checks._turns import chat, seen, template
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Fault, RowCheck, Tally

SHORT = 40  # characters of a rendered conversation below which shares mean little
UNKNOWN = 0.02  # share of tokens that the vocabulary lacks
MANY = 1.0  # tokens a character: English has about 0.25, Chinese 0.6 to 1 with a vocabulary that knows it
COMMON = 0.05  # share of rows from which it is a warning


class ForeignToTokenizer(RowCheck):
    """The base has hardly seen such a language or script; the window holds little of it and learning is slow."""

    code = "T407"
    wants = frozenset({"turns"})
    needs = frozenset({"template"})

    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        for shown in seen(row, evidence):
            if shown.characters < SHORT:
                continue
            if shown.unknown > UNKNOWN * shown.tokens:
                return Fault("unknown")
            if shown.tokens > MANY * shown.characters:
                return Fault("many")
        return None

    def finding(self, tally: Tally) -> Finding:
        rows, share = plural(tally.count, "row"), tally.count / tally.rows
        numbers = {"share": share, "unknown": tally.kinds["unknown"], "many": tally.kinds["many"]}
        return Finding(
            self.code,
            "warning" if share > COMMON else "info",
            f"the base's tokenizer hardly knows the writing of {rows}: {numbers['unknown']:,} with unknown tokens, "
            f"{numbers['many']:,} with more tokens than characters",
            tally.count,
            tuple(tally.places),
            numbers,
            Fix(
                "tunesmith data see FILE --base DIR",
                "shows the tokens; try a base for this language",
            ),
        )

    def planted(self) -> tuple[Case, Case]:
        known, strange = ("user", "Do you repair brakes, and when?"), ("user", "\0" * 40)
        answer = ("assistant", "Yes, on weekdays.")
        return chat([strange, answer], [known, answer], template=template()), chat(
            [known, answer], template=template()
        )
