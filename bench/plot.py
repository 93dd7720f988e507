"""Ratios drawn: a dot and its interval for each comparison, with floor and goal, on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from bench import table

WIDTH, LEFT, RIGHT, STEP, TOP = 860, 330, 190, 26, 34  # pixels; text stands left and right of the axis
TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def chart(parts: Sequence[Mapping[str, Any]]) -> str:
    """Ratio and interval of each comparison, floor and goal beside it."""
    lines = [each for part in parts for each in _drawn(part)]
    numbers = [
        n for line in lines for n in (line["ratio"]["low"], line["ratio"]["high"], *line["marks"].values())
    ]
    low, high = min([0.8, *numbers]), max([2.0, *numbers]) * 1.15
    height = TOP + STEP * len(lines) + 10
    body = [_axis(value, low, high, height) for value in TICKS if low <= value <= high]
    body += [_bar(line, TOP + STEP * (i + 0.6), low, high) for i, line in enumerate(lines)]
    title = "<title>Ratios of seconds, peer ÷ tunesmith, with intervals</title>"
    return f"<svg viewBox='0 0 {WIDTH} {height}' role='img'>{title}{''.join(body)}</svg>"


def _drawn(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for column, each in part["columns"].items():
        for measure in table.measures(part, column) if "ratios" in each else []:
            if each["ratios"][measure] is None:
                continue
            goals = [v for v in part["verdicts"] if (v["column"], v["measure"]) == (column, measure)]
            marks = {k: v[k] for v in goals for k in ("floor", "goal") if v[k]}
            words = f"{table.name(part)} · {each['arms'][1]['name']}"
            words += "" if measure == "seconds" else f" ({measure.replace('_', ' ')})"
            found.append(
                {"words": words, "ratio": each["ratios"][measure], "marks": marks, "goals": bool(goals)}
            )
    return found


def _x(value: float, low: float, high: float) -> float:
    share = math.log(max(value, low) / low) / math.log(high / low)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _axis(value: float, low: float, high: float, height: float) -> str:
    x, kind = _x(value, low, high), "one" if value == 1 else "grid"
    words = f"<text x='{x:.1f}' y='{TOP - 12}' class='tick' text-anchor='middle'>{value:g}×</text>"
    return _stroke(x, x, TOP - 6, height - 6, kind) + words


def _bar(line: Mapping[str, Any], y: float, low: float, high: float) -> str:
    ratio = line["ratio"]
    at, start, end = (_x(ratio[key], low, high) for key in ("value", "low", "high"))
    marks = [(_x(value, low, high), kind) for kind, value in line["marks"].items()]
    return (
        f"<g class='{'line' if line['goals'] else 'other'}'>"
        f"<text x='{LEFT - 12}' y='{y + 4:.1f}' text-anchor='end'>{escape(line['words'])}</text>"
        f"{''.join(_stroke(x, x, y - 8, y + 8, kind) for x, kind in marks)}{_stroke(start, end, y, y, 'span')}"
        f"<circle cx='{at:.1f}' cy='{y:.1f}' r='5' class='dot'/>"
        f"<text x='{WIDTH - RIGHT + 14}' y='{y + 4:.1f}'>{escape(table.ratio(ratio))}</text></g>"
    )


def _stroke(x1: float, x2: float, y1: float, y2: float, kind: str) -> str:
    return f"<line x1='{x1:.1f}' x2='{x2:.1f}' y1='{y1:.1f}' y2='{y2:.1f}' class='{kind}'/>"
