"""The verb `synth`: rows that a language model writes, marked, deduplicated and checked."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import catalog
from tunesmith.data import balance, enlarging, synthesis
from tunesmith.endpoints import Endpoint
from tunesmith.errors import UsageError
from tunesmith.events import Event, Note, Progress, Stage
from tunesmith.fields import Record
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.enlarging import Tools, ended, of_labels

ASKED_AT_ONCE = 8  # texts that one question asks for
EXAMPLES = 6  # real rows that a question shows


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
    licence: str = "",
    home: Path | str | None = None,
) -> Iterator[Event]:
    """Rows that a language model writes: Finished(Result).

    Of labelled rows: `count` new texts for each of `labels` (0: what a class lacks to the middle between its size and
    the largest one's).  Of documents: `pairs` questions with answers from each.  What repeats a row, and (check) what
    an n-gram classifier of the real rows does not give the same label, is left out.
    """
    place = home_folder(home)
    server = tools.endpoint()
    dataset = yield from datasets.opened(ref, place, form=form, fields=fields, licence=licence)
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
    yield from ended(dataset, kept, {**step, "check": check}, place)


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
    of_labels(dataset, dataset.records, labels)
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
    yield from ended(about, kept, step, place)
