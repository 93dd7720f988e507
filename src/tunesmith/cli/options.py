"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
Text = Annotated[str, typer.Option("--text", metavar="COL", help="Column that holds the text.")]
Label = Annotated[str, typer.Option("--label", metavar="COL", help="Column that holds the label.")]
Test = Annotated[str, typer.Option("--test", metavar="FILE", help="A file of its own for the proof.")]
Data = Annotated[str, typer.Argument(metavar="DATA", help="CSV, TSV, JSONL (also .gz), Parquet or XLSX.")]
Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="NAME, NAME@3, NAME@production, or a bundle's folder.",
        autocompletion=complete.models,
    ),
]
RunId = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run's id, or a clear part of it.", autocompletion=complete.runs),
]


def fields(text: str = "", label: str = "", group: str = "") -> dict[str, str]:
    """Field of the task → column, as far as they were given."""
    given = {"text": text, "label": label, "group": group}
    return {name: column for name, column in given.items() if column}


def go_offline(offline: bool) -> None:
    """Keep the libraries underneath from the network too."""
    if offline:
        import os

        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
