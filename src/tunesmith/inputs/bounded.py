"""A Jinja sandbox that also bounds what a template may spend: a chat template is a program from somebody else.

Jinja's own sandbox keeps a program from Python's insides.  It does not keep it from ranges inside ranges, macros that
call themselves twice, or a text that doubles a hundred times; here each of these meets a limit.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

STEPS = 1_000_000  # numbers of ranges in one rendering
CALL = 50  # steps that a call counts: a macro is slow, and a conversation of hundreds of turns has some thousands
SIZE = 16_000_000  # characters of a text, items of a list
_POWER = 64  # largest exponent
_left = threading.local()


class Overspent(TemplateError):
    """The template does not come to an end within the bounds."""


def begin() -> None:
    """A rendering begins: it may spend STEPS."""
    _left.steps = STEPS


def joined(pieces: Iterable[str]) -> str:
    """The text of pieces.  Raises Overspent where it grows beyond SIZE."""
    return "".join(_within(pieces))


def _within(pieces: Iterable[str]) -> Iterator[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        _require(size)
        yield piece


class Place(ImmutableSandboxedEnvironment):
    """The sandbox with bounds."""

    intercepted_binops = frozenset(("*", "**", "+"))

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.globals["range"] = _range
        self.filters["center"] = _centred
        self.filters["concatenated"] = lambda pieces: joined(map(str, pieces))

    def call(self, context: Context, obj: Any, /, *given: Any, **named: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Each call counts; no number in it may be a size beyond bounds."""
        _spend(CALL)
        for each in (*given, *named.values()):
            _require(each if isinstance(each, int) and obj is not _range else 0)
        return super().call(context, obj, *given, **named)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Products and sums of texts and lists stay within bounds, and so do powers."""
        if operator == "**" and isinstance(right, int | float) and right > _POWER:
            raise Overspent(f"a power of {right} is beyond bounds")
        if operator == "*":
            _require(_size(left) * _times(right) + _size(right) * _times(left))
        if operator == "+":
            _require(_size(left) + _size(right))
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = _Joins().visit(super()._parse(source, name, filename))
        tree.set_environment(self)
        return tree


class _Joins(NodeTransformer):
    """Writes `a ~ b` as a filter, which can be bounded."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 (jinja's name for it)
        self.generic_visit(node)
        pieces = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(pieces, "concatenated", [], [], None, None, lineno=node.lineno)


def _range(*given: int) -> range:
    made = range(*given)
    _spend(len(made))
    return made


def _centred(text: Any, width: int = 80) -> str:
    _require(width)
    return str(text).center(width)


def _spend(steps: int) -> None:
    _left.steps = getattr(_left, "steps", STEPS) - steps
    if _left.steps < 0:
        raise Overspent(f"it takes more than {STEPS:,} steps")


def _require(size: int) -> None:
    if size > SIZE:
        raise Overspent(f"it grows beyond {SIZE:,} characters")


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _times(value: Any) -> int:
    return value if isinstance(value, int) else 0
