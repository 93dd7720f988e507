"""The command that shows rows as the model sees them, with what is learnt of them."""

from __future__ import annotations

import json as _json
import os
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.console import clean, put_json

PAINT = ("\x1b[30;42m", "\x1b[0m")  # black on green, which is told from white on black without colour too
BRACKETS = ("[[", "]]")
CUT = "\n── the window ends here: what follows is cut ──\n"
RAW = 2000  # characters of a raw row that are shown


def see(
    data: options.Ref,
    base: Annotated[
        str, typer.Option("--base", metavar="BASE", help="Whose template: a folder, a name, a hub id.")
    ],
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many rows.")] = 3,
    max_length: options.Window = 0,
    template: options.Template = None,
    form: options.Form = "",
    field: options.Columns = None,
    home: options.Home = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Rows as the model sees them: what the chat template writes, what of it is learnt, where the window ends.

    \b
    tunesmith data see chats.jsonl --base ./my-base --max-length 2048
    """
    from tunesmith.cli import ending
    from tunesmith.lifecycle import seeing

    options.go_offline(offline)
    given: dict[str, Any] = {
        "form": form,
        "fields": options.pairs(field, "--field"),
        "home": home,
        "offline": offline,
    }
    given["program"] = template.read_text("utf-8", errors="replace") if template else ""
    result = ending.followed(
        lambda _: seeing.see(data, base=base, rows=rows, max_length=max_length, **given)
    ).to_dict()
    if json:
        put_json(result)
        return
    marks = PAINT if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else BRACKETS
    for line in _lines(result, marks):
        sys.stdout.write(line + "\n")


def _lines(result: Mapping[str, Any], marks: tuple[str, str]) -> Iterator[str]:
    for row in result["shown"]:
        yield clean(f"── {row['place']}")
        yield clean(_json.dumps(row["fields"], ensure_ascii=False)[:RAW])
        for view in row["seen"]:
            yield clean(f"── as the model sees it{_named(view, row)}: {_counts(view, result['window'])}")
            yield (
                clean(f"the template refuses it: {view['refusal']}")
                if view["refusal"]
                else marked(view, marks)
            )
        yield ""
    yield f"{marks[0]}learnt{marks[1]}: the marked tokens"


def _named(view: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    return f", with '{view['reply']}'" if len(row["seen"]) > 1 else ""


def _counts(view: Mapping[str, Any], window: int) -> str:
    if not view["tokens"]:
        return "tokens not counted"
    told = f"{view['tokens']:,} tokens, {view['learnt_tokens']:,} learnt"
    if view["cut"] is None:
        return told
    return f"{told}, of these {view['kept_tokens']:,} inside the window of {window:,}"


def marked(view: Mapping[str, Any], marks: tuple[str, str]) -> str:
    """The text with what is learnt between marks, and a line where the window ends."""
    text, cut = view["text"], view["cut"]
    edges = {
        0,
        len(text),
        *(edge for span in view["learnt"] for edge in span),
        *([] if cut is None else [cut]),
    }
    stops, until, pieces = dict(view["learnt"]), -1, []
    for start, stop in pairwise(sorted(edges, key=int)):
        until = max(until, stops.get(start, -1))
        if start == cut:
            pieces.append(CUT)
        piece = clean(text[start:stop])
        pieces.append(f"{marks[0]}{piece}{marks[1]}" if stop <= until else piece)
    return "".join(pieces)
