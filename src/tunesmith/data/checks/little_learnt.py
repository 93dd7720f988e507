"""T419: data of which hardly any token is learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith.data.checks._rows import shown as shown_places
from tunesmith.data.checks._turns import chat, seen, template
from tunesmith.fields import Record
from tunesmith.findings import SHOWN, Finding, Fix, Place
from tunesmith.inputs.learning import LITTLE
from tunesmith.parts import Case, Check


@dataclass(slots=True)
class _Tokens:
    """tokens, learnt: of all rows.  rows: of which so little is learnt; places: the first of them."""

    tokens: int = 0
    learnt: int = 0
    rows: int = 0
    places: list[Place] = field(default_factory=list)


class LittleLearnt(Check):
    """Time is spent on what is only read; often the roles or weights are wrong."""

    code = "T419"
    wants = frozenset({"turns"})
    needs = frozenset({"template"})

    def start(self) -> _Tokens:
        return _Tokens()

    def update(self, state: _Tokens, rows: Sequence[Record], evidence: Mapping[str, Any]) -> _Tokens:
        for row in rows:
            views = seen(row, evidence)
            tokens, learnt = sum(view.tokens for view in views), sum(view.learnt_tokens for view in views)
            state.tokens += tokens
            state.learnt += learnt
            if 0 < learnt < LITTLE * tokens:
                state.rows += 1
                state.places = [*state.places, row.place][:SHOWN]
        return state

    def merge(self, first: _Tokens, second: _Tokens) -> _Tokens:
        return _Tokens(
            first.tokens + second.tokens,
            first.learnt + second.learnt,
            first.rows + second.rows,
            (first.places + second.places)[:SHOWN],
        )

    def findings(self, state: _Tokens) -> list[Finding]:
        if not 0 < state.learnt < LITTLE * state.tokens:
            return []
        share = state.learnt / state.tokens
        return [
            Finding(
                self.code,
                "warning",
                f"only {share:.1%} of the {state.tokens:,} tokens are learnt, the rest is only read",
                state.rows,
                shown_places(state.places),
                {"share": share, "tokens": state.tokens, "learnt": state.learnt},
                Fix("tunesmith data see FILE --base DIR", "shows what is learnt of each row"),
            )
        ]

    def planted(self) -> tuple[Case, Case]:
        asked, answer = ("user", "Do you repair brakes? " * 40), ("assistant", "Yes, on weekdays.")
        return chat([asked, answer], template=template()), chat(
            [("user", "Do you?"), answer], template=template()
        )
