"""How many minutes the table, its rows and their parts may take."""

from __future__ import annotations

import ast
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.row import Bench

WHOLE = 100.0  # of the table, on two cores
USUAL = 6.0  # of a row that names none


def declared(rows: Path) -> dict[str, float]:
    """Row → its `MINUTES`, without importing."""
    return {path.stem: _named(ast.parse(path.read_text("utf-8"))) for path in sorted(rows.glob("[!_]*.py"))}


def _named(module: ast.Module) -> float:
    for each in module.body:
        if isinstance(each, ast.Assign) and any(_is_minutes(goal) for goal in each.targets):
            return float(ast.literal_eval(each.value))
    return USUAL


def _is_minutes(goal: ast.expr) -> bool:
    return isinstance(goal, ast.Name) and goal.id == "MINUTES"


class Left:
    """What is left of the minutes of several rows, or of a row's parts: what one doesn't need goes to those after it.

    shares: name → its share, in any unit.  minutes: of them all together; infinite where nothing is left out.
    """

    def __init__(self, shares: Mapping[str, float], minutes: float) -> None:
        self.shares, self.until = dict(shares), time.monotonic() + 60 * minutes

    def of(self, name: str) -> float:
        """Minutes that this one may take, if those that are asked for earlier are over."""
        mine, rest = self.shares[name], sum(self.shares.values())
        del self.shares[name]
        left = max(0.0, self.until - time.monotonic()) / 60
        return left if math.isinf(left) else left * mine / rest


def of_parts(parts: Sequence[Bench], minutes: float) -> Left:
    """The parts of a row."""
    return Left({part.part: part.minutes for part in parts}, minutes)
