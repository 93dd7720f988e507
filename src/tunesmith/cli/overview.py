"""`tunesmith --help` without the library that parses commands: four fifths of its time would go into loading that.

What it says is what the parser would say, letter by letter and at every width; a test compares them.
"""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from tunesmith.cli.commands import COMMANDS, EPILOG, GROUPS, WIDEST

PURPOSE = "From a file to a proven, served model.  Begin with: tunesmith up DATA"
OPTIONS = {
    "--version": "Print the version.",
    "--debug": "Show the traceback of our own bugs.",
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": "Show completion for the current shell, to copy it or customize the installation.",
    "-h, --help": "Show this message and exit.",
}
NARROWEST, EDGE, INDENT = 50, 2, 2


def show() -> int:
    """Print the overview; 0 also where nobody reads it."""
    try:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError):
                stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
        sys.stdout.write("\n".join(lines(columns())) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def columns() -> int:
    """Of the terminal; 80 where there is none."""
    with contextlib.suppress(ValueError):
        if (said := int(os.environ.get("COLUMNS", "0"))) > 0:
            return said
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # pyright: ignore[reportOptionalMemberAccess]
    return 80


def lines(terminal: int) -> Iterator[str]:
    """The whole overview for a terminal of so many columns."""
    width = max(min(terminal, WIDEST) - EDGE, NARROWEST)
    yield from ["Usage: tunesmith [OPTIONS] COMMAND [ARGS]...", "", *_wrapped(PURPOSE, width), ""]
    yield from ["Options:", *_list(OPTIONS, width), ""]
    words = _summaries()
    room = width - 6 - max(map(len, words))
    shown = {name: _short(summary, room) for name, summary in words.items()}
    yield from ["Commands:", *_list(shown, width), "", *_wrapped(EPILOG, width)]


def _summaries() -> dict[str, str]:
    """Name → the first paragraph of what is said of it; commands first, then groups."""
    alone = {name: _said(place) for name, place in COMMANDS.items() if " " not in name}
    return {**alone, **{name.partition(" ")[0]: "" for name in COMMANDS if " " in name}, **GROUPS}


def _said(place: str) -> str:
    """The first paragraph of a command's docstring, read from its file."""
    module, _, function = place.partition(".")
    text = Path(__file__).with_name(f"{module}.py").read_text("utf-8")
    after = text[text.index(f"\ndef {function}(") :].split('"""', 2)[1]
    return " ".join(after.partition("\n\n")[0].split())


def _short(text: str, room: int) -> str:
    """The first sentence where it has room, else as many whole words as fit with three dots."""
    words = text.split()
    end = next((i + 1 for i, word in enumerate(words) if word.endswith(".")), len(words))
    if len(" ".join(words[:end])) <= room:
        return " ".join(words[:end])
    while end and len(" ".join(words[:end])) + 3 > room:
        end -= 1
    return " ".join(words[:end]) + "..."


def _list(rows: dict[str, str], width: int) -> Iterator[str]:
    """Two columns: names, and what is said of them."""
    first = max(map(len, rows)) + EDGE
    for name, said in rows.items():
        head, *rest = textwrap.wrap(said, max(width - first - INDENT, 10), replace_whitespace=False)
        yield " " * INDENT + name.ljust(first) + head
        yield from (" " * (INDENT + first) + each for each in rest)


def _wrapped(text: str, width: int) -> Sequence[str]:
    return textwrap.wrap(
        text, width, initial_indent=" " * INDENT, subsequent_indent=" " * INDENT, replace_whitespace=False
    )
