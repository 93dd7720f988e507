"""The command `data check`: what is wrong with data, before anything is trained on it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.console import put_result
from tunesmith.errors import UsageError


def check(
    data: options.Ref,
    text: options.Text = "",
    label: options.Label = "",
    form: options.Form = "",
    columns: options.Columns = None,
    test: options.Test = "",
    deep: Annotated[
        bool, typer.Option("--deep", help="Also wrong labels and outliers, by a small model; takes minutes.")
    ] = False,
    benchmark: options.Benchmark = "",
    base: options.Base = "",
    max_length: options.Window = 0,
    template: options.Template = None,
    names: options.Names = "",
    toxicity: options.Toxicity = "",
    ignore: options.Ignore = None,
    workers: options.Workers = 0,
    ray: options.Ray = False,
    sets: options.Sets = None,
    home: options.Home = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> int:
    """Find what is wrong with data before training; nothing is changed.  Exit code 3 where it can't be trained on."""
    from tunesmith.cli import ask, ending, tables
    from tunesmith.home import home_folder
    from tunesmith.lifecycle import examining
    from tunesmith.lifecycle.known import Wanted

    options.go_offline(offline)
    wanted = Wanted(
        deep, benchmark, base, max_length, offline, home=home_folder(home), names=names, toxicity=toxicity
    )
    wanted = replace(wanted, workers=workers, ray=ray, program=_program(template, base, data))
    given: dict[str, Any] = {"form": form, "test": test, "overrides": sets or ()}
    given |= {"ignore": options.pairs(ignore, "--ignore"), "wanted": wanted}
    result = ask.answered(
        lambda fields: ending.followed(lambda _: examining.check(data, fields=fields, **given)),
        {**options.pairs(columns, "--field"), **options.fields(text, label)},
        json,
    )
    put_result(result.to_dict(), json, tables.findings)
    serious = (each for each in result["findings"] if each["severity"] == "error" and not each["ignored"])
    return 3 if any(serious) else 0


def _program(template: Path | None, base: str, data: str) -> str:
    """The template of a file.  Raises UsageError C122 without a base: it says which tokens there are."""
    if template is None:
        return ""
    if not base:
        raise UsageError(
            "C122",
            "--template says how conversations are written; in which tokens, --base says",
            expected="--base BASE beside --template",
            fixes=(f"tunesmith data check {shlex.quote(data)} --base BASE --template {template}",),
            where="--template",
        )
    return template.read_text("utf-8", errors="replace")
