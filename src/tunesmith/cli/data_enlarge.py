"""Commands that make rows from rows: augment, synth, balance."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli import options
from tunesmith.cli.console import put, put_json

Ref = Annotated[
    str, typer.Argument(metavar="DATA", help="A file, NAME, NAME@2, or a version's first digits.")
]
With = Annotated[
    str,
    typer.Option("--with", metavar="WAY,…", help="typos, casing, punctuation, synonyms, back-translation."),
]
LabelValue = Annotated[
    list[str] | None, typer.Option("--label-value", metavar="LABEL", help="Only this class; repeatable.")
]
Url = Annotated[
    str, typer.Option("--endpoint", metavar="URL", help="An OpenAI-shaped server, up to and with /v1.")
]
Model = Annotated[
    str, typer.Option("--model", metavar="NAME", help="The model that the endpoint is asked for.")
]
Base = Annotated[str, typer.Option("--base", metavar="BASE", help="The encoder that synonyms come from.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of all randomness.")]


def augment(
    data: Ref,
    ways: With,
    copies: Annotated[int, typer.Option("--copies", min=1, max=20, help="New rows of each row and way.")] = 1,
    label_value: LabelValue = None,
    base: Base = "",
    endpoint: Url = "",
    model: Model = "",
    text: options.Text = "",
    label: options.Label = "",
    seed: Seed = 0,
    home: options.Home = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Write rows anew so that their label stays: a new version; made rows never reach validation or test."""
    from tunesmith.cli import ending
    from tunesmith.lifecycle import enlarging

    tools = enlarging.Tools(base, endpoint, model, offline)
    result = ending.followed(
        lambda _: enlarging.augment(
            data,
            _split(ways),
            copies=copies,
            labels=label_value or (),
            seed=seed,
            tools=tools,
            fields=options.fields(text, label),
            home=home,
        )
    )
    _show(result.to_dict(), json)


def synth(
    data: Ref,
    endpoint: Url = "",
    model: Model = "",
    label_value: LabelValue = None,
    count: Annotated[int, typer.Option("--count", min=0, help="Rows for each class; 0: what it lacks.")] = 0,
    pairs: Annotated[
        int, typer.Option("--pairs", min=0, help="Questions with answers from each document.")
    ] = 0,
    check: Annotated[
        bool, typer.Option(help="Keep only rows that a classifier of the real ones agrees with.")
    ] = True,
    text: options.Text = "",
    label: options.Label = "",
    seed: Seed = 0,
    home: options.Home = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Let a language model write rows for small classes, or questions from documents: marked, deduplicated, checked."""
    from tunesmith.cli import ending
    from tunesmith.lifecycle import enlarging

    tools = enlarging.Tools("", endpoint, model, offline)
    result = ending.followed(
        lambda _: enlarging.synth(
            data,
            tools=tools,
            labels=label_value or (),
            count=count,
            pairs=pairs,
            seed=seed,
            check=check,
            fields=options.fields(text, label),
            home=home,
        )
    )
    _show(result.to_dict(), json)


def balance(
    data: Ref,
    ways: With = "typos,punctuation,casing",
    apply: Annotated[bool, typer.Option("--apply", help="Write the proposed rows as a new version.")] = False,
    base: Base = "",
    endpoint: Url = "",
    model: Model = "",
    text: options.Text = "",
    label: options.Label = "",
    seed: Seed = 0,
    home: options.Home = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Measure what helps rare classes (weights, repeating, augmented or written rows) and propose it."""
    from tunesmith.cli import ending
    from tunesmith.lifecycle import balancing, enlarging

    tools = enlarging.Tools(base, endpoint, model, offline)
    result = ending.followed(
        lambda _: balancing.balanced(
            data,
            ways=_split(ways),
            tools=tools,
            apply=apply,
            seed=seed,
            fields=options.fields(text, label),
            home=home,
        )
    )
    if json:
        put_json(result.to_dict())
        return
    for arm in result["arms"]:
        gain = arm["gain"]
        said = (
            f"{gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f}) {gain['outcome']}"
            if gain
            else ""
        )
        score = arm["macro_f1"]
        put(f"{arm['remedy']:<16} {score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})  {said}")
    put(f"proposal         {result['proposal']}")
    if result["command"]:
        put(f"next             {result['command']}")


def _split(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]


def _show(value: dict[str, object], as_json: bool) -> None:
    if as_json:
        put_json(value)
        return
    put(
        f"{value['name']}  {str(value['version'])[:12]}  {value['rows']:,} rows, {value['made']:,} of them made"
    )
