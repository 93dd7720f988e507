"""The command `judge`: which of two models answers better, as a language model behind an endpoint sees it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli import options, tables
from tunesmith.cli.console import one_line, put_result

SHOWN = 3  # rows of each outcome
WIDE = 70  # characters of a text


def judge(
    first: options.Model,
    second: Annotated[
        str,
        typer.Argument(
            metavar="OTHER",
            help="A model, or base: what the first was tuned from.",
            autocompletion=options.complete.models,
        ),
    ],
    on: Annotated[str, typer.Option("--on", metavar="DATA", help="Rows that ask something.")],
    endpoint: options.Url = "",
    model: options.Asked = "",
    price: options.Price = "",
    people: Annotated[
        str,
        typer.Option(
            "--people", metavar="COL", help="Column of people's verdicts: win, tie, loss (or A, B)."
        ),
    ] = "",
    template: Annotated[
        Path | None,
        typer.Option(
            "--template", metavar="FILE", exists=True, dir_okay=False, help="Another question to the judge."
        ),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, help="At most so many rows; 0: all.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the judge.")] = 0,
    text: options.Text = "",
    home: options.Home = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Which of two models answers better: each pair of answers is shown to a judge in both orders.

    \b
    tunesmith judge shop base --on heldout.jsonl --endpoint http://127.0.0.1:8000/v1 --model NAME
    """
    from tunesmith.cli import ending
    from tunesmith.endpoints import endpoint as named
    from tunesmith.lifecycle import pairwise

    options.go_offline(offline)
    by = pairwise.Judge(
        named(endpoint, model, offline=offline),
        options.prices(price),
        template.read_text("utf-8", errors="replace") if template else "",
        people,
        rows,
        seed,
    )
    result = ending.followed(lambda _: pairwise.judge(first, second, on, by, text=text, home=home))
    put_result(result.to_dict(), json, lines)


def lines(found: Mapping[str, Any]) -> list[str]:
    """The verdict, what it rests on, how far the judge may be believed, what it cost, and some rows."""
    counts = ", ".join(f"{found[each]} {each}" for each in ("win", "tie", "loss"))
    told = [f"{counts}, of {found['first']} against {found['second']} on {found['rows']:,} rows"]
    told += [f"{found['identical']} answers are the same: a tie"] if found["identical"] else []
    told += [f"{found['swayed']} verdicts changed with the order: a tie"] if found["swayed"] else []
    told += [f"{found['unread']} rows got no verdict that could be read"] if found["unread"] else []
    parts = [
        *tables.paragraph("Verdict", found["sentence"]),
        *tables.titled("Rows", told),
        *tables.paragraph("People", _people(found.get("people"))),
        *tables.paragraph("Asked", _asked(found)),
    ]
    return [*parts, *_rows(found)]


def _people(found: Mapping[str, Any] | None) -> str:
    if not found:
        return "nobody looked: have some fifty rows judged by people too (--people COL)"
    if not found["share"]:
        return found["sentence"]
    agreed = f"same verdict on {tables.score(found['share'])} of {found['share']['n']:,} rows"
    return f"{agreed}, kappa {tables.score(found['kappa'])}: {found['sentence']}"


def _asked(found: Mapping[str, Any]) -> str:
    cost, judge = found["cost"], found["judge"]
    said = f"{cost['questions']:,} questions to {judge['model']} at {judge['endpoint']}"
    if cost["tokens"]:
        said += f", {cost['tokens'][0]:,} tokens read, {cost['tokens'][1]:,} written"
    if cost["money"] is None:
        return f"{said}; what that costs nobody says (--price READ,WRITTEN)"
    return f"{said}: {cost['money']:.2g} {cost['currency']}"


def _rows(found: Mapping[str, Any]) -> list[str]:
    shown: list[str] = []
    for outcome in ("win", "loss"):
        rows = [row for row in found["judged"] if row["outcome"] == outcome][:SHOWN]
        for row in rows:
            shown += ["", f"{outcome:<{tables.MARGIN}}{row['place']}  {one_line(row['question'], WIDE)}"]
            shown += [
                f"{'':{tables.MARGIN}}{found[who]}: {one_line(row[who], WIDE)}" for who in ("first", "second")
            ]
    return shown
