"""What typer refuses of a command line, as an error of ours: with a code, the nearest word and a fix."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import typer

from tunesmith.errors import UsageError

# the class that all refusals of a command line share: UsageError of the click that typer brings along
Refused: type[Exception] = typer.BadParameter.__mro__[1]


def show_help(refused: Any) -> int:
    """Where the command line only lacks a command: print the help of what there is, 2; else 0."""
    if type(refused).__name__ != "NoArgsIsHelpError":
        return 0
    typer.echo(refused.message, err=True)
    return UsageError.exit_code


def translated(refused: Any) -> UsageError:
    """A refusal of typer's as C120 (no such command), C121 (no such option), C122 (missing) or C123 (other)."""
    kind, context = type(refused).__name__, refused.ctx
    path = context.command_path if context else "tunesmith"
    unknown = re.match(r"No such command ['\"](.*?)['\"]", refused.format_message())
    if unknown:
        return _no_command(unknown[1], context, path)
    if files := _unquoted(refused.format_message(), context):
        return _several_files(files, context, path)
    if kind == "NoSuchOption":
        return _no_option(refused.option_name, context, path)
    code = "C122" if kind == "MissingParameter" or "requires an argument" in refused.message else "C123"
    found = refused.format_message().rstrip(".")
    return UsageError(code, found, expected=_usage(context), fixes=(f"{path} --help",), where=path)


def _no_command(word: str, context: Any, path: str) -> UsageError:
    from tunesmith.catalog import nearest

    legal = list(context.command.list_commands(context))
    close = nearest(word, legal)
    return UsageError(
        "C120",
        f"there is no command '{path} {word}'",
        expected=f"one of: {', '.join(legal)}",
        fixes=((f"{path} {close}",) if close else ()) + (f"{path} --help",),
        where=path,
    )


def _unquoted(said: str, context: Any) -> list[str]:
    """The files that the shell has put in place of a pattern, where one DATA is taken and no other argument."""
    extra = re.match(r"Got unexpected extra argument\S* \((.*)\)", said)
    if not extra or context is None:
        return []
    taken = [param.name for param in context.command.params if param.param_type_name == "argument"]
    if len(taken) != 1:
        return []
    files = [str(context.params.get(taken[0], "")), *extra[1].split(" ")]
    return files if all(Path(each).exists() for each in files) else []


def _several_files(files: list[str], context: Any, path: str) -> UsageError:
    pattern = shlex.quote(_pattern(files))
    quoted = pattern if pattern.startswith("'") else f"'{pattern}'"
    return UsageError(
        "C123",
        f"{len(files)} files stand where one DATA is taken: the shell puts them in place of a pattern without quotes",
        expected=f"the pattern in quotes, so that its files are one data set; {_usage(context)}",
        fixes=(f"{path} {quoted}", f"{path} --help"),
        where=path,
    )


def _pattern(files: list[str]) -> str:
    """The narrowest pattern with one star that names all these files."""
    start = _shared(files)
    return f"{start}*{_shared([each[len(start) :][::-1] for each in files])[::-1]}"


def _shared(texts: list[str]) -> str:
    """What all texts begin with."""
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False))
    return "".join(letters[0] for letters in alike)


def _no_option(word: str, context: Any, path: str) -> UsageError:
    from tunesmith.catalog import nearest

    params = context.command.params if context else []
    legal = sorted(
        {name for param in params for name in param.opts if name.startswith("--") and not param.hidden}
    )
    close = nearest(word, legal)
    return UsageError(
        "C121",
        f"'{path}' has no option {word}",
        expected=f"one of: {', '.join(legal)}" if legal else _usage(context),
        fixes=((f"{path} … {close}",) if close else ()) + (f"{path} --help",),
        where=path,
    )


def _usage(context: Any) -> str:
    return " ".join(context.get_usage().split()).removeprefix("Usage: ") if context else ""


def one_of(option: str, value: str, legal: tuple[str, ...]) -> str:
    """The value, where it is legal.  Raises UsageError C123 with the nearest."""
    if value not in legal:
        from tunesmith.catalog import nearest

        raise UsageError(
            "C123",
            f"'{value}' is no value of {option}",
            expected=f"one of: {', '.join(legal)}",
            fixes=(f"{option} {nearest(value, list(legal)) or legal[0]}",),
            where=option,
        )
    return value
