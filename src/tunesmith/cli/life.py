"""The long commands: `up`, from a file to a served model, and `train`, one recipe."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli import options

KINDS = ("simple", "best")


def up(
    data: options.Data,
    text: options.Text = "",
    label: options.Label = "",
    group: Annotated[
        str, typer.Option("--group", metavar="COL", help="Column whose equal values stay on one side.")
    ] = "",
    test: options.Test = "",
    base: Annotated[
        str, typer.Option("--base", metavar="NAME", help="Base model: minilm, a folder, or a hub id.")
    ] = "",
    task: Annotated[
        str, typer.Option("--task", metavar="TASK", help="Kind of problem; else the rows tell it.")
    ] = "",
    form: options.Form = "",
    endpoint: options.Url = "",
    model: options.Asked = "",
    price: options.Price = "",
    machines: options.Machines = None,
    budget: Annotated[str, typer.Option("--budget", metavar="TIME", help="90, 90s, 10m or 1h.")] = "10m",
    prefer: Annotated[
        str, typer.Option("--prefer", metavar="simple|best", help="Which rung to serve.")
    ] = "simple",
    home: options.Home = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for report.html and report.json.")
    ] = None,
    serve: Annotated[
        bool | None, typer.Option("--serve/--no-serve", help="Serve until Ctrl-C; on a terminal by default.")
    ] = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of the server; 0: a free one.")
    ] = 8080,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of order, dropout and new weights.")] = 0,
    offline: options.Offline = False,
    prove_all: Annotated[
        bool, typer.Option("--prove-all", help="Score every rung on the test rows.")
    ] = False,
    sets: options.Sets = None,
    json: options.Json = False,
) -> int:
    """From a file to a proven, served model: labels for texts, or answers in words.

    \b
    tunesmith up tickets.csv
    tunesmith up chats.jsonl --base FOLDER
    tunesmith up chats.jsonl --endpoint http://127.0.0.1:8000/v1 --model NAME
    tunesmith up tickets.csv --text body --label queue --group customer
    tunesmith up train.csv --test heldout.csv --budget 1h --prefer best
    """
    from tunesmith import library, lifecycle
    from tunesmith.cli import ask, ending, usage

    seconds, chosen = library.seconds(budget), usage.one_of("--prefer", prefer, KINDS)
    options.go_offline(offline)
    asked = options.server(endpoint, model, price, offline)
    _greet(seconds, offline)
    keep = serve if serve is not None else sys.stdin.isatty() and sys.stdout.isatty() and not json

    def begin(fields: dict[str, str], stop: Any) -> Any:
        return lifecycle.up(
            data,
            fields=fields,
            test=test,
            base=base,
            task=task,
            form=form,
            budget=seconds,
            prefer=chosen,
            home=home,
            out=out,
            serve=keep,
            port=port,
            seed=seed,
            offline=offline,
            prove_all=prove_all,
            overrides=[*asked, *(sets or ())],
            machines=machines,
            stop=stop,
        )

    result = ask.answered(
        lambda fields: ending.followed(lambda stop: begin(fields, stop)),
        options.fields(text, label, group),
        json,
    )
    return ending.shown(result, json)


def _greet(seconds: float, offline: bool) -> None:
    """What this machine is and what was asked of it, before anything begins."""
    from tunesmith import __version__, machine
    from tunesmith.cli.bar import duration
    from tunesmith.cli.console import tell

    memory = machine.memory_bytes() / 1e9
    here = f"{machine.physical_cores()} cores, {memory:.0f} GB"
    network = "not used" if offline else "allowed"
    tell(f"tunesmith {__version__} · {here} · budget {duration(seconds)} · network: {network}")


def train(
    recipe: options.Recipe = "",
    sets: options.Sets = None,
    resume: options.Resume = "",
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="The whole life on samples and a miniature, in seconds.")
    ] = False,
    home: options.Home = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> int:
    """One recipe, from its data to a registered model.

    \b
    tunesmith train recipe.toml --set train.epochs=3
    tunesmith train --resume 20261120-161500-3fa2
    """
    from tunesmith import lifecycle
    from tunesmith.cli import ending

    options.go_offline(offline)
    result = ending.followed(
        lambda stop: lifecycle.train(
            recipe or None,
            overrides=sets or (),
            resume=resume,
            rehearse=rehearse,
            home=home,
            offline=offline,
            stop=stop,
        )
    )
    return ending.shown(result, json)
