"""A slip in what was typed: the same command with the word that was meant, as the way out of an error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunesmith.errors import TunesmithError


def retyped(error: TunesmithError, arguments: Sequence[str]) -> TunesmithError:
    """The error whose fix is the command that was called, mended; as it is where the slip stands somewhere else."""
    if error.meant is None:
        return error
    mended = [_mended(argument, *error.meant) for argument in arguments]
    if mended != list(arguments):
        import shlex

        error.fixes = (f"tunesmith {shlex.join(mended)}",)
    return error


def _mended(argument: str, wrong: str, right: str) -> str:
    """An argument with the word in its place: alone, as KEY=WORD, or one of a list (KEY=A,WORD)."""
    if _same(argument, wrong):
        return right
    key, sign, value = argument.partition("=")
    words = (value if sign else key).split(",")
    joined = ",".join(right if _same(word, wrong) else word for word in words)
    return f"{key}={joined}" if sign else joined


def _same(word: str, wrong: str) -> bool:
    """Whether a word as it was typed is the one that was not found, whose name or path is in its plain form."""
    return wrong in (word, word.strip("'\""), word.replace("_", "-"), str(Path(word).expanduser()))
