"""One part of a row from the grid to its verdicts: what the result's JSON says of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import comparing, grid, processes, verdicts
from bench.comparing import Course, Pace
from bench.processes import Failed
from bench.row import Arm, Bench, Options

BENCH = Path(__file__).parent


def measured(bench: Bench, options: Options, folder: Path, pace: Pace) -> dict[str, Any]:
    """{row, part, work, peaks, grid, columns, control, mfu, verdicts} of one part."""
    course = Course(bench, folder, pace)
    peaks = peaks_of(bench, options, folder)
    ours = _ours(course)
    looks, columns = {bench.ours.name: ours.looks}, {}
    if ours.failed:
        columns = {column: {"failed": ours.failed} for column in bench.peers}
    for column, candidates in {} if ours.failed else bench.peers.items():
        columns[column] = _column(course, ours.arm, column, list(candidates), looks)
    found = {
        "row": bench.row,
        "part": bench.part,
        "work": bench.work,
        "facts": dict(bench.facts),
        "peaks": peaks,
        "grid": {name: each for name, each in looks.items() if each},
        "columns": columns,
        "control": None if ours.failed else _control(course, ours.arm),
    }
    return {**found, "mfu": verdicts.mfu(found, peaks), "verdicts": verdicts.verdicts(bench, found)}


def peaks_of(bench: Bench, options: Options, folder: Path) -> dict[str, float]:
    """FLOP/s at the part's shapes, by a process of its own; empty where the part multiplies nothing."""
    if bench.flops is None:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    command = [options.ours, str(BENCH / "hardware.py"), str(options.threads), json.dumps([*bench.shapes])]
    return processes.asked("the peak's probe", command, folder)


def _ours(course: Course) -> grid.Tried:
    try:
        if course.bench.before:
            course.bench.before()
    except Failed as error:
        return grid.Tried(course.bench.ours, failed=str(error))
    return _tried(course, course.bench.ours, several=False)


def _column(
    course: Course, ours: Arm, column: str, candidates: list[Arm], looks: dict[str, Any]
) -> dict[str, Any]:
    cannot = {arm.name: arm.cannot for arm in candidates if arm.cannot}
    able = [arm for arm in candidates if not arm.cannot]
    if not able:
        return {"cannot": cannot}
    tried = [_tried(course, arm, several=len(able) > 1) for arm in able]
    looks.update({each.arm.name: each.looks for each in tried})
    failed = {each.arm.name: each.failed for each in tried if each.failed}
    best = grid.chosen(course.bench, tried)
    about = {"cannot": cannot, "failed_candidates": failed}
    if best is None:
        return {**about, "failed": "\n".join(failed.values())}
    try:
        pairs = course.pace.pairs(course.bench, column)
        return {**about, **comparing.compared(course, ours, best.arm, pairs)}
    except Failed as error:
        return {**about, "failed": str(error)}


def _tried(course: Course, arm: Arm, *, several: bool) -> grid.Tried:
    """Without a grid an arm keeps its own rate; of several each is run once, so that one can be chosen."""
    return grid.tried(course, arm if course.pace.grid else replace(arm, rates=()), needed=several)


def _control(course: Course, ours: Arm) -> dict[str, Any] | None:
    if not (course.pace.control and course.bench.control):
        return None
    try:
        return comparing.control(course, ours, course.pace.control)
    except Failed as error:
        return {"arm": ours.name, "failed": str(error), "sound": False}
