"""Commands that make a dataset version from another, or files of one: fix, undo, split, merge, sample, export."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tunesmith.cli import data_changes, options
from tunesmith.cli.data import finish


@options.reading
def fix(
    data: options.Ref,
    codes: Annotated[
        list[str] | None, typer.Argument(metavar="[CODE…]", help="Findings whose fix you reviewed and want.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    ignore: options.Ignore = None,
    test: options.Test = "",
    deep: Annotated[
        bool, typer.Option("--deep", help="Also what a small model finds; takes minutes.")
    ] = False,
    benchmark: options.Benchmark = "",
    base: options.Base = "",
    max_length: options.Window = 0,
    offline: options.Offline = False,
    licence: options.Licence = "",
    *,
    how: options.Reading,
) -> None:
    """Apply the safe fixes, and those of the codes named, as a new version; your file stays as it is.

    \b
    tunesmith data fix tickets.csv --dry-run
    tunesmith data fix tickets.csv D104
    tunesmith data undo tickets
    """
    from tunesmith.lifecycle import curating
    from tunesmith.lifecycle.known import Wanted

    options.go_offline(offline)
    given: dict[str, Any] = {"dry_run": dry_run, "ignore": options.pairs(ignore, "--ignore"), "test": test}
    wanted = Wanted(deep=deep, benchmark=benchmark, base=base, max_length=max_length, offline=offline)
    given |= {"wanted": wanted, "form": how.form, "licence": licence}
    finish(
        lambda fields: curating.fix(data, codes or (), fields=fields, home=how.home, **given),
        how.fields,
        how.json,
        data_changes.fixed,
    )


def undo(data: options.Ref, home: options.Home = None, json: options.Json = False) -> None:
    """Go back to the version before; what is undone stays in the store."""
    from tunesmith.lifecycle import curating

    finish(lambda _: curating.undo(data, home=home), {}, json, data_changes.undone)


@options.reading
def split(
    data: options.Ref,
    validation: Annotated[float, typer.Option("--validation", help="Share to choose and stop by.")] = 0.15,
    test: Annotated[float, typer.Option("--test", help="Share for the proof.")] = 0.15,
    group: Annotated[str, typer.Option("--group", metavar="COL", help="Equal values stay on one side.")] = "",
    by_time: Annotated[
        str, typer.Option("--by-time", metavar="COL", help="Later rows are the test: numbers or ISO 8601.")
    ] = "",
    licence: options.Licence = "",
    out: options.Out = "",
    *,
    how: options.Reading,
) -> None:
    """Divide into train, validation and test; near-duplicates and groups stay together, so nothing leaks."""
    from tunesmith.lifecycle import dividing

    given: dict[str, Any] = {"validation": validation, "test": test, "group": group, "by_time": by_time}
    given |= {"form": how.form, "licence": licence, "out": out}
    finish(
        lambda fields: dividing.split(data, fields=fields, home=how.home, **given),
        how.fields,
        how.json,
        data_changes.divided,
    )


@options.reading
def merge(
    data: Annotated[list[str], typer.Argument(metavar="A B…", help="Files or versions of one content.")],
    name: Annotated[str, typer.Option("--name", help="What it is called; else as A.")] = "",
    licence: options.Licence = "",
    *,
    how: options.Reading,
) -> None:
    """Put data sets together as one version; sources and licences are kept, duplicates counted."""
    from tunesmith.lifecycle import merging

    given: dict[str, Any] = {"name": name, "form": how.form, "licence": licence}
    finish(
        lambda fields: merging.merge(data, fields=fields, home=how.home, **given),
        how.fields,
        how.json,
        data_changes.merged,
    )


@options.reading
def sample(
    data: options.Ref,
    rows: Annotated[int, typer.Argument(metavar="N", help="How many rows.")],
    stratify: Annotated[bool, typer.Option("--stratify", help="Each label keeps its share.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which rows: the same seed, the same rows.")] = 0,
    name: Annotated[str, typer.Option("--name", help="What it is called; else as DATA with '-sample'.")] = "",
    licence: options.Licence = "",
    *,
    how: options.Reading,
) -> None:
    """Draw rows by chance as a version of its own."""
    from tunesmith.lifecycle import curating

    given: dict[str, Any] = {"stratify": stratify, "seed": seed, "name": name}
    given |= {"form": how.form, "licence": licence}
    finish(
        lambda fields: curating.sample(data, rows, fields=fields, home=how.home, **given),
        how.fields,
        how.json,
        data_changes.made,
    )


@options.reading
def export(
    data: options.Ref,
    out: Annotated[
        str, typer.Argument(metavar="OUT", help="A .jsonl, .csv, .parquet (.gz) file, or a folder.")
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="FORM", help="How rows are written; else as they were read.")
    ] = "",
    by_side: Annotated[
        bool, typer.Option("--by-side", help="One file each for train, validation and test.")
    ] = False,
    *,
    how: options.Reading,
) -> None:
    """Write rows as files for other tools; nothing that is there is written over."""
    from tunesmith.lifecycle import exporting

    given: dict[str, Any] = {"form": to, "by_side": by_side, "read_form": how.form}
    finish(
        lambda fields: exporting.export(data, out, fields=fields, home=how.home, **given),
        how.fields,
        how.json,
        data_changes.exported,
    )
