"""Makes the evidence about labels: the classes, vectors of the texts, what models say that did not see the row."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np

from tunesmith import bases, catalog, doors, machine
from tunesmith.bases import Base
from tunesmith.data.checks._own_labels import marks, several, truth
from tunesmith.data.checks._rows import label_form
from tunesmith.data.sides import side_of
from tunesmith.events import Event, Stage
from tunesmith.fields import Record, row_key
from tunesmith.inputs import folds
from tunesmith.lifecycle.known import Known, Unavailable
from tunesmith.parts import Content, Profile
from tunesmith.recipe.sections import Recipe

USUAL_BASE = "minilm"
MOST_CLASSES = 1000


def _deeper(known: Known) -> Unavailable:
    source = shlex.quote(known.records[0].place.root) if known.records else "DATA"
    return Unavailable(
        f"likely wrong labels and outliers are not looked for; `tunesmith data check {source} --deep` does (minutes)"
    )


def sides(known: Known) -> np.ndarray:
    """The side that each row itself names: str [N], '' where it names none."""
    found = [side_of(str(row.fields.get("split") or "")) for row in known.records]
    if not any(found) and not known.wanted.test:
        raise Unavailable
    return np.array(found, dtype="<U10")


def test_labels(known: Known) -> Generator[Event, None, Counter[str]]:
    """label → rows of the test file and of the test side."""
    own = yield from known.get("sides")
    held = (row for row, side in zip(known.records, own.tolist(), strict=True) if side == "test")
    return Counter(label for row in (*known.wanted.test, *held) for label in known.content.labels(row))


def classes(known: Known) -> list[str]:
    """The labels, sorted, each in its most frequent spelling."""
    if not known.wanted.deep:
        raise _deeper(known)
    spelt: dict[str, Counter[str]] = defaultdict(Counter)
    for row in known.records:
        for label in known.content.labels(row):
            spelt[label_form(label)][label] += 1
    found = sorted(min(each, key=lambda label: (-each[label], label)) for form, each in spelt.items() if form)
    if not 1 < len(found) <= min(MOST_CLASSES, len(known.records) // 2):
        raise Unavailable(
            f"likely wrong labels are not looked for: there are {len(found):,} different labels"
        )
    return found


def embeddings(known: Known) -> Generator[Event, None, np.ndarray]:
    """Vectors of the rows' texts by a frozen base, float32 [N, D], kept where `features` keeps its own."""
    if not known.wanted.deep:
        raise _deeper(known)
    if not doors.has("torch"):
        raise Unavailable('outliers are not looked for: that needs torch (pip install "tunesmith[train]")')
    from tunesmith.train import frozen

    rows = _texts(known.records, known.content)
    encoder = _encoder(bases.resolve(known.wanted.base or USUAL_BASE, offline=known.wanted.offline))
    cache = frozen.Cache(known.wanted.home / "cache", encoder.key)
    new = sum(row.key not in cache.rows for row in rows)
    yield Stage(
        "vectors", f"{len(rows):,} texts" + (f", {new:,} of them new" if new else ", all known from before")
    )
    yield from frozen.fill(cache, encoder, rows)
    return cache.vectors(rows)


def _encoder(base: Base) -> Any:
    from tunesmith.train import frozen

    task = catalog.part("task", "text-classification")()
    recipe = Recipe.model_validate(
        {"data": {"source": "rows"}, "train": {"threads": machine.usual_threads()}}
    )
    return frozen.Encoder(task, task.codec(base, Profile(0, {"none": 1})), base, recipe)


def _texts(records: Sequence[Record], content: Content) -> list[Record]:
    """The rows as the encoder reads them; labelled rows keep their key, under which `features` knows them."""
    made = []
    for row in records:
        text = content.text(row)
        same = row.key and row.fields.get("text") == text
        fields = {"text": text}
        made.append(row if same else Record(fields, row.place, row_key(fields)))
    return made


def out_of_fold(known: Known) -> Generator[Event, None, np.ndarray]:
    """Probabilities of the classes from models that did not see the row: float32 [N, C].

    A logistic layer on vectors; without torch, support vectors on n-grams.  Where rows may have several labels, each
    label is judged by itself.
    """
    names = yield from known.get("classes")
    sets = several(known.content)
    own = (marks if sets else truth)(known.records, known.content, names)
    yield Stage("out-of-fold", f"{len(own):,} rows, {len(names):,} classes")
    if doors.has("torch"):
        vectors = yield from known.get("embeddings")
        return folds.of_each(vectors, own) if sets else folds.out_of_fold(vectors, own, len(names))
    from tunesmith.inputs.ngrams import Ngrams

    grams = Ngrams({"word": 2, "char_wb": 4}).fit([known.content.text(row) for row in known.records])
    if sets:
        return np.stack([_by_grams(grams, each, 2)[:, 1] for each in own.T], axis=1)
    return _by_grams(grams, own, len(names))


def _by_grams(grams: Any, own: np.ndarray, num_classes: int) -> np.ndarray:
    from tunesmith.evaluate import calibration

    scores = folds.by_margins(grams, own, num_classes)
    return calibration.softmax(scores / calibration.temperature(scores, own)).astype(np.float32)
