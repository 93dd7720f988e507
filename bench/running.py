"""One part of a row from the grid to its verdicts: what the result's JSON says of it, whole or ended early."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import comparing, grid, processes, verdicts
from bench.comparing import BY_HAND
from bench.course import Course, Pace
from bench.processes import Failed
from bench.row import Arm, Bench, Options

BENCH = Path(__file__).parent
Found = dict[str, Any]


def measured(bench: Bench, options: Options, folder: Path, pace: Pace) -> Found:
    """{row, part, work, peaks, grid, columns, control, mfu, verdicts} of one part.  `stopped` where it ended early."""
    *_, last = progress(bench, options, folder, pace)
    return last


def progress(bench: Bench, options: Options, folder: Path, pace: Pace) -> Iterator[Found]:
    """What is known of a part after each of its columns, the whole at last.  A stop by hand ends it, and keeps that."""
    course = Course(bench, folder, pace)
    about = {"row": bench.row, "part": bench.part, "work": bench.work, "facts": dict(bench.facts)}
    found: Found = {**about, "peaks": {}, "grid": {}, "columns": {}, "control": None}
    try:
        found["peaks"] = peaks_of(bench, options, folder)
        for _ in _columns(course, found):
            yield _judged(bench, found, course)
    except KeyboardInterrupt:
        course.stopped = BY_HAND
    except Failed as error:  # the peak's probe
        course.stopped = str(error)
    yield _judged(bench, found, course)


def peaks_of(bench: Bench, options: Options, folder: Path) -> dict[str, float]:
    """FLOP/s at the part's shapes, by a process of its own; empty where the part multiplies nothing."""
    if bench.flops is None:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    command = [options.ours, str(BENCH / "hardware.py"), str(options.threads), json.dumps([*bench.shapes])]
    return processes.asked("the peak's probe", command, folder)


def _judged(bench: Bench, found: Found, course: Course) -> Found:
    stopped = {"stopped": course.stopped} if course.stopped else {}
    said = verdicts.mfu(found, found["peaks"]), verdicts.verdicts(bench, found)
    return {**found, "mfu": said[0], "verdicts": said[1], **stopped}


def _columns(course: Course, found: Found) -> Iterator[None]:
    """Fill the columns one after the other, then the control: the least of what a part says."""
    bench, pace = course.bench, course.pace
    ours = _ours(course, found)
    if ours.failed:
        found["columns"] = {column: {"failed": ours.failed} for column in bench.peers}
        return
    control = pace.control if bench.control else 0
    rest = sum(pace.pairs(bench, column) for column in bench.peers) + control
    for column, candidates in bench.peers.items():
        until: _Until = lambda pairs, rest=rest: course.share(pairs, rest)  # noqa: E731
        found["columns"][column] = _column(course, ours.arm, column, list(candidates), found, until)
        rest -= pace.pairs(bench, column)
        yield
        if course.stopped:
            return
    if control:
        found["control"] = _control(course, ours.arm, control)


def _ours(course: Course, found: Found) -> grid.Tried:
    try:
        if course.bench.before:
            course.bench.before()
    except Failed as error:
        return grid.Tried(course.bench.ours, failed=str(error))
    return _tried(course, course.bench.ours, found, several=False)


_Until = Callable[[int], float]


def _column(
    course: Course, ours: Arm, column: str, candidates: list[Arm], found: Found, until: _Until
) -> Found:
    cannot = {arm.name: arm.cannot for arm in candidates if arm.cannot}
    able = [arm for arm in candidates if not arm.cannot]
    if not able:
        return {"cannot": cannot}
    tried: list[grid.Tried] = []
    for arm in able:
        tried.append(_tried(course, _alike(arm, tried), found, several=len(able) > 1))
    failed = {each.arm.name: each.failed for each in tried if each.failed}
    best = grid.chosen(course.bench, tried)
    about = {"cannot": cannot, "failed_candidates": failed}
    if best is None:
        return {**about, "failed": "\n".join(failed.values())}
    try:
        pairs = course.pace.pairs(course.bench, column)
        return {**about, **comparing.compared(course, ours, best.arm, pairs, until(pairs))}
    except Failed as error:
        return {**about, "failed": str(error)}


def _alike(arm: Arm, tried: list[grid.Tried]) -> Arm:
    """An arm that computes what an earlier one of its column does takes that one's rate."""
    like = next((each.arm for each in tried if each.arm.name == arm.like), None)
    return replace(arm.at(like.task["rate"]), rates=()) if like else arm


def _tried(course: Course, arm: Arm, found: Found, *, several: bool) -> grid.Tried:
    """Without a grid an arm keeps its own rate; of several each is run once, so that one can be chosen."""
    asked = arm if course.pace.grid else replace(arm, rates=())
    each = grid.tried(course, asked, needed=several)
    if each.looks:
        found["grid"][arm.name] = each.looks
    if each.kept:
        found.setdefault("rates_kept", []).append(arm.name)
        course.tell(f"{course.bench.name} · {arm.name} · rates as they were tried before")
    return each


def _control(course: Course, ours: Arm, pairs: int) -> Found | None:
    """Ours against itself, where there is time for it."""
    if course.over():
        return {"arm": ours.name, "failed": "no time for it", "sound": None}
    try:
        return comparing.control(course, ours, pairs)
    except Failed as error:
        return {"arm": ours.name, "failed": str(error), "sound": False}
