"""What helps rare classes, measured: each remedy is cross-validated on the same folds as doing nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.data.enlarging import drawn, parents, shortfall
from tunesmith.data.twins import twins
from tunesmith.fields import Record
from tunesmith.inputs import heads, ngrams
from tunesmith.parts import Content

FOLDS, REPEATS = 5, 2


@dataclass(frozen=True)
class Remedy:
    """One way to treat unequal classes.  balanced: classes weigh the same in the fit.  repeat: rare rows count several
    times.  made: rows made from others (each joins a fit only where all its parents are in it)."""

    name: str
    balanced: bool = False
    repeat: bool = False
    made: Sequence[Record] = ()


@dataclass(frozen=True)
class Folded:
    """A remedy's predictions of rows that its fits did not see; all arrays have one entry per row and repeat."""

    remedy: str
    logits: np.ndarray
    truth: np.ndarray
    groups: np.ndarray
    labels: tuple[str, ...]
    rows: tuple[str, ...]


def measured(
    records: Sequence[Record], content: Content, remedies: Sequence[Remedy], seed: int = 0
) -> Iterator[Folded]:
    """Each remedy in turn, with an n-gram classifier, five folds of whole groups of near-duplicates, twice."""
    rows = [row for row in records if content.labels(row)]
    texts = [content.text(row) for row in rows]
    names = tuple(sorted({content.labels(row)[0] for row in rows}))
    truth = np.array([names.index(content.labels(row)[0]) for row in rows])
    groups = twins(texts)
    folds = [stratified(truth, groups, seed + repeat) for repeat in range(REPEATS)]
    matrix = ngrams.Ngrams({"word": 2, "char_wb": 4})
    columns = matrix.fit(texts)  # labels play no part in it
    for remedy in remedies:
        added = matrix.transform([content.text(row) for row in remedy.made]) if remedy.made else None
        logits = [_folded(rows, content, columns, truth, names, each, remedy, added, seed) for each in folds]
        yield Folded(
            remedy.name,
            np.concatenate(logits),
            np.tile(truth, REPEATS),
            np.tile(groups, REPEATS),
            names,
            tuple(f"{row.key}/{repeat}" for repeat in range(REPEATS) for row in rows),
        )


def stratified(truth: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """The fold of each row: groups whole, each class dealt out in turn, in an order drawn from the seed."""
    generator = np.random.default_rng(seed)
    first = np.unique(groups, return_index=True)[1]
    order = generator.permutation(first)
    order = order[np.argsort(truth[order], kind="stable")]
    fold_of = {int(groups[row]): n % FOLDS for n, row in enumerate(order)}
    return np.array([fold_of[int(group)] for group in groups])


def _folded(
    rows: Sequence[Record],
    content: Content,
    columns: object,
    truth: np.ndarray,
    names: Sequence[str],
    folds: np.ndarray,
    remedy: Remedy,
    added: object,
    seed: int,
) -> np.ndarray:
    from scipy.sparse import vstack

    logits = np.zeros((len(rows), len(names)), np.float32)
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        picked = (
            np.concatenate([inside, _again(rows, content, inside, names, seed)]) if remedy.repeat else inside
        )
        fit, labels = columns[picked], truth[picked]  # type: ignore[index]
        if added is not None:
            keys = {rows[int(i)].key for i in inside}
            joins = [n for n, row in enumerate(remedy.made) if keys.issuperset(parents(row))]
            fit = vstack([fit, added[joins]], format="csr")  # type: ignore[index]
            labels = np.concatenate([labels, [names.index(content.labels(remedy.made[n])[0]) for n in joins]])
        head = heads.fit_margins(
            fit, labels.astype(int).tolist(), len(names), strength=1.0, balanced=remedy.balanced, seed=seed
        )
        logits[outside] = head.logits(columns[outside])  # type: ignore[index]
    return logits


def _again(
    rows: Sequence[Record], content: Content, inside: np.ndarray, names: Sequence[str], seed: int
) -> np.ndarray:
    """Positions of the rows that are repeated."""
    kept = [rows[int(i)] for i in inside]
    position = {id(rows[int(i)]): int(i) for i in inside}
    return np.array(
        [position[id(row)] for row, _ in drawn(kept, content, shortfall(counts(kept, content)), seed)], int
    )


def counts(records: Sequence[Record], content: Content) -> dict[str, int]:
    """Rows of each class."""
    found: dict[str, int] = {}
    for row in records:
        for label in content.labels(row)[:1]:
            found[label] = found.get(label, 0) + 1
    return found
