"""Chat templates as programs in a sandbox: what Jinja offers them, and the text that they write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser

from tunesmith.inputs import bounded

MARKS = ("\ufdd2", "\ufdd3")  # no characters of any script, so that no text holds them by chance
_BEGIN, _END = "generation_begin", "generation_end"
_SAID = 160  # characters of a template's complaint that are passed on
# what a template's expressions raise on values that they were not written for
_BUGS = (
    TypeError,
    KeyError,
    AttributeError,
    ValueError,
    IndexError,
    ArithmeticError,
    RecursionError,
    MemoryError,
)


class Refused(ValueError):
    """The template does not write this conversation; the text says why."""


class _Generation(Extension):
    """{% generation %} … {% endgeneration %}: puts marks around what the assistant says, where marks are asked for."""

    tags = {"generation"}  # noqa: RUF012 (jinja reads a plain set)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        marks = [nodes.Output([nodes.Name(name, "load")]).set_lineno(line) for name in (_BEGIN, _END)]
        return [marks[0], *body, marks[1]]


def write(
    program: str,
    messages: list[dict[str, Any]],
    *,
    tools: list[Any] | None = None,
    prompt: bool = False,
    words: Mapping[str, str] | None = None,
    marked: bool = False,
    now: datetime | None = None,
) -> str:
    """The text that a template makes of messages.

    prompt: end with what asks the assistant to speak.  words: the special tokens that templates name (bos_token, …).
    marked: put MARKS around what stands inside generation tags.  now: what time the template is told, else the clock's.
    Raises Refused.
    """
    begin, end = MARKS if marked else ("", "")
    values: dict[str, Any] = {**(words or {}), _BEGIN: begin, _END: end}
    values |= {"messages": messages, "tools": tools, "add_generation_prompt": prompt}
    values["strftime_now"] = lambda form: (now or datetime.now()).strftime(form)
    bounded.begin()
    try:
        return bounded.joined(compiled(program).generate(**values))
    except TemplateError as refusal:
        raise Refused(str(refusal)[:_SAID]) from None
    except _BUGS as bug:  # its text may quote the row
        raise Refused(f"the template fails on it ({type(bug).__name__})") from None


@lru_cache(maxsize=16)
def compiled(program: str) -> Any:
    """The compiled template.  Raises jinja2.TemplateError where it is none."""
    return environment().from_string(program)


@lru_cache(maxsize=1)
def environment() -> bounded.Place:
    """Where templates run: with the blocks, filters and functions that chat templates use."""
    place = bounded.Place(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
    place.filters["tojson"] = _to_json
    place.globals["raise_exception"] = _refuse
    return place


def _refuse(message: str) -> str:
    raise TemplateError(message)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON without the escapes for HTML that Jinja's own filter writes: templates were written for this one."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )
