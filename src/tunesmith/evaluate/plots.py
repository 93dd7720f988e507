"""Small charts as inline SVG: they follow the page's colours, print well and carry a description for readers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from markupsafe import Markup

from tunesmith.evaluate import svg
from tunesmith.evaluate.svg import Axes, Point


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"


def _thousands(value: float) -> str:
    return f"{value:,.0f}"


def bar(value: float | None, low: float | None, high: float | None, kind: str = "bar") -> Markup:
    """A bar on 0 to 1 with its interval as a whisker, for a table's cell."""
    width, height = 96, 16
    body = [f'<rect x="0" y="5" width="{width}" height="6" rx="3" class="track"/>']
    if value is not None:
        size = max(0.0, min(1.0, value)) * width
        body.append(f'<rect x="0" y="5" width="{size:.1f}" height="6" rx="3" class="{kind}"/>')
    if low is not None and high is not None:
        start, end = (max(0.0, min(1.0, v)) * (width - 2) + 1 for v in (low, high))
        body += [
            svg.line(start, 8, end, 8, "whisker"),
            *(svg.line(x, 4, x, 12, "whisker") for x in (start, end)),
        ]
    content = "".join(body)
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="cell" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'aria-hidden="true">{content}</svg>'
    )


def dots(rows: Sequence[tuple[str, float, float | None, float | None, bool]], x_label: str) -> Markup:
    """Scores with their intervals below each other: (name, value, low, high, highlighted)."""
    ends = [v for _, value, low, high, _ in rows for v in (value, low, high) if v is not None]
    span = (max(ends) - min(ends)) or 0.1
    left = 30 + 7.2 * max(len(name) for name, *_ in rows)
    axes = Axes(
        (max(-1.0, min(ends) - 0.06 * span), max(ends) + 0.06 * span), (0, 1), 1000, 64 + 34 * len(rows), left
    )
    floor = axes.height - axes.bottom
    body = []
    for value in svg.ticks(*axes.x, 6):
        x, _ = axes.at(value, 0)
        body += [
            svg.line(x, axes.top, x, floor, "grid"),
            svg.text(x, floor + 18, f"{value:g}", "tick", text_anchor="middle"),
        ]
    for i, (name, value, low, high, chosen) in enumerate(rows):
        y, kind = axes.top + 20 + 34 * i, "one" if chosen else "two"
        x, _ = axes.at(value, 0)
        body.append(svg.text(left - 14, y + 4, name, "strong" if chosen else "name", text_anchor="end"))
        if low is not None and high is not None:
            body.append(svg.line(axes.at(low, 0)[0], y, axes.at(high, 0)[0], y, f"range {kind}-line"))
        body.append(svg.dot(x, y, 6, f"{kind}-fill", f"{name}: {value:.3f}"))
    body.append(svg.text((left + axes.width) / 2, axes.height - 6, x_label, "label", text_anchor="middle"))
    return svg.figure(
        x_label, "; ".join(f"{name} {v:.3f}" for name, v, *_ in rows), axes.width, axes.height, body
    )


def reliability(bins: Sequence[Point]) -> Markup:
    """How often the model is right at each confidence; bins: (mean confidence, share right, rows)."""
    axes = Axes((0, 1), (0, 1), 440, 330)
    most = max((n for *_, n in bins), default=1)
    body = axes.frame("confidence", "share right", _percent, _percent)
    body.append(svg.path([axes.at(0, 0), axes.at(1, 1)], "ideal"))
    for confidence, share, rows in bins:
        x, y = axes.at(confidence, share)
        _, ideal = axes.at(confidence, confidence)
        body.append(svg.line(x, y, x, ideal, "gap"))
        tip = f"confidence {confidence:.2f}: {share:.2f} right of {rows:,} rows"
        body.append(svg.dot(x, y, 3.5 + 7 * math.sqrt(rows / most), "one-fill soft", tip))
    words = "Dots on the diagonal: as often right as the confidence says. Larger dots hold more rows."
    return svg.figure("Reliability", words, axes.width, axes.height, body)


def coverage(curve: Sequence[Point], chosen: Point | None) -> Markup:
    """Error among the answered rows against the share answered; chosen: (coverage, error) at the threshold."""
    highest = max((error for _, error in curve), default=0.0)
    axes = Axes((0, 1), (0, max(0.02, 1.15 * highest)), 440, 330)
    body = axes.frame("share of rows answered", "error among the answered", _percent, _percent)
    body.append(svg.path([axes.at(*point) for point in curve], "curve one-line"))
    if chosen:
        x, y = axes.at(*chosen)
        _, floor = axes.at(0, 0)
        body += [svg.line(x, y, x, floor, "marker"), svg.dot(x, y, 6, "two-fill")]
        words = f"threshold: {_percent(chosen[0])} answered, {_percent(chosen[1])} wrong"
        body.append(svg.text(x - 12, max(y - 12, axes.top + 12), words, "strong", text_anchor="end"))
    words = "The further left, the more rows the model abstains from and the fewer of its answers are wrong."
    return svg.figure("Error and coverage", words, axes.width, axes.height, body)


