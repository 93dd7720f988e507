"""Commands that look at data sets: show, stats, diff, ls, lineage, card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli import data_see, data_tables, options
from tunesmith.cli.console import put_result
from tunesmith.errors import UsageError
from tunesmith.events import Event

Licence = options.Licence


def columns(given: list[str] | None, text: str = "", label: str = "") -> dict[str, str]:
    """Key of the form → column, as far as they were given."""
    return {**options.pairs(given, "--field"), **options.fields(text, label)}


def finish(
    begin: Callable[[dict[str, str]], Iterator[Event]],
    fields: dict[str, str],
    as_json: bool,
    lines: Callable[[dict[str, Any]], list[str]],
) -> None:
    """Do a verb with the columns that are given or chosen; show its result as JSON, or as lines for people."""
    from tunesmith.cli import ask, ending

    result = ask.answered(lambda known: ending.followed(lambda _: begin(known)), fields, as_json)
    put_result(result.to_dict(), as_json, lines)


@options.reading
def show(
    data: options.Ref,
    rows: Annotated[int, typer.Option("--rows", min=0, help="How many rows.")] = 10,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="FIELD=VALUE", help="Only such rows; split=test too; repeatable."),
    ] = None,
    as_model: Annotated[
        bool, typer.Option("--as-model", help="Token by token, as the model of --base sees them.")
    ] = False,
    base: Annotated[
        str, typer.Option("--base", metavar="BASE", help="Whose template: a folder, a name, a hub id.")
    ] = "",
    row: data_see.Row = 0,
    max_length: options.Window = 0,
    truncation: data_see.Truncation = "left",
    template: options.Template = None,
    offline: options.Offline = False,
    *,
    how: options.Reading,
) -> None:
    """The first rows of a file or version, with their places and sides; or as a model sees them.

    \b
    tunesmith data show chats.jsonl --as-model --base ./my-base --row 2
    """
    from tunesmith.lifecycle import viewing

    if as_model:
        wanted = {"rows": max(rows, 1), "row": row, "max_length": max_length, "base": base}
        _as_model(data, truncation, template, {**wanted, "offline": offline}, how)
        return
    options.pairs(where, "--where")
    given: dict[str, Any] = {"rows": rows, "where": where or (), "form": how.form, "home": how.home}
    finish(
        lambda fields: viewing.show(data, fields=fields, **given),
        how.fields,
        how.json,
        data_tables.shown,
    )


def _as_model(
    data: str, truncation: str, template: Path | None, wanted: dict[str, Any], how: options.Reading
) -> None:
    if not wanted["base"]:
        raise _no_base(data)
    options.go_offline(wanted["offline"])
    given = {**wanted, "form": how.form, "fields": how.fields, "home": how.home}
    found = data_see.seen(data, truncation, template, given)
    put_result(found, how.json, data_see.token_lines)


def _no_base(data: str) -> UsageError:
    return UsageError(
        "C122",
        "--as-model needs to know whose tokens it shows",
        expected="--base DIR: a model's folder, name or hub id",
        fixes=(f"tunesmith data show {data} --as-model --base DIR",),
        where="--base",
    )


@options.reading
def stats(
    data: options.Ref,
    *,
    how: options.Reading,
) -> None:
    """Labels, lengths, duplicates, scripts and tokens, in all and by side."""
    from tunesmith.lifecycle import viewing

    finish(
        lambda fields: viewing.stats(data, form=how.form, fields=fields, home=how.home),
        how.fields,
        how.json,
        data_tables.stats,
    )


@options.reading
def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="A file or version.")],
    second: Annotated[str, typer.Argument(metavar="B", help="What it is compared with.")],
    *,
    how: options.Reading,
) -> None:
    """Which rows came, went and changed from A to B, and how labels shifted."""
    from tunesmith.lifecycle import viewing

    finish(
        lambda fields: viewing.diff(first, second, form=how.form, fields=fields, home=how.home),
        how.fields,
        how.json,
        data_tables.difference,
    )


def ls(home: options.Home = None, json: options.Json = False) -> None:
    """All dataset versions: rows, parent, step, licence, when."""
    from tunesmith.lifecycle import viewing

    found = viewing.ls(home=home)
    put_result({"versions": found}, json, lambda _: data_tables.versions(found))


def lineage(data: options.Ref, home: options.Home = None, json: options.Json = False) -> None:
    """Where a version comes from, what was done to it, and which runs and models used it."""
    from tunesmith.lifecycle import ancestry

    finish(lambda _: ancestry.lineage(data, home=home), {}, json, data_tables.lineage)


@options.reading
def card(
    data: options.Ref,
    licence: Licence = "",
    language: Annotated[
        list[str] | None, typer.Option("--language", metavar="CODE", help="ISO 639: en, de; repeatable.")
    ] = None,
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="README.md; else on stdout.")] = "",
    *,
    how: options.Reading,
) -> None:
    """Write the data set's card: sources, licence, splits, statistics, steps, known problems."""
    from tunesmith.lifecycle import carding

    given: dict[str, Any] = {"licence": licence, "language": language or (), "out": out, "form": how.form}
    finish(
        lambda fields: carding.card(data, fields=fields, home=how.home, **given),
        how.fields,
        how.json,
        data_tables.card,
    )
