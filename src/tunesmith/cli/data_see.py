"""The command that shows rows as the model sees them, with what is learnt of them."""

from __future__ import annotations

import json as _json
import os
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tunesmith.cli import options
from tunesmith.cli.console import clean, put_json

PAINT = ("\x1b[30;42m", "\x1b[0m")  # black on green, which is told from white on black without colour too
BRACKETS = ("[[", "]]")
CUT = "\n── the window ends here: what follows is cut ──\n"
BEGINS = "\n── the window begins here: what comes before is cut ──\n"
RAW = 2000  # characters of a raw row that are shown


Row = Annotated[int, typer.Option("--row", min=0, metavar="N", help="This row alone, counted from 1.")]
Truncation = Annotated[
    Literal["drop", "left", "right", "split"],
    typer.Option(
        "--truncation",
        help="What happens to longer rows: left out, cut at the start, cut at the end, divided.",
    ),
]


def see(
    data: options.Ref,
    base: Annotated[
        str, typer.Option("--base", metavar="BASE", help="Whose template: a folder, a name, a hub id.")
    ],
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many rows.")] = 3,
    row: Row = 0,
    max_length: options.Window = 0,
    truncation: Truncation = "left",
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
    options.go_offline(offline)
    given: dict[str, Any] = {"form": form, "fields": options.pairs(field, "--field"), "home": home}
    given |= {"base": base, "rows": rows, "row": row, "max_length": max_length, "offline": offline}
    result = seen(data, truncation, template, given)
    if json:
        put_json(result)
        return
    marks = PAINT if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else BRACKETS
    for line in _lines(result, marks):
        sys.stdout.write(line + "\n")


def seen(data: str, truncation: str, template: Path | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """What `lifecycle.seeing.see` finds."""
    from tunesmith.cli import ending
    from tunesmith.lifecycle import seeing

    program = template.read_text("utf-8", errors="replace") if template else ""
    how: Any = {**given, "truncation": truncation, "program": program}
    return ending.followed(lambda _: seeing.see(data, **how)).to_dict()


def token_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Rows token by token: place, id, what it counts in the loss, which window it is in, its text."""
    for row in result["shown"]:
        for view in row["seen"]:
            yield clean(
                f"── {row['place']} as the model sees it{_named(view, row)}: {_counts(view, result['window'])}"
            )
            yield from _tokens(view)
            yield ""
    yield f"of these rows {result['learning']}"


def _tokens(view: Mapping[str, Any]) -> Iterator[str]:
    if view["refusal"]:
        yield clean(f"the template refuses it: {view['refusal']}")
        return
    yield f"{'place':>6} {'id':>7} {'learnt':>6} {'window':>6}  text"
    for place, (number, start, stop, weight, window) in enumerate(view["pieces"]):
        text = clean(_json.dumps(view["text"][start:stop], ensure_ascii=False))
        learnt = f"{weight:g}" if weight else "·"
        yield f"{place:>6} {number:>7} {learnt:>6} {window or 'cut':>6}  {text}"
    if not view["kept_tokens"]:
        yield "nothing of this row is learnt (tunesmith explain T404)"


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
    if view.get("windows", 1) > 1:
        return f"{told}, in {view['windows']} windows of at most {window:,}"
    if view["cut"] is None:
        return told
    if not view.get("windows", 1):
        return f"{told}; left out, since the window holds {window:,}"
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
            pieces.append(BEGINS if view.get("side") == "start" else CUT)
        piece = clean(text[start:stop])
        pieces.append(f"{marks[0]}{piece}{marks[1]}" if stop <= until else piece)
    return "".join(pieces)