def data_curve(points: Sequence[Point], expected: Sequence[Point], y_label: str) -> Markup:
    """Score against training rows; points: (rows, value, low, high), expected: the forecast's (rows, score)."""
    values = [v for _, *three in points for v in three if v is not None] + [v for _, v in expected]
    span = (max(values) - min(values)) or 0.05
    most = max([p[0] for p in points] + [n for n, _ in expected])
    axes = Axes(
        (0, 1.03 * most), (max(0.0, min(values) - 0.1 * span), min(1.0, max(values) + 0.1 * span)), 440, 300
    )
    body = axes.frame("training rows", y_label, _thousands)
    known = max(p[0] for p in points)
    inside = [axes.at(n, v) for n, v in expected if n <= known]
    body.append(svg.path(inside, "curve faint"))
    body.append(svg.path(inside[-1:] + [axes.at(n, v) for n, v in expected if n > known], "curve ahead"))
    for n, value, low, high in points:
        x, y = axes.at(n, value)
        if low is not None and high is not None:
            body.append(svg.line(*axes.at(n, low), *axes.at(n, high), "range one-line"))
        body.append(svg.dot(x, y, 5, "one-fill", f"{n:,} rows: {value:.3f}"))
    if expected and expected[-1][0] > known:
        x, y = axes.at(*expected[-1])
        body.append(
            svg.dot(x, y, 5, "hollow", f"expected at {expected[-1][0]:,.0f} rows: {expected[-1][1]:.3f}")
        )
    words = "; ".join(f"{n:,} rows {value:.3f}" for n, value, *_ in points)
    return svg.figure("Score against training rows", words, axes.width, axes.height, body)


def series(
    points: Sequence[Point], x_label: str, y_label: str, kind: str, best: float | None = None
) -> Markup:
    """One curve over optimiser steps; `best` marks a step whose weights were kept."""
    values = [v for _, v in points]
    low, high = min(values), max(values)
    pad = 0.08 * (high - low or 0.1)
    axes = Axes((0, max(x for x, _ in points) or 1), (max(0.0, low - pad), high + pad), 440, 280)
    body = axes.frame(x_label, y_label, _thousands)
    body.append(svg.path([axes.at(*point) for point in points], f"curve {kind}-line"))
    if len(points) <= 30:
        body += [
            svg.dot(*axes.at(*point), 3.5, f"{kind}-fill", f"{point[0]:g}: {point[1]:.4g}")
            for point in points
        ]
    kept = next((point for point in points if point[0] == best), None)
    if kept:
        x, y = axes.at(*kept)
        body += [
            svg.dot(x, y, 8, "ring"),
            svg.text(x, y - 14, "kept", "strong", text_anchor=_anchor(x, axes.width)),
        ]
    words = f"from {values[0]:.3g} to {values[-1]:.3g}, lowest {low:.3g}, highest {high:.3g}"
    return svg.figure(f"{y_label} over {x_label}", words, axes.width, axes.height, body)


def _anchor(x: float, width: float) -> str:
    return "end" if x > width - 60 else "start" if x < 90 else "middle"


def heat_map(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Markup:
    """Confusion matrix; rows are the truth (shaded by share of the row), columns the guess."""
    longest = 6.8 * max(len(label) for label in labels)
    cell = max(22.0, min(58.0, 680 / len(labels)))
    left, top = 34 + min(longest, 220), 30 + min(longest, 220) * 0.72
    size = cell * len(labels)
    width, height = left + size + min(longest, 220) * 0.72, top + size + 12
    body = []
    for i, (name, row) in enumerate(zip(labels, counts, strict=True)):
        y = top + i * cell
        body.append(svg.text(left - 10, y + cell / 2 + 4, _short(name), "name", text_anchor="end"))
        spot = f"translate({left + i * cell + cell / 2:.1f} {top - 10:.1f}) rotate(-45)"
        body.append(f'<g transform="{spot}">{svg.text(0, 0, _short(name), "name")}</g>')
        body += [_cell(left + j * cell, y, cell, name, labels[j], n, sum(row)) for j, n in enumerate(row)]
    body += [
        svg.text(left - 10, top - 12, "truth ↓  guess →", "label", text_anchor="end"),
    ]
    return svg.figure(
        "Confusion matrix", "Rows: true label. Columns: what the model said.", width, height, body
    )


def _short(name: str) -> str:
    return name if len(name) <= 30 else name[:29] + "…"


def _cell(x: float, y: float, size: float, truth: str, guess: str, rows: int, total: int) -> str:
    share = rows / total if total else 0.0
    kind = "hit" if truth == guess else "miss"
    tip = escape(f"{truth} → {guess}: {rows} of {total}")
    shade = 0.0 if not rows else 0.12 + 0.88 * share
    box = f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{size - 2:.1f}" height="{size - 2:.1f}" rx="3"'
    found = [
        f'<rect {box} class="track"/>',
        f'<rect {box} class="{kind}" fill-opacity="{shade:.2f}"><title>{tip}</title></rect>',
    ]
    if rows:
        tone = "inverse" if shade > 0.6 else "count"
        found.append(svg.text(x + size / 2, y + size / 2 + 4, f"{rows:,}", tone, text_anchor="middle"))
    return "".join(found)
