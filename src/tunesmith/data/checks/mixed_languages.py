"""Q506: texts in another language than most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import labelled, plural, review_fix, shown, text_of
from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.inputs.languages import language
from tunesmith.parts import Case, Check

MOSTLY = 0.8  # share of one language from which others look like strays
KNOWN = 20  # rows whose language must be known
KEPT = 10_000  # rows of a language that a fix can name


class MixedLanguages(Check):
    """A base model that knows one language learns little from rows in another.

    State: language → (rows, places of the first 10,000).  Texts whose language can't be told don't count.
    """

    code = "Q506"

    def start(self) -> dict[str, tuple[int, list[Place]]]:
        return {}

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        for row in rows:
            if spoken := language(text_of(row, evidence)):
                count, places = state.get(spoken, (0, []))
                if len(places) < KEPT:
                    places.append(row.place)
                state[spoken] = count + 1, places
        return state

    def merge(self, first: Any, second: Any) -> Any:
        merged = dict(first)
        for spoken, (count, places) in second.items():
            before, kept = merged.get(spoken, (0, []))
            merged[spoken] = before + count, (kept + places)[:KEPT]
        return merged

    def findings(self, state: Any) -> list[Finding]:
        known = sum(count for count, _ in state.values())
        if known < KNOWN or len(state) < 2:
            return []
        usual = max(sorted(state), key=lambda spoken: state[spoken][0])
        if state[usual][0] < MOSTLY * known:
            return [self._mixture(state, known)]
        others = {spoken: seen for spoken, seen in sorted(state.items()) if spoken != usual}
        count = sum(rows for rows, _ in others.values())
        places = [place for _, kept in others.values() for place in kept]
        some = ", ".join(f"{spoken} ({rows:,})" for spoken, (rows, _) in others.items())
        message = f"{plural(count, 'row')} in another language than most ({usual}): {some}"
        ids = [place.id for place in sorted(places, key=lambda place: place.line)]
        fix = review_fix(self.code, "leaves these rows out, if users write in one language", ids)
        return [Finding(self.code, "warning", message, count, shown(places), {"known": known}, fix)]

    def _mixture(self, state: Any, known: int) -> Finding:
        shares = sorted(((count, spoken) for spoken, (count, _) in state.items()), reverse=True)
        some = ", ".join(f"{spoken} {count / known:.0%}" for count, spoken in shares[:5])
        places = shown(place for _, kept in state.values() for place in kept[:1])
        return Finding(
            self.code, "info", f"texts in {len(state)} languages: {some}", known, places, {"known": known}
        )

    def planted(self) -> tuple[Case, Case]:
        rows = [
            (f"where is the parcel that you sent to me on day {i}", f"depot {i % 2}") for i in range(KNOWN)
        ]
        stray = ("ich habe die Karte verloren und möchte eine neue", "card")
        return labelled(*rows, stray), labelled(*rows, ("c'est la vie", "card"))
