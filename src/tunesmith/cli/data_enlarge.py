"""Commands that make rows from rows: augment, synth, balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.data import Licence, columns, finish

if TYPE_CHECKING:
    from tunesmith.lifecycle.enlarging import Tools

With = Annotated[
    str,
    typer.Option("--with", metavar="WAY,…", help="typos, casing, punctuation, synonyms, back-translation."),
]
Classes = Annotated[
    list[str] | None, typer.Option("--class", metavar="LABEL", help="Only rows of this label; repeatable.")
]
Url = Annotated[
    str, typer.Option("--endpoint", metavar="URL", help="An OpenAI-shaped server, up to and with /v1.")
]
Model = Annotated[
    str, typer.Option("--model", metavar="NAME", help="The model that the endpoint is asked for.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of all randomness.")]


def augment(
    data: options.Ref,
    ways: With = "",
    copies: Annotated[int, typer.Option("--copies", min=1, max=20, help="New rows of each row and way.")] = 1,
    classes: Classes = None,
    base: options.Base = "",
    endpoint: Url = "",
    model: Model = "",
    seed: Seed = 0,
    offline: options.Offline = False,
    licence: Licence = "",
    form: options.Form = "",
    field: options.Columns = None,
    text: options.Text = "",
    label: options.Label = "",
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Write rows anew so that their label stays: a new version; made rows never reach validation or test.

    \b
    tunesmith data augment tickets.csv --with typos,casing --class refund
    """
    from tunesmith.lifecycle import enlarging

    given: dict[str, Any] = {"copies": copies, "labels": classes or (), "seed": seed, "home": home}
    given |= {"tools": _tools(base, endpoint, model, offline), "licence": licence, "form": form}
    finish(
        lambda fields: enlarging.augment(data, _split(ways), fields=fields, **given),
        columns(field, text, label),
        json,
        _enlarged,
    )


def synth(
    data: options.Ref,
    endpoint: Url = "",
    model: Model = "",
    classes: Classes = None,
    count: Annotated[int, typer.Option("--count", min=0, help="Rows for each class; 0: what it lacks.")] = 0,
    pairs: Annotated[
        int, typer.Option("--pairs", min=0, help="Questions with answers from each document.")
    ] = 0,
    check: Annotated[
        bool, typer.Option(help="Keep only rows that a classifier of the real ones agrees with.")
    ] = True,
    seed: Seed = 0,
    offline: options.Offline = False,
    licence: Licence = "",
    form: options.Form = "",
    field: options.Columns = None,
    text: options.Text = "",
    label: options.Label = "",
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Let a language model write rows for small classes, or questions from documents: marked, deduplicated, checked.

    \b
    tunesmith data synth tickets.csv --endpoint http://127.0.0.1:8000/v1 --model NAME --class refund --count 40
    """
    from tunesmith.lifecycle import synthesising

    given: dict[str, Any] = {"labels": classes or (), "count": count, "pairs": pairs, "seed": seed}
    given |= {"check": check, "licence": licence, "form": form, "home": home}
    tools = _tools("", endpoint, model, offline)
    finish(
        lambda fields: synthesising.synth(data, tools=tools, fields=fields, **given),
        columns(field, text, label),
        json,
        _enlarged,
    )


def balance(
    data: options.Ref,
    ways: With = "typos,punctuation,casing",
    apply: Annotated[bool, typer.Option("--apply", help="Write the proposed rows as a new version.")] = False,
    base: options.Base = "",
    endpoint: Url = "",
    model: Model = "",
    seed: Seed = 0,
    offline: options.Offline = False,
    licence: Licence = "",
    form: options.Form = "",
    field: options.Columns = None,
    text: options.Text = "",
    label: options.Label = "",
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Measure what helps rare classes (weights, repeating, augmented or written rows) and propose it."""
    from tunesmith.lifecycle import balancing

    given: dict[str, Any] = {"ways": _split(ways), "apply": apply, "seed": seed, "home": home}
    given |= {"tools": _tools(base, endpoint, model, offline), "licence": licence, "form": form}
    finish(
        lambda fields: balancing.balanced(data, fields=fields, **given),
        columns(field, text, label),
        json,
        _plan,
    )


def _tools(base: str, url: str, model: str, offline: bool) -> Tools:
    from tunesmith.lifecycle.enlarging import Tools

    options.go_offline(offline)
    return Tools(base, url, model, offline)


def _split(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]


def _enlarged(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{found['name']}  {found['version'][:12]}  {found['rows']:,} rows, {found['made']:,} of them made"
    ]
    return lines + [f"  {label}  {rows:,}" for label, rows in sorted(found["by_label"].items())]


def _plan(found: dict[str, Any]) -> list[str]:
    lines = []
    for arm in found["arms"]:
        gain, score = arm["gain"], arm["macro_f1"]
        line = f"{arm['remedy']:<16} {score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})"
        if gain:
            line += f"  {gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f}) {gain['outcome']}"
        lines.append(line)
    lines.append(f"proposal         {found['proposal']}")
    return lines + ([f"next             {found['command']}"] if found["command"] else [])
