"""Compare two sets of rows: which came, which went, which changed and how."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.data.checks._rows import key_of, normalise
from tunesmith.data.twins import twins
from tunesmith.fields import Record
from tunesmith.parts import Content

GRAM = 5  # characters that are compared at a time, as in `twins`
ALIKE = 0.6  # similarity of 5-grams from which a row that went and one that came are one row, changed


@dataclass(frozen=True)
class Difference:
    """same: rows that stand in both.  changed: (before, after).  labels: label → (rows before, rows after), where the
    counts differ."""

    same: int
    came: tuple[Record, ...]
    went: tuple[Record, ...]
    changed: tuple[tuple[Record, Record], ...]
    labels: Mapping[str, tuple[int, int]]


def compare(
    first: Sequence[Record], second: Sequence[Record], content: Content, *, same_source: bool
) -> Difference:
    """How the second rows differ from the first.

    Equal rows are the same; of the others those belong together that have one place (if same_source: both were read
    from the same bytes), then those of equal texts, then those whose texts are most alike.  Each row belongs to one.
    """
    old, new = list(first), list(second)
    order = {id(row): index for index, row in enumerate(new)}
    same, old, new = _paired(old, new, lambda row: (key_of(row), row.place.id))
    more, old, new = _paired(old, new, key_of)
    changed = []
    keys: list[Callable[[Record], Hashable]] = [lambda row: row.place.id] if same_source else []
    for key in (*keys, lambda row: normalise(content.text(row))):
        pairs, old, new = _paired(old, new, key)
        changed += pairs
    pairs, old, new = _alike(old, new, content)
    changed = sorted([*changed, *pairs], key=lambda pair: order[id(pair[1])])
    labels = _labels(first, second, content)
    return Difference(len(same) + len(more), tuple(new), tuple(old), tuple(changed), labels)


def changes(before: Record, after: Record) -> dict[str, tuple[Any, Any]]:
    """{field: (value before, value after)} where they differ."""
    names = dict.fromkeys((*before.fields, *after.fields))
    pairs = {name: (before.fields.get(name), after.fields.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


Pairs = list[tuple[Record, Record]]


def _paired(
    old: Sequence[Record], new: Sequence[Record], key: Callable[[Record], Hashable]
) -> tuple[Pairs, list[Record], list[Record]]:
    """Rows of equal keys as pairs, in order; then what is left of both."""
    waiting: dict[Hashable, list[Record]] = defaultdict(list)
    for row in reversed(old):
        waiting[key(row)].append(row)
    pairs, left = [], []
    for row in new:
        if candidates := waiting.get(key(row)):
            pairs.append((candidates.pop(), row))
        else:
            left.append(row)
    return pairs, _without(old, (before for before, _ in pairs)), left


def _without(rows: Sequence[Record], gone: Iterable[Record]) -> list[Record]:
    lost = {id(row) for row in gone}
    return [row for row in rows if id(row) not in lost]


def _alike(
    old: Sequence[Record], new: Sequence[Record], content: Content
) -> tuple[Pairs, list[Record], list[Record]]:
    """The most similar pairs first, within the clusters of near-duplicates."""
    if not old or not new:
        return [], list(old), list(new)
    texts = [normalise(content.text(row)) for row in (*old, *new)]
    clusters: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for index, cluster in enumerate(twins(texts, ALIKE).tolist()):
        clusters[cluster][index >= len(old)].append(index)
    pairs: Pairs = []
    for mine, theirs in clusters.values():
        pairs += [(old[one], new[two - len(old)]) for one, two in _greedy(mine, theirs, texts)]
    return pairs, _without(old, (b for b, _ in pairs)), _without(new, (a for _, a in pairs))


def _greedy(mine: Sequence[int], theirs: Sequence[int], texts: Sequence[str]) -> list[tuple[int, int]]:
    if len(mine) * len(theirs) > 10_000:  # a cluster of templates: every pairing is as good as another
        return list(zip(mine, theirs, strict=False))
    sets = {index: _grams(texts[index]) for index in (*mine, *theirs)}
    ranked = sorted(
        (-len(sets[one] & sets[two]) / len(sets[one] | sets[two]), one, two) for one in mine for two in theirs
    )
    taken: set[int] = set()
    pairs = []
    for _, one, two in ranked:
        if not taken & {one, two}:
            taken |= {one, two}
            pairs.append((one, two))
    return pairs


def _grams(text: str) -> frozenset[str]:
    return frozenset(text[start : start + GRAM] for start in range(max(1, len(text) - GRAM + 1)))


def _labels(
    first: Sequence[Record], second: Sequence[Record], content: Content
) -> dict[str, tuple[int, int]]:
    before = Counter(label for row in first for label in content.labels(row))
    after = Counter(label for row in second for label in content.labels(row))
    return {
        label: (before[label], after[label])
        for label in sorted({*before, *after})
        if before[label] != after[label]
    }
