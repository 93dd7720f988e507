"""Strokes that charts are made of: SVG elements as text, and axes with round ticks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

Point = Sequence[float]


def figure(title: str, description: str, width: float, height: float, body: Sequence[str]) -> Markup:
    head = f'<svg class="plot" viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width:.0f}px" role="img" '
    name = escape(title, quote=True)
    words = f'aria-label="{name}"><title>{name}</title><desc>{escape(description)}</desc>'
    return Markup(head + words + "".join(body) + "</svg>")  # noqa: S704 - every text went through escape


def text(x: float, y: float, words: str, kind: str = "", **attributes: str) -> str:
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}"{extra}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def path(points: Sequence[Point], kind: str) -> str:
    steps = " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))
    return f'<path d="{steps}" class="{kind}"/>'


def dot(x: float, y: float, radius: float, kind: str, title: str = "") -> str:
    tip = f"<title>{escape(title)}</title>" if title else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="{kind}">{tip}</circle>'


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers within [low, high], at most about `most` of them."""
    if not high > low:
        return [low]
    raw = (high - low) / most
    scale = 10 ** math.floor(math.log10(raw))
    step = next(scale * m for m in (1, 2, 2.5, 5, 10) if scale * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class Axes:
    """A frame in pixels and the scales from data to it."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: float = 500
    height: float = 300
    left: float = 66
    bottom: float = 46
    top: float = 14
    right: float = 18

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        inner_x, inner_y = self.width - self.left - self.right, self.height - self.top - self.bottom
        return self.left + across * inner_x, self.height - self.bottom - up * inner_y

    def frame(
        self,
        x_label: str,
        y_label: str,
        show_x: Callable[[float], str] = "{:g}".format,
        show_y: Callable[[float], str] = "{:g}".format,
    ) -> list[str]:
        right, floor = self.width - self.right, self.height - self.bottom
        body = []
        for value in ticks(*self.y):
            _, y = self.at(self.x[0], value)
            body += [
                line(self.left, y, right, y, "grid"),
                text(self.left - 8, y + 4, show_y(value), "tick", text_anchor="end"),
            ]
        for value in ticks(*self.x, 6):
            x, _ = self.at(value, self.y[0])
            body += [
                line(x, floor, x, floor + 4, "axis"),
                text(x, floor + 18, show_x(value), "tick", text_anchor="middle"),
            ]
        middle = (self.left + right) / 2
        body += [
            line(self.left, floor, right, floor, "axis"),
            text(middle, self.height - 6, x_label, "label", text_anchor="middle"),
            f'<g transform="rotate(-90)">'
            f"{text(-(self.top + floor) / 2, 13, y_label, 'label', text_anchor='middle')}</g>",
        ]
        return body
