"""The learning rate of each arm and the best of several peers: tried once, before anything is compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.checks import brief
from bench.comparing import Course, Measured
from bench.processes import Failed
from bench.row import Arm, Bench


@dataclass(frozen=True)
class Tried:
    """An arm at its best rate with that run, None where it was not run or failed; looks: what the grid saw."""

    arm: Arm
    run: Measured | None = None
    looks: list[dict[str, Any]] = field(default_factory=list)
    failed: str = ""


def tried(course: Course, arm: Arm, *, needed: bool) -> Tried:
    """An arm at the best of its rates.  needed: even with one rate it is run, since one of several arms is chosen."""
    rates = list(arm.rates) if len(arm.rates) > 1 else []
    if not rates and not needed:
        return Tried(arm)
    found, looks = [], []
    try:
        for rate in rates or [arm.task.get("rate")]:
            run = course.run(arm.at(rate, **arm.shorter) if rate is not None else arm)
            looks.append({"rate": rate, "seconds": run.numbers["seconds"], **brief(run.judged)})
            found.append((_rank(course.bench, run), len(found), rate, run))
    except Failed as error:
        return Tried(arm, None, looks, str(error))
    _, _, rate, run = min(found, key=lambda each: each[:2])
    return Tried(arm.at(rate) if rate is not None else arm, run, looks)


def chosen(bench: Bench, candidates: Sequence[Tried]) -> Tried | None:
    """The fastest whose quality is within the tolerance of the best of all; None where none ran."""
    ran = [each for each in candidates if each.run]
    if len(candidates) == 1 or not ran:
        return candidates[0] if len(candidates) == 1 and not candidates[0].failed else None
    best = max(_quality(bench, each.run) for each in ran)
    good = [each for each in ran if _quality(bench, each.run) >= best - bench.tolerance] or ran
    return min(good, key=lambda each: _seconds(each.run))


def _rank(bench: Bench, run: Measured) -> float:
    if bench.by_time or not bench.quality:
        return run.numbers["seconds"]
    return -_quality(bench, run)


def _quality(bench: Bench, run: Measured | None) -> float:
    """Higher is better; nothing judged counts alike, a number that is none as the worst."""
    judged: Mapping[str, Any] = run.judged if run else {}
    value = bench.better * float(judged.get(bench.quality, 0.0)) if bench.quality else 0.0
    return value if math.isfinite(value) else -math.inf


def _seconds(run: Measured | None) -> float:
    return run.numbers["seconds"] if run else math.inf
