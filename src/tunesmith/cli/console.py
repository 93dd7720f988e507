"""The two streams of the command line: data on stdout, messages on stderr, nothing in them that moves a cursor."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TextIO

# control characters but line feed, and the marks that reverse the order of what is shown
_UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """Text that a terminal shows and does not obey: control and direction characters as escapes, tabs as blanks."""
    return _UNSAFE.sub(lambda found: " " if found[0] == "\t" else _escape(ord(found[0])), text)


def one_line(text: str, width: int = 100) -> str:
    """Clean text on one line, clipped to `width` characters."""
    flat = clean(" ".join(text.split()))
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def put(line: str = "") -> None:
    """A line of the result, on stdout."""
    sys.stdout.write(clean(line) + "\n")


def put_json(value: Any) -> None:
    """A value as one line of JSON on stdout, at once; ASCII only, so no locale can spoil it."""
    sys.stdout.write(json.dumps(finite(value), allow_nan=False) + "\n")
    sys.stdout.flush()


def put_result(value: Any, as_json: bool, lines: Callable[[Any], Iterable[str]]) -> None:
    """A result on stdout: as JSON, or as the lines that people read of it."""
    if as_json:
        put_json(value)
        return
    for line in lines(value):
        put(line)


def tell(line: str = "") -> None:
    """A message, on stderr."""
    sys.stderr.write(clean(line) + "\n")
    sys.stderr.flush()


def finite(value: Any) -> Any:
    """The value with null for every number that JSON does not know."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, (list, tuple)) else value


def lively(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can redraw a line, and the user has not said that it should not."""
    quiet = os.environ.get("TUNESMITH_NO_PROGRESS") or os.environ.get("TERM") == "dumb"
    return not quiet and stream.isatty()


def width() -> int:
    """Columns of the terminal, at most 100; 80 where there is none."""
    return min(100, shutil.get_terminal_size().columns)
