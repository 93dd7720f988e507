"""The command that writes rows in another form."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.data import finish


@options.reading
def convert(
    data: options.Ref,
    to: Annotated[str, typer.Option("--to", metavar="FORM", help="The form of the new file.")],
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help=".jsonl, .csv (also .gz), .parquet or .conll.")
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing where anything would be lost.")
    ] = False,
    *,
    how: options.Reading,
) -> None:
    """Write rows in another form, read them back, and say what was lost.

    \b
    tunesmith data convert talk.jsonl --to messages --out talk-messages.jsonl
    tunesmith data convert marked.jsonl --to tokens-tags --out marked.conll
    """
    from tunesmith.lifecycle import converting

    finish(
        lambda fields: converting.convert(
            data, to, out, form=how.form, fields=fields, strict=strict, home=how.home
        ),
        how.fields,
        how.json,
        lines,
    )


def lines(found: dict[str, Any]) -> list[str]:
    """The file that was written, and what it does not hold."""
    written = f"{found['out']}  {found['written']:,} rows  {found['sha256'][:12]}"
    lost = [
        f"  {name}  in {each['rows']:,} rows, first {each['first']}" for name, each in found["lost"].items()
    ]
    left = [f"  left out  {each['place']}: {each['reason']}" for each in found["left_out_rows"]]
    unread = [f"  not read  {', '.join(found['unread'])}"] if found["unread"] else []
    return [written, *(["Lost", *lost, *left, *unread] if lost or left or unread else ["Nothing was lost."])]
