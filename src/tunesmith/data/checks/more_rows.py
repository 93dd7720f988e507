"""S606: what more rows would bring, by the learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import labelled
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.inputs.forecasts import forecast
from tunesmith.parts import Case, Check


class MoreRows(Check):
    """Speaks where a fifth more rows would help; where they bring little, or nobody can tell, it is silent.

    State: (rows seen, points of the curve).
    """

    code = "S606"
    needs = frozenset({"curve"})

    def start(self) -> tuple[int, tuple[tuple[float, float, float, float], ...]]:
        return 0, ()

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        return state[0] + len(rows), tuple(map(tuple, evidence["curve"]))

    def merge(self, first: Any, second: Any) -> Any:
        return first[0] + second[0], first[1] or second[1]

    def findings(self, state: Any) -> list[Finding]:
        rows, points = state
        if not rows or len(points) < 3:
            return []
        said = forecast(points, name="score")
        if said.outcome != "helps":
            return []
        numbers = {"gain": said.gain, "low": said.low, "high": said.high}
        fix = Fix("add labelled rows to the file", said.sentence)
        message = f"more rows would help: {said.sentence}"
        return [Finding(self.code, "info", message, rows, (), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        rows = [(f"where is parcel {i}", f"depot {i % 2}") for i in range(4)]
        rising = [
            (n, 1 - 3 * n**-0.5, 0.999 - 3 * n**-0.5, 1.001 - 3 * n**-0.5) for n in (100, 200, 400, 800)
        ]
        flat = [(n, 0.9, 0.899, 0.901) for n in (100, 200, 400, 800)]
        return labelled(*rows, curve=rising), labelled(*rows, curve=flat)
