"""New rows from old ones: written anew by an augmentation, or by a model; marked, deduplicated, kept out of the proof.

A made row carries the field `origin`: {by, parents (row keys)}.  `split` puts it into training where all its parents
train, and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tunesmith.data.checks._rows import key_of
from tunesmith.data.twins import twins
from tunesmith.fields import Record, Way, at, put, row_key
from tunesmith.findings import Place
from tunesmith.parts import Augmentation, Content, Draw


def is_made(record: Record) -> bool:
    """Whether the row was made from others."""
    return bool(record.fields.get("origin"))


def parents(record: Record) -> tuple[str, ...]:
    """Keys of the rows that a made row comes from."""
    origin = record.fields.get("origin") or {}
    origin = json.loads(origin) if isinstance(origin, str) else origin
    return tuple(origin.get("parents", ()))


def mark(fields: Mapping[str, Any], by: str, came_from: Sequence[Record], number: int) -> Record:
    """A made row.  by: what made it; number: its own among those that it made."""
    keys = sorted({key_of(parent) for parent in came_from})
    full = {**fields, "origin": {"by": by, "parents": keys}}
    source = f"{by}-{hashlib.sha256(''.join(keys).encode()).hexdigest()[:12]}"
    return Record(full, Place(source, number), row_key(full))


def varied(
    records: Sequence[Record],
    content: Content,
    name: str,
    part: Augmentation,
    *,
    seed: int = 0,
    copy: int = 0,
    given: Any = None,
) -> list[Record]:
    """Each row with its input texts written anew; rows that the part can't change are left out.

    A row's randomness depends on (seed, copy, row) alone, so that the same call gives the same rows in any order.
    """
    jobs = [(row, way, text) for row in records for way, text in inputs(row, content)]
    draw = Draw(seed, copy)
    texts = part.vary([text for *_, text in jobs], [draw.of(key_of(row)) for row, *_ in jobs], given)
    changed: dict[int, tuple[Record, dict[str, Any]]] = {}
    for (row, way, old), new in zip(jobs, texts, strict=True):
        if new != old:
            _, fields = changed.get(id(row), (row, dict(row.fields)))
            changed[id(row)] = row, put(fields, way, new)
    return [mark(fields, name, [row], copy + 1) for row, fields in changed.values()]


def inputs(record: Record, content: Content) -> list[tuple[Way, str]]:
    """The passages that a person would write: input fields, and of a conversation the user's turns."""
    asked = {field.name for field in content.fields if field.role == "input"}
    found = [(way, text) for way, text in content.passages(record) if way[0] in asked and text.strip()]
    return [(way, text) for way, text in found if _speaker(record, way) == "user"]


def _speaker(record: Record, way: Way) -> str:
    turn = at(record.fields, way[:-1]) if len(way) > 1 else None
    return str(turn.get("role", "user")) if isinstance(turn, Mapping) else "user"


def new_only(
    made: Sequence[Record], known: Sequence[Record], content: Content, *, near: bool
) -> list[Record]:
    """The made rows that say something new: no other row, and no made row before it, has the same text.

    near: near-duplicates (`twins`) count as the same, which is right for rows that a model wrote.
    """
    texts = [content.text(row) for row in (*known, *made)]
    groups = twins(texts).tolist() if near else texts
    seen, kept = set(groups[: len(known)]), []
    for row, group in zip(made, groups[len(known) :], strict=True):
        if group not in seen:
            seen.add(group)
            kept.append(row)
    return kept


def agreed(
    made: Sequence[Record],
    known: Sequence[Record],
    content: Content,
    judge: Callable[[Sequence[str], Sequence[str], Sequence[str]], Sequence[str]],
) -> list[Record]:
    """The made rows whose label a classifier of the real rows gives too.

    judge: (texts, labels, new texts) → labels of the new texts.
    """
    real = [row for row in known if not is_made(row) and content.labels(row)]
    said = judge(
        [content.text(row) for row in real],
        [content.labels(row)[0] for row in real],
        [content.text(row) for row in made],
    )
    return [row for row, label in zip(made, said, strict=True) if content.labels(row)[:1] == (label,)]


def linear_judge(texts: Sequence[str], labels: Sequence[str], new: Sequence[str]) -> list[str]:
    """Labels of new texts by n-grams and support vectors fitted on labelled ones; no torch."""
    from tunesmith.inputs import heads, ngrams

    if not new:
        return []
    names = sorted(set(labels))
    index = {label: n for n, label in enumerate(names)}
    grams = ngrams.Ngrams({"word": 2, "char_wb": 4})
    rows = grams.fit(texts)
    head = heads.fit_margins(
        rows, [index[each] for each in labels], len(names), strength=1.0, balanced=True, seed=0
    )
    return [names[n] for n in head.logits(grams.transform(new)).argmax(axis=1)]


def shortfall(counts: Mapping[str, int]) -> dict[str, int]:
    """label → rows that it lacks to the geometric mean of its own count and the largest one.

    Half way (on a log scale) to balance: filling up to the largest class repeats rare rows so often that they are
    learnt by heart.
    """
    largest = max(counts.values(), default=0)
    return {label: int(np.sqrt(count * largest)) - count for label, count in counts.items()}


def drawn(
    records: Sequence[Record], content: Content, lacking: Mapping[str, int], seed: int
) -> list[tuple[Record, int]]:
    """(row, how often it was drawn before) so that each class gets the rows it lacks: each row once, then again."""
    generator = np.random.default_rng(seed)
    of: dict[str, list[int]] = {}
    for index, row in enumerate(records):
        for label in content.labels(row)[:1]:
            of.setdefault(label, []).append(index)
    picked: list[tuple[Record, int]] = []
    for label in sorted(of):
        rounds: Counter[int] = Counter()
        order = generator.permutation(of[label]).tolist()
        for n in range(max(0, lacking.get(label, 0))):
            index = order[n % len(order)]
            picked.append((records[index], rounds[index]))
            rounds[index] += 1
    return picked
