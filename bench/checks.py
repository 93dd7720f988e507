"""What must hold before a ratio means anything: same tokens, same beginning, weights that moved, no worse model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bench import pairing
from bench.row import Bench, Run

CLOSE = {"float32": 1e-5, "bfloat16": 1e-2}  # how near losses of the first step must be, relative above 1
LONG = ("marks", "rows")  # of what an arm or a judge says, too long for a result


def alike(bench: Bench, ours: Run, theirs: Run) -> dict[str, Any]:
    """{name: {ours, theirs, ok}} of each check that the part asks for."""
    if not bench.trains:
        return {}
    said = ours.said, theirs.said
    found = {
        "tokens": _check(*_pair(said, "tokens_sha256"), lambda a, b: a == b and bool(a)),
        "updates": _check(*_pair(said, "updates"), lambda a, b: True),
        "moved": _check(*_pair(said, "moved"), lambda a, b: bool(a and b and a > 0 and b > 0)),
        "gradient_norm": _check(
            *_pair(said, "gradient_norm"), lambda a, b: bool(a and b and math.isfinite(a + b))
        ),
    }
    if bench.first_loss:
        close = max(CLOSE.get(str(run.arm.task.get("dtype")), CLOSE["bfloat16"]) for run in (ours, theirs))
        found["first_loss"] = _check(*_pair(said, "first_loss"), lambda a, b: near(a, b, close))
    return found


def near(one: float | None, other: float | None, close: float) -> bool:
    """Whether two losses agree: relative to the larger where that is above 1."""
    return (
        one is not None and other is not None and abs(one - other) <= close * max(1.0, abs(one), abs(other))
    )


def quality(bench: Bench, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """{ours, theirs, difference, equal}: void where ours is worse by more than the tolerance and more than noise."""
    if not bench.quality:
        return {}
    mine, other = ours.get(bench.quality), theirs.get(bench.quality)
    if mine is None or other is None:
        return {"key": bench.quality, "ours": mine, "theirs": other, "equal": False}
    found = {"key": bench.quality, "better": bench.better, "ours": brief(ours), "theirs": brief(theirs)}
    worse = bench.better * (other - mine)
    if "rows" in ours and "rows" in theirs:
        mean, low, high = pairing.difference(ours["rows"], theirs["rows"])
        found["difference"] = {"mean": mean, "low": low, "high": high, "n": len(ours["rows"])}
        worse = -high if bench.better > 0 else low
    return {**found, "tolerance": bench.tolerance, "equal": bool(worse <= bench.tolerance)}


def brief(said: Mapping[str, Any]) -> dict[str, Any]:
    """What was said, without its long lists."""
    return {key: value for key, value in said.items() if key not in LONG}


def _pair(said: tuple[Mapping[str, Any], Mapping[str, Any]], key: str) -> tuple[Any, Any]:
    return said[0].get(key), said[1].get(key)


def _check(ours: Any, theirs: Any, holds: Any) -> dict[str, Any]:
    return {"ours": ours, "theirs": theirs, "ok": bool(holds(ours, theirs))}
