"""Rows as the model sees them: written by the base's chat template, with what is learnt and where the window ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith import bases
from tunesmith.data.checks._turns import threads
from tunesmith.errors import UsageError
from tunesmith.events import Event, Finished, Note
from tunesmith.fields import Record
from tunesmith.home import home_folder
from tunesmith.inputs import chat
from tunesmith.inputs.base_template import template_of
from tunesmith.inputs.learning import counted
from tunesmith.inputs.rendered import Rendered
from tunesmith.inputs.spoken import Span
from tunesmith.inputs.templates import Template
from tunesmith.inputs.windows import Truncation
from tunesmith.lifecycle import datasets
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.known import Known, Unavailable
from tunesmith.lifecycle.results import Result
from tunesmith.parts import Tokens

UNSEEN = (
    "not looked at: how the model sees the rows (window, end token, roles of its template); "
    "`tunesmith data check FILE --base DIR` does"
)


def template(known: Known) -> Template:
    """The chat template of the base that was named; for texts, where none is needed, its tokenizer and window."""
    talks = "turns" in known.content.offers
    if not known.wanted.base:
        raise Unavailable(UNSEEN) if talks else Unavailable
    base, wanted = bases.resolve(known.wanted.base, offline=known.wanted.offline), known.wanted
    made = template_of(base, window=wanted.max_length, program=wanted.program, truncation=wanted.truncation)
    if talks and not (made.program or made.stops):  # it may have been named for its vectors
        raise Unavailable(
            f"not looked at: how the model sees the rows; the base '{base.name}' has neither a chat template "
            "nor a token that ends a text"
        )
    return made


def see(
    ref: str,
    *,
    base: str,
    rows: int = 3,
    row: int = 0,
    max_length: int = 0,
    truncation: Truncation = "left",
    program: str = "",
    form: str = "",
    fields: Mapping[str, str] | None = None,
    home: Path | str | None = None,
    offline: bool = False,
) -> Iterator[Event]:
    """The first rows as they stand and as the model sees them: Finished(Result).

    base: whose tokenizer and template.  row: this one alone, counted from 1.  max_length: a smaller window.
    truncation: what happens to longer rows.  program: a Jinja template in place of its own.
    Each conversation of a row is {text, learnt: [[start, stop], …] in characters, cut: the character at which the
    window ends or begins, None where nothing is cut, side: 'end' or 'start', whichever is cut, or '', tokens,
    learnt_tokens, kept_tokens (learnt and inside a window), windows, pieces: [[id, start, stop, weight, number of the
    window that learns it, else holds it, 0 for none], …], ends, refusal}.

    Raises UsageError T411 where the rows are no conversations, T422 for a row that is not there, what `bases.resolve`
    and `template_of` raise.
    """
    found = yield from datasets.opened(ref, home_folder(home), form=form, fields=fields)
    _require_turns(found)
    made = template_of(
        bases.resolve(base, offline=offline), window=max_length, program=program, truncation=truncation
    )
    yield from _notes(made)
    about = {"data": ref, "base": made.name, "window": made.window, "content": found.content_name}
    chosen = _chosen(found, row) if row else found.records[:rows]
    windows: list[list[Tokens]] = []
    shown = [_row(each, found, made, windows) for each in chosen]
    about |= {"truncation": truncation, "learning": counted(windows).sentence()}
    yield Finished(Result({**about, "rows": len(found.records), "shown": shown}))


def _notes(made: Template) -> Iterator[Event]:
    if made.encode is None:
        yield Note(
            'tokens are not counted: that needs tokenizers (pip install "tunesmith[train]")', "warning"
        )
    if not made.program:
        yield Note(f"the base '{made.name}' has no chat template: turns are written a line each")


def _chosen(found: Dataset, row: int) -> Sequence[Record]:
    if not 1 <= row <= len(found.records):
        raise UsageError(
            "T422",
            f"{found.ref} has no row {row}",
            expected=f"a row between 1 and {len(found.records):,}",
            fixes=(f"--row {min(max(row, 1), len(found.records))}",),
            where=found.ref,
        )
    return found.records[row - 1 : row]


def _require_turns(found: Dataset) -> None:
    if "turns" not in found.content.offers:
        raise UsageError(
            "T411",
            f"the rows of {found.ref} hold the content '{found.content_name}', which is no conversation",
            expected="chat, preference or unpaired rows",
            fixes=(
                f"tunesmith data convert {found.ref} --to messages --out OUT",
                f"tunesmith data show {found.ref}",
            ),
            where=found.ref,
        )


def _row(row: Record, dataset: Dataset, made: Template, windows: list[list[Tokens]]) -> dict[str, Any]:
    """A row with its views; its windows are added to those of the others."""
    tools, views = row.fields.get("tools"), []
    for thread in threads(row, dataset.content):
        seen = made.see(thread.turns, tools)
        windows.append(chat.placed(made, seen, truncation=made.truncation, window=made.window))
        reply = str(thread.paths[-1][0]) if thread.paths else ""
        views.append({"reply": reply, **_view(seen, windows[-1])})
    return {"row": row.place.id, "place": str(row.place), "fields": dict(row.fields), "seen": views}


def _view(shown: Rendered, windows: Sequence[Tokens]) -> dict[str, Any]:
    weights, learnt = shown.token_weights(), shown.learnt()
    places = _places(windows)
    edge, side = _edge(shown, places)
    pieces = zip(shown.ids, shown.offsets, weights, strict=True)
    return {
        "text": shown.text,
        "learnt": [list(span) for span in marks(shown, learnt)],
        "cut": edge,
        "side": side,
        "tokens": len(shown.ids),
        "learnt_tokens": sum(map(bool, weights)) if shown.ids else 0,
        "kept_tokens": sum(bool(weight) for window in windows for weight in window.weights),
        "windows": len(windows),
        "pieces": [[id_, *span, weight, places.get(at, 0)] for at, (id_, span, weight) in enumerate(pieces)],
        "ends": list(shown.ends),
        "refusal": shown.refusal,
    }


def _places(windows: Sequence[Tokens]) -> dict[int, int]:
    """Place of a token → number of the window that learns it, else of the first that holds it."""
    found: dict[int, int] = {}
    for number, window in enumerate(windows, 1):
        for place, weight in zip(window.ids, window.weights, strict=True):
            found[place] = number if weight else found.get(place, number)
    return found


def _edge(shown: Rendered, places: Mapping[int, int]) -> tuple[int | None, str]:
    """(the character at which what is cut begins or ends, which side of the text is cut); (None, '') where nothing
    is."""
    lost = [at for at in range(len(shown.ids)) if at not in places]
    if not lost:
        return None, ""
    if lost[-1] == len(shown.ids) - 1:
        return shown.offsets[lost[0]][0], "end"
    return shown.offsets[lost[-1]][1], "start"


def marks(shown: Rendered, learnt: list[int]) -> list[Span]:
    """The characters of the tokens that are learnt, neighbours joined; without tokens the spans themselves."""
    if not shown.offsets:
        return list(shown.spans)
    joined: list[Span] = []
    before = -2
    for at in learnt:
        start, stop = shown.offsets[at]
        if at == before + 1 and joined:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
        before = at
    return joined
