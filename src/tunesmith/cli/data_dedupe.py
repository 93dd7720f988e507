"""The command that leaves out near-duplicates: `data dedupe`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.data import Licence, columns, finish
from tunesmith.cli.data_tables import more, rows_of, version_of, written
from tunesmith.cli.tables import titled


def dedupe(
    data: options.Ref,
    threshold: Annotated[
        float,
        typer.Option("--threshold", help="Similarity of characters, 0.5 to 1, from which rows are one."),
    ] = 0.7,
    meaning: Annotated[
        bool,
        typer.Option("--meaning", help="Also rows that say the same in other words (needs a base model)."),
    ] = False,
    against: Annotated[
        str,
        typer.Option("--against", metavar="BENCHMARK", help="Leave out rows that hold a text of this file."),
    ] = "",
    keep: Annotated[
        str, typer.Option("--keep", metavar="first|longest", help="Which row of a group stays.")
    ] = "first",
    base: options.Base = "",
    licence: Licence = "",
    out: options.Out = "",
    form: options.Form = "",
    field: options.Columns = None,
    text: options.Text = "",
    label: options.Label = "",
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Keep one row of each group of near-duplicates, as a new version; your file stays as it is.

    \b
    tunesmith data dedupe tickets.csv
    tunesmith data dedupe tickets.csv --against benchmark.jsonl --keep longest
    tunesmith data undo tickets
    """
    from tunesmith.lifecycle import deduping

    given: dict[str, Any] = {"threshold": threshold, "meaning": meaning, "against": against, "keep": keep}
    given |= {"base": base, "licence": licence, "form": form, "out": out, "home": home}
    finish(
        lambda fields: deduping.dedupe(data, fields=fields, **given),
        columns(field, text, label),
        json,
        _lines,
    )


def _lines(found: dict[str, Any]) -> list[str]:
    """The version, how many rows left by which finding, and the first of them."""
    reasons = [f"{each['code']}  {each['message']}" for each in found["findings"]]
    lines = [
        *titled("Version", [version_of(found)]),
        *titled("Rows", [f"{found['rows_before']:,} → {found['rows']:,}   {found['dropped']:,} left"]),
        *titled(
            "Why", reasons or ["near-duplicates" if found["dropped"] else "no row says what another says"]
        ),
        *written(found),
    ]
    if found["left"]:
        lines += ["", *titled("Left", [*rows_of(found["left"]), *more(found["dropped"], found["left"])])]
        lines += ["", *titled("Back", [f"tunesmith data undo {found['version'].partition('@')[0]}"])]
    return lines
