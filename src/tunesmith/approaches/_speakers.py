"""Speakers that are told more than they were asked, and speakers behind an endpoint."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from tunesmith import catalog, endpoints
from tunesmith.errors import NetworkError
from tunesmith.fields import Record, row_key
from tunesmith.parts import Answer, Codec, Job, Meter, Output, Piece, Prompt, Speaker, Wish
from tunesmith.tasks import _language

Turns = Sequence[Mapping[str, Any]]
# the turns up to the last question → the same with more before it, and where that comes from
Add = Callable[[Turns], tuple[Turns, tuple[str, ...]]]


class Informed(Speaker):
    """Another speaker, told more than it was asked: examples, or passages of documents.

    What is added is never learnt or judged: the likelihood of a row's own answer is that of the same tokens as without.
    """

    def __init__(self, inner: Speaker, add: Add, folder: Path) -> None:
        """folder: whose files hold what is added; they are kept in memory."""
        self.inner, self._add, self.meter = inner, add, inner.meter
        self.held = inner.held + sum(path.stat().st_size for path in folder.glob("*") if path.is_file())

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        made = [self._more(record) for record in records]
        found = self.inner.outputs([record for record, _ in made])
        return [
            [replace(said, sources=sources) for said in each]
            for each, (_, sources) in zip(found, made, strict=True)
        ]

    def stream(self, prompt: Prompt, wish: Wish) -> Iterator[Piece]:
        told, sources = self._told(prompt)
        for piece in self.inner.stream(told, wish):
            yield replace(piece, sources=sources) if piece.end else piece

    def length(self, prompt: Prompt, wish: Wish) -> int:
        return self.inner.length(self._told(prompt)[0], wish)

    def _more(self, record: Record) -> tuple[Record, tuple[str, ...]]:
        turns = list(record.fields.get("messages") or ())
        before = _language.before_answer(turns)
        told, sources = self._add(before)
        fields = {**record.fields, "messages": [*told, *turns[len(before) :]]}
        return replace(record, fields=fields, key=row_key(fields)), sources

    def _told(self, prompt: Prompt) -> tuple[Prompt, tuple[str, ...]]:
        """The prompt with what is added to it, and where that comes from."""
        if not isinstance(prompt, str):
            return self._add(prompt)
        turns, sources = self._add([{"role": "user", "content": prompt}])
        return "\n".join(str(turn["content"]) for turn in turns), sources


class Remote(Speaker):
    """A model behind an endpoint.  A text without a conversation is asked as one question."""

    def __init__(self, endpoint: endpoints.Endpoint, codec: Codec, meter: Meter) -> None:
        """codec: how long an answer is when it is measured, and the schema that it is forced into, if any."""
        self._endpoint, self._settings, self._meter = endpoint, codec.settings, meter
        self.meter = meter

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        usual = self._forced(Wish(max_tokens=self._settings["answer_tokens"]))
        wishes = [replace(usual, tools=record.fields.get("tools")) for record in records]
        asked = [
            (_plain(_language.before_answer(record.fields.get("messages") or ())), wish)
            for record, wish in zip(records, wishes, strict=True)
        ]
        found = self._endpoint.said(asked)
        self._meter.count((said.asked, said.tokens) for said in found)
        return [[Answer(said.text, said.tokens, said.stopped)] for said in found]

    def stream(self, prompt: Prompt, wish: Wish) -> Iterator[Piece]:
        turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        return self._endpoint.stream(_plain(turns), self._forced(wish))

    def length(self, prompt: Prompt, wish: Wish) -> int:
        return 0

    def _forced(self, wish: Wish) -> Wish:
        return wish if wish.schema is not None else replace(wish, schema=self._settings.get("forced"))


class Asks(Protocol):
    """The fields of an approach that may ask a server."""

    endpoint: str
    model: str
    price_read: float | None
    price_written: float | None


def behind(section: Asks, codec: Codec) -> Remote:
    """A model behind the endpoint that an approach names ('': OPENAI_BASE_URL).

    Recipes and bundles may be strangers': a server on another machine is asked only where the environment names it too.
    Raises NetworkError N525 where it does not, UsageError C130 where no endpoint or no model is named.
    """
    found = endpoints.endpoint(section.endpoint, section.model)
    host = urllib.parse.urlparse(found.url).hostname or ""
    named = os.environ.get("OPENAI_BASE_URL", "").rstrip("/")
    if host in endpoints.HERE or found.url.rstrip("/") == named:
        return Remote(found, codec, Meter(section.price_read, section.price_written))
    raise NetworkError(
        "N525",
        f"the recipe names {host}, another machine, and the environment does not",
        expected="a server on this machine, or the address in OPENAI_BASE_URL",
        fixes=(f"export OPENAI_BASE_URL={found.url}", "--set approach.endpoint=http://127.0.0.1:PORT/v1"),
        where=found.url,
    )


def question(turns: Turns) -> str:
    """What is asked last, '' where nobody asks."""
    return next((str(turn["content"] or "") for turn in reversed(turns) if turn["role"] == "user"), "")


def exchanges(job: Job) -> list[tuple[str, str, str]]:
    """(last question, answer, place) of the training rows that have both, each pair once."""
    objective = catalog.make("objective", job.recipe.objective)
    found: dict[tuple[str, str], str] = {}
    for record in map(objective.shown, job.train):
        turns = record.fields.get("messages") or ()
        said, asked = _language.last_answer(turns) or "", question(_language.before_answer(turns))
        if said.strip() and asked.strip() and turns[len(turns) - 1].get("weight", 1) != 0:
            found.setdefault((asked, said), f"{record.place.source}:{record.place.line}")
    return [(asked, said, place) for (asked, said), place in found.items()]


def _plain(turns: Turns) -> list[dict[str, Any]]:
    """Turns without what the protocol has no place for."""
    return [{key: value for key, value in turn.items() if key != "weight"} for turn in turns]
