"""T401: rows that are longer than the window, and what of them would be cut."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith.data.checks._rows import plural
from tunesmith.data.checks._rows import shown as shown_places
from tunesmith.data.checks._turns import chat, seen, template
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix, Place
from tunesmith.parts import Case, Check

STEP = 64  # lengths are counted in steps of this many tokens
MOST = 0.99  # share of the rows that a proposed window holds
PLENTY = 0.02  # share of rows with a cut answer from which it is a warning


@dataclass(slots=True)
class _Lengths:
    """rows: seen in all.  longest: tokens of the longest.  base: whose window it is.  steps: rows by length in steps of
    tokens.  cut: the places of rows that are too long, by what they lose."""

    rows: int = 0
    longest: int = 0
    window: int = 0
    base: str = ""
    steps: Counter[int] = field(default_factory=Counter)
    cut: dict[str, list[Place]] = field(default_factory=lambda: {kind: [] for kind in LOSSES})


LOSSES = {
    "prompt_only": "nothing of the answer is left",
    "answer_cut": "the answer is cut",
    "text_cut": "the end of the text is cut",
    "after": "nothing that is learnt is cut",
}


_LOST = {"": "after", "some": "answer_cut", "all": "prompt_only"}


class Window(Check):
    """An answer that is cut teaches half of it, and one without its end teaches not to end.  Of other contents than
    conversations the text is measured."""

    code = "T401"
    needs = frozenset({"template"})

    def start(self) -> _Lengths:
        return _Lengths()

    def update(self, state: _Lengths, rows: Sequence[Record], evidence: Mapping[str, Any]) -> _Lengths:
        state.window, state.base = evidence["template"].window, evidence["template"].name
        for row in rows if state.window else ():
            length, loss = _measured(row, evidence)
            state.rows += 1
            state.longest = max(state.longest, length)
            state.steps[-(-length // STEP)] += 1
            if length > state.window:
                state.cut[loss].append(row.place)
        return state

    def merge(self, first: _Lengths, second: _Lengths) -> _Lengths:
        return _Lengths(
            first.rows + second.rows,
            max(first.longest, second.longest),
            max(first.window, second.window),
            first.base or second.base,
            first.steps + second.steps,
            {kind: first.cut[kind] + second.cut[kind] for kind in LOSSES},
        )

    def findings(self, state: _Lengths) -> list[Finding]:
        places = [place for kind in LOSSES for place in state.cut[kind]]
        if not places:
            return []
        counts = {kind: len(state.cut[kind]) for kind in LOSSES}
        needed = _holding(state)
        why = "; ".join(f"{LOSSES[kind]} in {count:,}" for kind, count in counts.items() if count)
        message = (
            f"{plural(len(places), 'row')} longer than the window of {state.window:,} tokens: {why}; "
            f"the longest has {state.longest:,}, {MOST:.0%} of all rows fit into {needed:,}"
        )
        numbers = {**counts, "window": state.window, "longest": state.longest, "holds_99": needed}
        severity = "warning" if len(places) - counts["after"] > PLENTY * state.rows else "info"
        return [
            Finding(self.code, severity, message, len(places), shown_places(places), numbers, _fix(state))
        ]

    def planted(self) -> tuple[Case, Case]:
        asked, answer = ("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")
        talk = ("assistant", "Yes, " * 30)
        rules = template(window=90)
        return chat(
            [asked, answer], [asked, talk], [("user", "brakes? " * 30), answer], template=rules
        ), chat([asked, answer], template=rules)


def _measured(row: Record, evidence: Mapping[str, Any]) -> tuple[int, str]:
    """(tokens of a row, what it loses where these are too many): of several conversations the longest counts."""
    rules, content = evidence["template"], evidence["content"]
    if "turns" not in content.offers:
        return rules.length(content.text(row)), "text_cut"
    shown = max(seen(row, evidence), key=lambda each: each.tokens)
    return shown.tokens, _LOST[shown.lost(rules.window, rules.truncation)]


def _fix(state: _Lengths) -> Fix:
    lost = tuple(place.id for kind in ("prompt_only", "answer_cut") for place in state.cut[kind])
    if not lost:
        return Fix("tunesmith explain T401", "says what to do about it")
    command = f"tunesmith data fix FILE T401 --base {shlex.quote(state.base)} --max-length {state.window}"
    return Fix(command, f"drops {plural(len(lost), 'row')} with a cut answer", drops=lost)


def _holding(state: _Lengths) -> int:
    """The smallest window, in steps, that holds most rows."""
    held = 0
    for step, count in sorted(state.steps.items()):
        held += count
        if held >= MOST * state.rows:
            return step * STEP
    return state.longest
