"""Models that exist, asked about rows: `eval`, `compare`, `predict`."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.console import one_line, put, put_json, put_result, tell


def evaluate(
    model: options.Model,
    data: options.Data,
    text: options.Text = "",
    label: options.Label = "",
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Score a model on the labelled rows of a file."""
    from tunesmith.cli import ask, ending, tables
    from tunesmith.lifecycle import judging

    result = ask.answered(
        lambda fields: ending.followed(lambda _: judging.evaluate(model, data, fields=fields, home=home)),
        options.fields(text, label),
        json,
    )
    put_result(result.to_dict(), json, tables.evaluation)


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="A B…",
            help="Models; each is compared with the first.",
            autocompletion=options.complete.models,
        ),
    ],
    on: Annotated[str, typer.Option("--on", metavar="DATA", help="Labelled rows, the same for all.")],
    text: options.Text = "",
    label: options.Label = "",
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Compare models on the same rows, paired: which is better, what one fixes and what it breaks."""
    from tunesmith.cli import ask, ending, tables
    from tunesmith.lifecycle import judging

    result = ask.answered(
        lambda fields: ending.followed(lambda _: judging.compare(models, on, fields=fields, home=home)),
        options.fields(text, label),
        json,
    )
    put_result(result.to_dict(), json, tables.comparison)


def predict(
    model: options.Model,
    data: Annotated[str, typer.Argument(metavar="FILE|-", help="A file, or - for lines of standard input.")],
    text: options.Text = "",
    home: options.Home = None,
    json: options.Json = False,
) -> int:
    """One line per row: place and label, or the answer.  From - each line is a text, or JSON with the row's fields.

    \b
    tunesmith predict tickets new.csv --json
    echo "where is my parcel" | tunesmith predict tickets -
    """
    import io

    from tunesmith.lifecycle import judging

    stdin = None
    if data == "-":
        stdin = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="replace", newline="\n")
    lost = 0
    for row in judging.predict(model, data, text=text, home=home, stdin=stdin):
        lost += "error" in row
        if json:
            put_json(row)
        elif "error" in row:
            tell(f"{row['place']}: {row['error']} · {row['fix']}")
        else:
            put(_line(row))
    if lost:
        tell(f"{lost:,} row{'s' * (lost > 1)} could not be read: no prediction")
    return 3 if lost else 0


def _line(row: dict[str, Any]) -> str:
    """What is said of a row: a label, or an answer on one line."""
    if "label" in row:
        return f"{row['place']}  {row['label']}  {row['confidence']:.3f}{'  (not sure)' if row['abstain'] else ''}"
    return f"{row['place']}  {one_line(row['text'])}{'' if row['stopped'] else ' …'}"
