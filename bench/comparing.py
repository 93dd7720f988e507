"""Runs the arms of one part of a row: each column A B B A …, ours against itself; what of it is to be said.

A run that fails ends its own column, not the others.  What an arm saved is judged right after the first run of that
arm and then thrown away.
"""

from __future__ import annotations

import math
import re
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench import checks, pairing
from bench.course import Course, Measured
from bench.processes import Failed
from bench.row import Arm

PATH = re.compile(r"(?<![\w.:/])/(?:[\w.+@-]+/)+")  # folders of this machine, which no result names
STRAY = 0.03  # by which an arm against itself may miss 1, else the machine was too restless to say anything
BY_HAND = "stopped by hand"


def compared(course: Course, ours: Arm, theirs: Arm, pairs: int, until: float = math.inf) -> dict[str, Any]:
    """{arms, ratios of each measure, medians, quality, checks, runs}: ratios are theirs ÷ ours.

    until: no pair begins that is not likely to end by then, but for the first.  `asked` are the pairs that were asked
    for, and `ended` says why there are fewer.  A run that fails, or a stop by hand, keeps the pairs before it.
    """
    sides = pairing.order(pairs)
    made, ended = _paired(course, ours, theirs, sides, until)
    runs, sides = [each for each, _ in made], sides[: len(made)]
    mine, other = runs[sides.index("A")], runs[sides.index("B")]
    found = {
        "arms": [told(ours), told(theirs)],
        "ratios": {name: _told_ratio(_ratio(sides, runs, name)) for name in mine.numbers},
        "medians": {side: _medians(runs, sides, side) for side in ("A", "B")},
        "quality": checks.quality(course.bench, mine.judged, other.judged),
        "checks": checks.alike(course.bench, mine.run, other.run),
        "runs": [_short(side, *each) for side, each in zip(sides, made, strict=True)],
    }
    return {**found, "asked": pairs, **({"ended": ended} if ended else {})}


def _paired(
    course: Course, ours: Arm, theirs: Arm, sides: Sequence[str], until: float
) -> tuple[list[tuple[Measured, bool]], str]:
    """(the runs of whole pairs, each with whether it was there already; why there are fewer than asked for)."""
    made: list[tuple[Measured, bool]] = []
    ended = ""
    while len(made) < len(sides) and not ended:
        start = time.monotonic()
        try:
            made += _pair(course, ours, theirs, sides[len(made) : len(made) + 2], first=not made)
        except (Failed, KeyboardInterrupt) as error:
            course.stopped = BY_HAND if isinstance(error, KeyboardInterrupt) else ""
            if not made:
                raise
            return made, str(error) or BY_HAND
        late = 2 * time.monotonic() - start > until  # another such pair would end too late
        ended = _enough(made[-2:], len(made) < len(sides), late)
    return made, ended


def _pair(
    course: Course, ours: Arm, theirs: Arm, sides: Sequence[str], *, first: bool
) -> list[tuple[Measured, bool]]:
    """Two runs next to each other, and whether each was there already: of a column's first pair, ours may be."""
    made = {"A": lambda: course.beside(ours) if first else (course.kept(ours), False)}
    made["B"] = lambda: (course.kept(theirs), False)
    return [made[side]() for side in sides]


def _enough(two: Sequence[tuple[Measured, bool]], more: bool, late: bool) -> str:
    """Why no other pair is run, empty where one is, or none is left."""
    if more and any(each.bound for each, _ in two):
        return "the goal was not reached in the time of a run: a bound, which another pair does not change"
    return "no time for another pair" if more and late else ""


def control(course: Course, arm: Arm, pairs: int) -> dict[str, Any]:
    """An arm against itself: {ratio, sound}."""
    sides = pairing.order(pairs)
    runs = [course.run(arm) for _ in sides]
    found = _ratio(sides, runs, "seconds")
    if found is None:
        return {"arm": arm.name, "failed": runs[0].bound, "sound": False}
    return {"arm": arm.name, "ratio": _told_ratio(found), "sound": abs(found.value - 1) <= STRAY}


def told(arm: Arm) -> dict[str, Any]:
    """What a result says of an arm: its settings; of paths the last name only."""
    settings = without_paths(dict(arm.task))
    return {"name": arm.name, "script": arm.script, "task": settings, "about": dict(arm.about)}


def without_paths(value: Any) -> Any:
    """The same with the last names of this machine's paths only."""
    if isinstance(value, Mapping):
        return {key: without_paths(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(each) for each in value]
    return PATH.sub("…/", str(value)) if isinstance(value, str | Path) else value


def _ratio(sides: Sequence[str], runs: Sequence[Measured], name: str) -> pairing.Ratio | None:
    """None where neither side reached its goal: then seconds say nothing."""
    numbers = [each.numbers[name] for each in runs]
    found = pairing.ratio(pairing.paired(list(zip(sides, numbers, strict=True))))
    mine, theirs = (
        any(each.bound for each, at in zip(runs, sides, strict=True) if at == side) for side in "AB"
    )
    if name != "seconds" or not (mine or theirs):
        return found
    return None if mine and theirs else replace(found, bound="at most" if mine else "at least")


def _told_ratio(found: pairing.Ratio | None) -> dict[str, Any] | None:
    """As results keep it: `bound` where there is one."""
    return {key: each for key, each in asdict(found).items() if each != ""} if found else None


def _medians(runs: Sequence[Measured], sides: Sequence[str], side: str) -> dict[str, Any]:
    """Of each measure; None for seconds to a goal that was not reached, and `bound` says so."""
    mine = [each for each, where in zip(runs, sides, strict=True) if where == side]
    found: dict[str, Any] = {
        name: statistics.median(each.numbers[name] for each in mine) for name in mine[0].numbers
    }
    bound = next((each.bound for each in mine if each.bound), "")
    return {**found, "seconds": None, "bound": bound} if bound else found


def _short(side: str, each: Measured, shared: bool) -> dict[str, Any]:
    """What a result says of a run.  shared: it stands beside a run of the column before too."""
    run, numbers = each.run, dict[str, Any](each.numbers)
    told = {"wall": run.wall, "stolen": run.stolen, "load": run.load, "flops_per_second": each.flops}
    if each.bound:
        numbers |= {"seconds": None, "bound": each.bound}
    more = {"shared": True} if shared else {}
    return {"side": side, "arm": run.arm.name, **numbers, **told, **more, "said": checks.brief(run.said)}
