"""Rows as the model sees them: written by the base's chat template, with what is learnt and where the window ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunesmith import bases
from tunesmith.data.checks._turns import threads
from tunesmith.errors import MissingError, UsageError
from tunesmith.events import Event, Finished, Note
from tunesmith.fields import Record
from tunesmith.home import home_folder
from tunesmith.inputs.base_template import template_of
from tunesmith.inputs.spoken import Span
from tunesmith.inputs.templates import Rendered, Template
from tunesmith.lifecycle import datasets
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.known import Known, Unavailable
from tunesmith.lifecycle.results import Result

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
    try:
        return template_of(base, window=wanted.max_length, program=wanted.program)
    except MissingError as lacking:  # it may have been named for its vectors
        raise Unavailable(f"not looked at: how the model sees the rows; {lacking.found}") from None


def see(
    ref: str,
    *,
    base: str,
    rows: int = 3,
    max_length: int = 0,
    program: str = "",
    form: str = "",
    fields: Mapping[str, str] | None = None,
    home: Path | str | None = None,
    offline: bool = False,
) -> Iterator[Event]:
    """The first rows as they stand and as the model sees them: Finished(Result).

    base: whose tokenizer and template.  max_length: a smaller window.  program: a Jinja template in place of its own.
    Each conversation of a row is {text, learnt: [[start, stop], …] in characters, cut: the character at which the
    window ends or None, tokens, learnt_tokens, kept_tokens (learnt and inside the window), ends, refusal}.

    Raises UsageError T411 where the rows are no conversations, what `bases.resolve` and `template_of` raise.
    """
    found = yield from datasets.opened(ref, home_folder(home), form=form, fields=fields)
    _require_turns(found)
    made = template_of(bases.resolve(base, offline=offline), window=max_length, program=program)
    if made.encode is None:
        yield Note(
            'tokens are not counted: that needs tokenizers (pip install "tunesmith[train]")', "warning"
        )
    about = {"data": ref, "base": made.name, "window": made.window, "content": found.content_name}
    shown = [_row(row, found, made) for row in found.records[:rows]]
    yield Finished(Result({**about, "rows": len(found.records), "shown": shown}))


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


def _row(row: Record, dataset: Dataset, made: Template) -> dict[str, Any]:
    tools, views = row.fields.get("tools"), []
    for thread in threads(row, dataset.content):
        reply = str(thread.paths[-1][0]) if thread.paths else ""
        views.append({"reply": reply, **_view(made.see(thread.turns, tools), made)})
    return {"row": row.place.id, "place": str(row.place), "fields": dict(row.fields), "seen": views}


def _view(shown: Rendered, made: Template) -> dict[str, Any]:
    learnt, window = shown.learnt(), made.window
    over = bool(window) and len(shown.ids) > window
    return {
        "text": shown.text,
        "learnt": [list(span) for span in marks(shown, learnt)],
        "cut": shown.offsets[window][0] if over else None,
        "tokens": len(shown.ids),
        "learnt_tokens": len(learnt),
        "kept_tokens": sum(at < window for at in learnt) if over else len(learnt),
        "ends": list(shown.ends),
        "refusal": shown.refusal,
    }


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
