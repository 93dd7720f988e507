"""Short commands: models, runs, doctor, explain, init."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.console import put, put_json, put_result


def list_models(home: options.Home = None, json: options.Json = False) -> None:
    """All registered models, one line a version."""
    from tunesmith.cli import tables
    from tunesmith.lifecycle import desk

    put_result({"models": desk.models(home)}, json, tables.models)


def show_model(model: options.Model, home: options.Home = None, json: options.Json = False) -> None:
    """One version: its scores on the test rows, verdict, lineage, promotions."""
    from tunesmith.cli import tables
    from tunesmith.lifecycle import desk

    put_result(desk.show_model(model, home), json, tables.model)


def promote(model: options.Model, home: options.Home = None, json: options.Json = False) -> None:
    """Put a version into production: what NAME and NAME@production mean from now on."""
    from tunesmith.lifecycle import desk

    def told(found: Mapping[str, Any]) -> list[str]:
        return [f"{found['ref']} is in production   (back: tunesmith models rollback {found['name']})"]

    put_result(desk.promote(model, home), json, told)


def rollback(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model's name.", autocompletion=options.complete.models)
    ],
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Put the version back into production that was there before."""
    from tunesmith.lifecycle import desk

    put_result(desk.rollback(name, home), json, lambda found: [f"{found['ref']} is in production again"])


def list_runs(home: options.Home = None, json: options.Json = False) -> None:
    """All runs, newest first."""
    from tunesmith.cli import tables
    from tunesmith.lifecycle import desk

    put_result({"runs": desk.list_runs(home)}, json, tables.runs)


def show_run(run: options.RunId, home: options.Home = None, json: options.Json = False) -> None:
    """One run: status, recipe, lineage."""
    from tunesmith.cli import tables
    from tunesmith.lifecycle import desk

    put_result(desk.show_run(run, home), json, tables.run)


def watch_run(run: options.RunId, home: options.Home = None, json: options.Json = False) -> None:
    """The events of a run, past and to come, until it ends; with --json one JSON object a line."""
    from tunesmith.cli import render
    from tunesmith.events import to_json
    from tunesmith.lifecycle import desk

    for event in desk.watch_run(run, home):
        if json:
            put_json(to_json(event))
            continue
        for line in render.lines(event):
            put(line)


def doctor(home: options.Home = None, json: options.Json = False) -> None:
    """What this machine has, what is missing, and the command that brings it."""
    from tunesmith.cli import tables
    from tunesmith.lifecycle import desk

    put_result(desk.doctor(home), json, tables.doctor)


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code of an error or a finding: D104.")],
    json: options.Json = False,
) -> None:
    """What a code means, why it matters, what to do."""
    from tunesmith.cli import tables
    from tunesmith.lifecycle import desk

    def told(found: Mapping[str, Any]) -> list[str]:
        body = [line for key in ("why", "fix") if found[key] for line in tables.paragraph(key, found[key])]
        return [f"{found['code']}  {found['title']}", *body]

    put_result(desk.explain(code), json, told)


def init(
    folder: Annotated[str, typer.Argument(metavar="[FOLDER]", help="Where to write recipe.toml.")] = ".",
    json: options.Json = False,
) -> None:
    """Write a recipe to start from; nothing is overwritten."""
    from tunesmith.lifecycle import desk

    made = [str(path) for path in desk.init(folder)]
    told = [*made, f"next: edit it, then tunesmith train {made[0]}"]
    put_result({"files": made}, json, lambda _: told)
