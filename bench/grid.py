"""The learning rate of each arm and the best of several peers: tried once, before anything is compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.checks import brief
from bench.course import Course
from bench.processes import Failed
from bench.row import Arm, Bench

Look = dict[str, Any]
NO_TIME = "not tried: no time left"


@dataclass(frozen=True)
class Tried:
    """An arm at its best rate with that look, None where it was not run or failed; looks: what the grid saw.

    kept: whether the looks were read from an earlier run.
    """

    arm: Arm
    look: Look | None = None
    looks: list[Look] = field(default_factory=list)
    failed: str = ""
    kept: bool = False


def tried(course: Course, arm: Arm, *, needed: bool) -> Tried:
    """An arm at the best of its rates.  needed: even with one rate it is run, since one of several arms is chosen."""
    asked = list(arm.rates) if len(arm.rates) > 1 else []
    if not asked and not needed:
        return Tried(arm)
    known = course.pace.rates.known(arm) if course.pace.rates else None
    looks: list[Look] = list(known or [])
    try:
        for rate in [] if known else asked or [arm.task.get("rate")]:
            looks.append(_look(course, arm, rate, first=not looks))
    except Failed as error:
        return Tried(arm, None, looks, str(error))
    if course.pace.rates and not known and not any("skipped" in each for each in looks):
        course.pace.rates.keep(arm, looks)
    best = min((each for each in looks if "skipped" not in each), key=lambda each: _rank(course.bench, each))
    rate = best["rate"]
    return Tried(arm.at(rate) if rate is not None else arm, best, looks, kept=bool(known))


def chosen(bench: Bench, candidates: Sequence[Tried]) -> Tried | None:
    """The fastest whose quality is within the tolerance of the best of all; None where none ran."""
    ran = [each for each in candidates if each.look]
    if len(candidates) == 1 or not ran:
        return candidates[0] if len(candidates) == 1 and not candidates[0].failed else None
    best = max(_quality(bench, each.look) for each in ran)
    good = [each for each in ran if _quality(bench, each.look) >= best - bench.tolerance] or ran
    return min(good, key=lambda each: _seconds(each.look))


def _look(course: Course, arm: Arm, rate: float | None, *, first: bool) -> Look:
    """What one rate gave.  The first is always tried, others while there is time."""
    if not first and course.late():
        return {"rate": rate, "skipped": NO_TIME}
    run = course.run(arm.at(rate, **arm.shorter) if rate is not None else arm, idle=False)
    return {"rate": rate, "seconds": run.numbers["seconds"], **brief(run.judged)}


def _rank(bench: Bench, look: Look) -> float:
    return _seconds(look) if bench.by_time or not bench.quality else -_quality(bench, look)


def _quality(bench: Bench, look: Mapping[str, Any] | None) -> float:
    """Higher is better; what was not judged counts alike, a number that is none (null where it was kept) as worst."""
    value = (look or {}).get(bench.quality, 0.0) if bench.quality else 0.0
    return bench.better * value if value is not None and math.isfinite(value) else -math.inf


def _seconds(look: Mapping[str, Any] | None) -> float:
    return look["seconds"] if look else math.inf
