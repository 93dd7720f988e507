"""`export`: a model as a folder that other programs read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.console import put_result


def _forms() -> list[str]:
    from tunesmith import catalog

    return catalog.names("export")


def export(
    model: options.Model,
    form: Annotated[
        str,
        typer.Argument(
            metavar="FORM", help="adapter, gguf, merged, modelfile; or a plug-in's.", autocompletion=_forms
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="A new folder; else NAME-FORM here.")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="An option of the form; repeatable."),
    ] = None,
    home: options.Home = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Write a model in a form that other programs read, read it again, and prove that it says the same.

    \b
    tunesmith export helper merged
    tunesmith export helper gguf --set type=q8_0
    tunesmith export helper@3 modelfile --out helper-ollama --set system="Be brief."
    """
    from tunesmith.cli import ending
    from tunesmith.lifecycle import shipping

    options.go_offline(offline)
    result = ending.followed(
        lambda _: shipping.export(model, form, out=out or "", overrides=sets or (), home=home)
    )
    put_result(result.to_dict(), json, lines)


def lines(found: Mapping[str, Any]) -> list[str]:
    """Where the export is, its files, and what agrees with the model that was trained."""
    from tunesmith.cli import tables

    held = [[each["file"], tables.size(each["bytes"])] for each in found["files"]]
    head = ["", "read by", "agree", "worst", "allowed"]
    rows = [[each["what"], each["by"], *_counts(each)] for each in found["parity"]]
    return [
        *tables.titled("Export", [f"{found['out']}  {found['sha256'][:12]}"]),
        *tables.titled("Files", tables.table(held, right=(1,))),
        *tables.titled("Parity", tables.table([head, *rows], right=(3, 4))),
    ]


def _counts(each: Mapping[str, Any]) -> list[str]:
    ties = f" ({each['ties']} at a tie)" if each["ties"] else ""
    numbers = ["–" if each[key] is None else f"{each[key]:.2g}" for key in ("worst", "allowed")]
    return [f"{each['n'] - each['wrong']} of {each['n']}{ties}", *numbers]
