"""The commands of `tunesmith`: each is a thin face of a verb in `lifecycle`."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli import desk, failures, judge, life, serving

app = typer.Typer(
    name="tunesmith",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 data, 4 permission, 5 not found, 6 no room, 7 network, "
    "8 gate not met, 130 interrupted. Environment: TUNESMITH_HOME, TUNESMITH_OFFLINE, TUNESMITH_NO_PROGRESS, "
    "TUNESMITH_PLUGINS, TUNESMITH_API_KEY, NO_COLOR.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from tunesmith import __version__
        from tunesmith.cli.console import put

        put(f"tunesmith {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of our own bugs.")] = False,
) -> None:
    """From a file to a proven, served model.  Begin with: tunesmith up DATA"""
    failures.debug = debug


def _group(name: str, about: str, commands: dict[str, object]) -> None:
    group = typer.Typer(name=name, help=about, no_args_is_help=True, rich_markup_mode=None)
    for word, command in commands.items():
        group.command(word)(failures.verb(command))  # type: ignore[arg-type]
    app.add_typer(group)


for _name, _command in {
    "up": life.up,
    "train": life.train,
    "eval": judge.evaluate,
    "compare": judge.compare,
    "predict": judge.predict,
    "serve": serving.serve,
}.items():
    app.command(_name)(failures.verb(_command))
_group("data", "Look at data before training.", {"check": judge.check})
_group(
    "models",
    "Registered models: list, show, promote, roll back.",
    {
        "ls": desk.list_models,
        "show": desk.show_model,
        "promote": desk.promote,
        "rollback": desk.rollback,
    },
)
_group(
    "runs",
    "Runs: list, show, watch.",
    {"ls": desk.list_runs, "show": desk.show_run, "watch": desk.watch_run},
)
for _name, _command in {"doctor": desk.doctor, "explain": desk.explain, "init": desk.init}.items():
    app.command(_name)(failures.verb(_command))


def run(arguments: list[str]) -> int:
    """Run one command line; return its exit code."""
    return failures.guarded(lambda: typer.main.get_command(app), arguments)
