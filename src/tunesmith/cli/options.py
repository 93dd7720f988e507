"""Options that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli import complete

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="TUNESMITH_HOME",
        metavar="DIR",
        help="Folder of models, runs, caches; else ~/.tunesmith.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, messages on stderr.")]
Offline = Annotated[
    bool, typer.Option("--offline", envvar="TUNESMITH_OFFLINE", help="Use no network at all.")
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any value of the recipe; repeatable.")
]
Recipe = Annotated[
    str,
    typer.Argument(metavar="[RECIPE.toml]", help="A recipe; tunesmith init writes one.", show_default=False),
]
Text = Annotated[str, typer.Option("--text", metavar="COL", help="Column that holds the text.")]
Label = Annotated[str, typer.Option("--label", metavar="COL", help="Column that holds the label.")]
Out = Annotated[
    str, typer.Option("--out", metavar="FOLDER", help="Also write the rows as files into a new folder.")
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers", min=0, help="Processes that look at rows; 0: one, or all cores for large files."
    ),
]
Ray = Annotated[bool, typer.Option("--ray", help="Let Ray's workers look at the rows, on all its machines.")]
Form = Annotated[
    str, typer.Option("--form", metavar="FORM", help="How the rows are written; else it is found out.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="KEY=COLUMN", help="Which column a key of the form is; repeatable."),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore", metavar="CODE=REASON", help="A finding that does not matter, and why; repeatable."
    ),
]
Test = Annotated[str, typer.Option("--test", metavar="FILE", help="A file of its own for the proof.")]
Data = Annotated[str, typer.Argument(metavar="DATA", help="CSV, TSV, JSONL (also .gz), Parquet or XLSX.")]
Ref = Annotated[
    str,
    typer.Argument(metavar="DATA", help="A file, or a version: tickets, tickets@2, the start of a digest."),
]
Benchmark = Annotated[
    str, typer.Option("--benchmark", metavar="FILE", help="Rows that training must not know.")
]
Base = Annotated[
    str, typer.Option("--base", metavar="BASE", help="Base model: a name, a folder, or a hub id.")
]
Window = Annotated[
    int, typer.Option("--max-length", metavar="N", help="Tokens that the model reads; else the base's own.")
]
Names = Annotated[
    str, typer.Option("--names", metavar="FOLDER", help="A token classifier, for names and addresses.")
]
Toxicity = Annotated[
    str,
    typer.Option(
        "--toxicity", metavar="MODEL", help="A model that knows toxic texts; MODEL:LABEL says which."
    ),
]
Template = Annotated[
    Path | None,
    typer.Option(
        "--template", metavar="FILE", exists=True, dir_okay=False, help="Another chat template (Jinja)."
    ),
]
Url = Annotated[
    str, typer.Option("--endpoint", metavar="URL", help="An OpenAI-shaped server, up to and with /v1.")
]
Asked = Annotated[
    str, typer.Option("--model", metavar="NAME", help="The model that the endpoint is asked for.")
]
Price = Annotated[
    str,
    typer.Option(
        "--price",
        metavar="READ,WRITTEN",
        help="Money for a million tokens that the endpoint reads and writes.",
    ),
]
Machines = Annotated[
    Path | None,
    typer.Option(
        "--machines",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="A table of machines and prices (TOML).",
    ),
]
Licence = Annotated[
    str, typer.Option("--licence", metavar="SPDX", help="The licence of what is read: CC-BY-4.0, MIT …")
]
Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="NAME, NAME@3, NAME@production, or a bundle's folder.",
        autocompletion=complete.models,
    ),
]
Resume = Annotated[
    str,
    typer.Option(
        "--resume",
        metavar="RUN",
        help="Go on with an interrupted run of this command.",
        autocompletion=complete.runs,
    ),
]
RunId = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run's id, or a clear part of it.", autocompletion=complete.runs),
]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of a file are read, where versions are kept, and how the result is told.

    fields: key of the form → column, as far as they were given.
    """

    form: str
    fields: dict[str, str]
    home: Path | None
    json: bool


# the options that end every command on rows, in the order in which help lists them
READING: dict[str, tuple[Any, Any]] = {
    "form": (Form, ""),
    "field": (Columns, None),
    "text": (Text, ""),
    "label": (Label, ""),
    "home": (Home, None),
    "json": (Json, False),
}


def reading(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of READING at its end; it gets them as one value, its last parameter `how`."""
    own = inspect.signature(command, eval_str=True)
    *first, _ = own.parameters.values()
    more = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=kind)
        for name, (kind, default) in READING.items()
    ]

    @functools.wraps(command)
    def called(**given: Any) -> None:
        form, field, text, label, home, json = (given.pop(name) for name in READING)
        columns = {**pairs(field, "--field"), **fields(text, label)}
        command(**given, how=Reading(form, columns, home, json))

    called.__signature__ = own.replace(parameters=[*first, *more])  # pyright: ignore[reportAttributeAccessIssue]
    return called


def fields(text: str = "", label: str = "", group: str = "") -> dict[str, str]:
    """Field of the task → column, as far as they were given."""
    given = {"text": text, "label": label, "group": group}
    return {name: column for name, column in given.items() if column}


def pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """'KEY=VALUE' options as a mapping.  Raises UsageError C123 for one without '='."""
    from tunesmith.errors import UsageError

    found = {}
    for each in given or ():
        key, sign, value = each.partition("=")
        if not (key and sign and value):
            raise UsageError(
                "C123",
                f"'{each}' is no value of {option}",
                expected=f"{option} KEY=VALUE",
                fixes=(f"{option} {key or 'KEY'}={value or 'VALUE'}",),
                where=option,
            )
        found[key] = value
    return found


def go_offline(offline: bool) -> None:
    """Keep the libraries underneath from the network too."""
    if offline:
        import os

        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"


def server(url: str, model: str, price: str, offline: bool) -> list[str]:
    """Values of the recipe by which rungs that train nothing ask a server; none where no server is named.

    Whoever names a server here may send it rows: the environment says so to those that this process starts.  Raises
    UsageError C130 (half a name), C125 (no price), NetworkError N524 (another machine, and the network is off).
    """
    import json
    import os

    from tunesmith.endpoints import endpoint

    money = prices(price)
    if not (url or model or money):
        return []
    named = endpoint(url, model, offline=offline)
    os.environ["OPENAI_BASE_URL"] = named.url
    said = {"name": "prompt", "endpoint": named.url, "model": model}
    quoted = {key: json.dumps(value) for key, value in said.items()}  # a model may be called 4 or true
    priced = {"price_read": money[0], "price_written": money[1]} if money else {}
    return [f"approach.{key}={value}" for key, value in {**quoted, **priced}.items()]


def prices(price: str) -> tuple[float, float] | None:
    """'0.4,1.6' as money for a million tokens read and written; None for ''.  Raises UsageError C125."""
    import re

    from tunesmith.errors import UsageError

    number = r"\s*([0-9]+(?:\.[0-9]+)?)\s*"
    found = re.fullmatch(f"{number},{number}", price)
    if price and not found:
        raise UsageError(
            "C125",
            f"'{price}' is no price",
            expected="two numbers: money for a million tokens read, and for a million written",
            fixes=("--price 0.40,1.60", "--price 0,0   (a server that costs nothing)"),
            where="--price",
        )
    return (float(found[1]), float(found[2])) if found else None
