"""Verbs that make rows from rows: `augment` and `synth`, each a new version whose made rows are marked."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import bases, catalog
from tunesmith.data import balance, enlarging, synthesis
from tunesmith.endpoints import Endpoint, endpoint
from tunesmith.errors import UsageError
from tunesmith.events import Event, Finished, Note, Progress, Stage
from tunesmith.fields import Record
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.results import Result
from tunesmith.parts import Augmentation

ASKED_AT_ONCE = 8  # texts that one question asks for
EXAMPLES = 6


@dataclass(frozen=True)
class Tools:
    """What the user gives for ways that need it: a base model, an endpoint with the name of a model."""

    base: str = ""
    url: str = ""
    model: str = ""
    offline: bool = False

    def of(self, needs: str) -> Any:
        """The base or the endpoint.  Raises UsageError C130 or what `bases.resolve` raises where it is not given."""
        found = {
            "": lambda: None,
            "base": lambda: bases.resolve(self.base or "minilm", offline=self.offline),
            "endpoint": self.endpoint,
        }
        return found[needs]()

    def endpoint(self) -> Endpoint:
        """The endpoint.  Raises UsageError C130."""
        return endpoint(self.url, self.model, offline=self.offline)


def augment(
    ref: str,
    ways: Sequence[str],
    *,
    copies: int = 1,
    labels: Sequence[str] = (),
    seed: int = 0,
    tools: Tools | None = None,
    form: str = "",
    fields: Mapping[str, str] | None = None,
    home: Path | str | None = None,
) -> Iterator[Event]:
    """A version with each row (of the labels, where some are named) written anew `copies` times in each way:
    Finished(Result)."""
    place = home_folder(home)
    parts = _parts(ways)
    dataset = yield from datasets.opened(ref, place, form=form, fields=fields)
    _require_texts_alone(dataset)
    rows = [row for row in dataset.records if not enlarging.is_made(row)]
    rows = _of_labels(dataset, rows, labels)
    made: list[Record] = []
    for name, part in parts.items():
        given = (tools or Tools()).of(part.needs)
        yield Stage("augment", name)
        for copy in range(copies):
            options = {"seed": seed, "copy": copy, "given": given}
            made += enlarging.varied(rows, dataset.content, name, part, **options)
    kept = enlarging.new_only(made, dataset.records, dataset.content, near=False)
    yield Note(f"{len(made):,} rows written, {len(made) - len(kept):,} of them equal to another and left out")
    step = {"verb": "augment", "with": list(ways), "copies": copies, "labels": list(labels), "seed": seed}
    yield from _ended(dataset, kept, step, place)


def _parts(ways: Sequence[str]) -> dict[str, Augmentation]:
    """Ways by their names; raises UsageError C103 for an unknown one, C131 for none."""
    if not ways:
        raise UsageError(
            "C131",
            "no way to write rows anew is named",
            expected=f"one or more of: {', '.join(catalog.names('augmentation'))}",
            fixes=("--with typos,casing",),
            where="--with",
        )
    return {name: catalog.part("augmentation", name)() for name in ways}


def _require_texts_alone(dataset: Dataset) -> None:
    if dataset.content.offers & {"tags", "spans"}:
        raise UsageError(
            "C132",
            f"rows of {dataset.content_name} mark places in their texts, which would move",
            expected="rows whose answer does not point into the text",
            fixes=(f"tunesmith data show {dataset.ref}",),
            where=dataset.ref,
        )


def _of_labels(dataset: Dataset, rows: Sequence[Record], labels: Sequence[str]) -> list[Record]:
    known = set(balance.counts(rows, dataset.content))
    for label in labels:
        if label not in known:
            close = catalog.nearest(label, sorted(known))
            raise UsageError(
                "C133",
                f"no row has the label '{label}'",
                expected=f"one of: {', '.join(sorted(known)[:20])}",
                fixes=(f"--label-value '{close}'",) if close else (),
                where=dataset.ref,
            )
    wanted = set(labels)
    return [row for row in rows if not wanted or wanted & set(dataset.content.labels(row))]


def synth(
    ref: str,
    *,
    tools: Tools,
    labels: Sequence[str] = (),
    count: int = 0,
    pairs: int = 0,
    seed: int = 0,
    check: bool = True,
    form: str = "",
    fields: Mapping[str, str] | None = None,
    home: Path | str | None = None,
) -> Iterator[Event]:
    """Rows that a language model writes: Finished(Result).

    Of labelled rows: `count` new texts for each of `labels` (0: what a class lacks to the middle between its size and
    the largest one's).  Of documents: `pairs` questions with answers from each.  What repeats a row, and (check) what
    an n-gram classifier of the real rows does not give the same label, is left out.
    """
    place = home_folder(home)
    server = tools.endpoint()
    dataset = yield from datasets.opened(ref, place, form=form, fields=fields)
    step = {
        "verb": "synth",
        "model": tools.model,
        "labels": list(labels),
        "count": count,
        "pairs": pairs,
        "seed": seed,
    }
    if pairs:
        yield from _from_documents(dataset, server, pairs, seed, step, place)
        return
    _require_labels(dataset)
    wanted = wanted_rows(dataset, labels, count)
    made = yield from written(dataset, server, wanted, seed)
    fresh = enlarging.new_only(made, dataset.records, dataset.content, near=True)
    kept = fresh
    if check:
        kept = enlarging.agreed(fresh, dataset.records, dataset.content, enlarging.linear_judge)
    yield Note(
        f"{len(made):,} rows written, {len(made) - len(fresh):,} left out as repeats, "
        f"{len(fresh) - len(kept):,} because a classifier of the real rows gives them another label"
    )
    yield from _ended(dataset, kept, {**step, "check": check}, place)


def _require_labels(dataset: Dataset) -> None:
    if "labels" not in dataset.content.offers:
        raise UsageError(
            "C134",
            f"{dataset.ref} holds {dataset.content_name}, which has no classes",
            expected="labelled rows, or documents with --pairs N",
            fixes=(f"tunesmith data synth {dataset.ref} --pairs 3",),
            where=dataset.ref,
        )


def wanted_rows(dataset: Dataset, labels: Sequence[str], count: int) -> dict[str, int]:
    """label → how many rows are to be written."""
    _of_labels(dataset, dataset.records, labels)
    sizes = balance.counts(dataset.records, dataset.content)
    lacking = {label: n for label, n in enlarging.shortfall(sizes).items() if n > 0}
    chosen = labels or (sizes if count else lacking)
    return {label: count or lacking.get(label, 0) for label in chosen}


def written(
    dataset: Dataset, server: Endpoint, wanted: Mapping[str, int], seed: int
) -> Generator[Event, None, list[Record]]:
    """Rows that the model writes for each label, with a few real rows of the class as examples and parents."""
    generator, begun, made = np.random.default_rng(seed), time.monotonic(), []
    of = {label: [row for row in dataset.records if label in dataset.content.labels(row)] for label in wanted}
    total = sum(wanted.values())
    for label, count in wanted.items():
        real = [row for row in of[label] if not enlarging.is_made(row)]
        asks = [
            [real[i] for i in generator.choice(len(real), min(EXAMPLES, len(real)), replace=False)]
            for _ in range(-(-count // ASKED_AT_ONCE))
        ]
        texts = [[dataset.content.text(row) for row in shown] for shown in asks]
        questions = [synthesis.rows_of(label, each, ASKED_AT_ONCE) for each in texts]
        answers = server.answers(questions, seed=seed)
        rows = [
            (text, shown)
            for answer, shown in zip(answers, asks, strict=True)
            for text in synthesis.texts_in(answer)
        ]
        made += [
            enlarging.mark({"text": text, "label": label}, "synth", shown, len(made) + n)
            for n, (text, shown) in enumerate(rows[:count], 1)
        ]
        yield Progress("synth", len(made), max(total, len(made)), time.monotonic() - begun)
    return made


def _from_documents(
    dataset: Dataset, server: Endpoint, pairs: int, seed: int, step: Mapping[str, Any], place: Path
) -> Iterator[Event]:
    chat = catalog.part("content", "chat")()
    yield Stage("synth", f"{len(dataset.records):,} documents")
    asked = [synthesis.pairs_from(dataset.content.text(row), pairs) for row in dataset.records]
    made = []
    for row, answer in zip(dataset.records, server.answers(asked, seed=seed), strict=True):
        for question, reply in synthesis.pairs_in(answer)[:pairs]:
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]
            made.append(enlarging.mark({"messages": turns}, "synth", [row], len(made) + 1))
    kept = enlarging.new_only(made, [], chat, near=True)
    before = yield from datasets.saved(dataset, place)
    fields = tuple(field.name for field in chat.fields)
    about = replace(before, content=chat, content_name="chat", fields=fields, records=())
    yield Note(f"{len(made):,} pairs written, {len(made) - len(kept):,} left out as repeats")
    yield from _ended(about, kept, step, place)


def _ended(dataset: Dataset, made: Sequence[Record], step: Mapping[str, Any], place: Path) -> Iterator[Event]:
    after = yield from datasets.changed(dataset, [*dataset.records, *made], step, place)
    counts = balance.counts(made, dataset.content) if "labels" in dataset.content.offers else {}
    yield Finished(
        Result(
            {
                "data": dataset.ref,
                "name": after.name,
                "version": after.digest,
                "rows": len(after.records),
                "made": len(made),
                "by_label": counts,
                "step": dict(step),
            }
        )
    )
