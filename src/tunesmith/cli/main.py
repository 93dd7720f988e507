"""The commands of `tunesmith`: each is a thin face of a verb in `lifecycle`, and loads only when it is called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from tunesmith.cli import failures
from tunesmith.cli.commands import COMMANDS, EPILOG, GROUPS, WIDEST

CONTEXT = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": WIDEST,
    # without a default, typer asks pydantic (80 ms) whether the help that nobody asked for is true
    "default_map": {"help": False, **{group: {"help": False} for group in GROUPS}},
}


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return its exit code."""
    return failures.guarded(lambda: command(arguments), arguments)


def command(arguments: Sequence[str]) -> Any:
    """The command tree: only the branch that the arguments name, which halves the start; else all of it."""
    word = next((each for each in arguments if not each.startswith("-")), "")
    named = [name for name in COMMANDS if name.partition(" ")[0] == word]
    whole = failures.COMPLETION in os.environ or not named
    app = typer.Typer(
        name="tunesmith",
        callback=_top,
        no_args_is_help=True,
        add_completion=whole,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=CONTEXT,
        epilog=EPILOG,
    )
    _add(app, list(COMMANDS) if whole else named)
    return typer.main.get_command(app)


def _add(app: typer.Typer, names: Sequence[str]) -> None:
    groups: dict[str, typer.Typer] = {}
    for name in names:
        module, _, function = COMMANDS[name].partition(".")
        called = failures.verb(getattr(import_module(f"tunesmith.cli.{module}"), function))
        first, _, second = name.partition(" ")
        if not second:
            app.command(first)(called)
            continue
        if first not in groups:
            groups[first] = typer.Typer(help=GROUPS[first], no_args_is_help=True, rich_markup_mode=None)
            app.add_typer(groups[first], name=first)
        groups[first].command(second)(called)
        groups[first].callback()(_together)  # a group stays a group also where it has one command


def _together() -> None:
    pass


def _version(wanted: bool) -> None:
    if wanted:
        from tunesmith import __version__
        from tunesmith.cli.console import put

        put(f"tunesmith {__version__}")
        raise typer.Exit


def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of our own bugs.")] = False,
) -> None:
    """From a file to a proven, served model.  Begin with: tunesmith up DATA"""
    failures.debug = debug
