"""What the ratios of a part say beside its goals, and how near the training came to the fastest matrix product."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from bench.row import Bench, Goal

LEANEST = "leanest"


def verdicts(bench: Bench, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each goal {column, measure, floor, goal, ratio, outcome}.

    outcome: 'met', 'missed goal', 'missed floor'; 'void' where a check or equal quality failed; 'not run'; 'not
    reached' where neither side came to its goal.  Of a ratio that is 'at least' so much: 'floor met', 'not shown' where
    the bound reaches the floor only, or neither.
    """
    return [_verdict(goal, found["columns"]) for goal in bench.goals]


def mfu(found: Mapping[str, Any], peaks: Mapping[str, float]) -> dict[str, Any]:
    """Arm → {share, dtype, flops_per_second}: useful FLOP/s of training ÷ the peak of the number type that it used."""
    rates: dict[str, list[tuple[str, float]]] = {}
    for column in found["columns"].values():
        for run in column.get("runs", []):
            if run["flops_per_second"]:
                rates.setdefault(run["arm"], []).append((_dtype(run, column), run["flops_per_second"]))
    return {arm: _share(each, peaks) for arm, each in rates.items()}


def trusted(column: Mapping[str, Any]) -> bool:
    """Whether a comparison's checks and quality hold."""
    sound = all(each["ok"] for each in column.get("checks", {}).values())
    return sound and column.get("quality", {}).get("equal", True)


def _verdict(goal: Goal, columns: Mapping[str, Any]) -> dict[str, Any]:
    name = _leanest(goal, columns) if goal.column == LEANEST else goal.column
    column = columns.get(name, {})
    ratio = column.get("ratios", {}).get(goal.measure)
    told = {
        "column": goal.column,
        "measure": goal.measure,
        "floor": goal.floor,
        "goal": goal.goal,
        "ratio": ratio,
    }
    if not ratio:
        return {**told, "outcome": "not reached" if "ratios" in column else "not run"}
    return {**told, "outcome": _outcome(goal, ratio, trusted(column))}


def _outcome(goal: Goal, ratio: Mapping[str, Any], sound: bool) -> str:
    if not sound:
        return "void"
    if ratio.get("bound") == "at most":  # ours did not reach what the peer reached
        return "missed floor"
    least = ratio.get("bound") == "at least"
    if ratio["value"] < goal.floor:
        return "not shown" if least else "missed floor"
    if goal.goal is None or ratio["value"] >= goal.goal:
        return "met"
    return "floor met" if least else "missed goal"


def _leanest(goal: Goal, columns: Mapping[str, Any]) -> str:
    ran = {name: each["medians"]["B"][goal.measure] for name, each in columns.items() if "medians" in each}
    return min(ran, key=lambda name: ran[name], default="")


def _dtype(run: Mapping[str, Any], column: Mapping[str, Any]) -> str:
    task = next(arm["task"] for arm in column["arms"] if arm["name"] == run["arm"])
    return str(run["said"].get("dtype") or task.get("dtype") or "float32")


def _share(rates: list[tuple[str, float]], peaks: Mapping[str, float]) -> dict[str, Any]:
    dtype, rate = rates[0][0], statistics.median(each for _, each in rates)
    peak = peaks.get(dtype)
    return {"dtype": dtype, "flops_per_second": rate, "share": rate / peak if peak else None}
