"""The split of more rows than memory holds: the same rule in arrays of a few bytes a row."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.data.checks._rows import normalise
from tunesmith.data.sides import ALL, SIDES, Beside, Move, Shares, Unit, position, short_of, side_at, top_up
from tunesmith.data.twins import Sketcher
from tunesmith.events import Progress
from tunesmith.fields import Record
from tunesmith.parts import Content

BATCH = 1000
STEP = 20 * BATCH  # rows between two words about progress


@dataclass(frozen=True, eq=False)
class Surveyed:
    """What the rule needs of each row.

    texts: SHA-256 of the normalised text, its first 16 bytes as two numbers, uint64 [n, 2].  labels: int32 [n], index
    in `names`, -1 for none.  values: int64 [n], index in `said` of the group field's value, 0 for none.  groups: int64
    [n], the first row of each row's group.
    """

    texts: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    values: np.ndarray
    said: tuple[str, ...]
    groups: np.ndarray


def surveyed(records: Sequence[Record], content: Content) -> Generator[Progress, None, Surveyed]:
    """One pass over the rows; candidates for near-duplicates are read once more."""
    begun = time.monotonic()
    sketcher, names, said = Sketcher(), dict[str, int](), {"": 0}
    texts, labels, values = [], [], []
    for start in range(0, len(records), BATCH):
        rows = records[start : start + BATCH]
        forms = [normalise(content.text(row)) for row in rows]
        sketcher.add(forms)
        texts.append(
            np.frombuffer(b"".join(map(_digest, forms)), dtype=">u8").reshape(-1, 2).astype(np.uint64)
        )
        first = (next(iter(content.labels(row)), None) for row in rows)
        labels.append(
            np.array([-1 if each is None else names.setdefault(each, len(names)) for each in first], np.int32)
        )
        of = (str(row.fields.get("group") or "") for row in rows)
        values.append(np.array([said.setdefault(each, len(said)) for each in of], np.int64))
        if start % STEP == 0 and start:
            yield Progress("survey", start, len(records), time.monotonic() - begun)
    clusters = sketcher.join(lambda indices: [content.text(records[index]) for index in indices])
    of_group = np.concatenate(values)
    groups = joined(clusters, of_group) if len(said) > 1 else clusters
    return Surveyed(
        np.concatenate(texts), np.concatenate(labels), tuple(names), of_group, tuple(said), groups
    )


def _digest(form: str) -> bytes:
    return hashlib.sha256(form.encode("utf-8", "surrogatepass")).digest()[:16]


def joined(clusters: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Rows with equal clusters or equal values (0: none) are one group: its id is its first row, int64 [n]."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count, given = len(clusters), np.flatnonzero(values)
    first = np.unique(values[given], return_index=True)[1]
    heads = given[first][np.unique(values[given], return_inverse=True)[1]]
    one = np.concatenate([np.arange(count), given])
    other = np.concatenate([clusters, heads])
    graph = coo_matrix((np.ones(len(one), np.int8), (one, other)), (count, count))
    member = connected_components(graph, directed=False)[1]
    return np.unique(member, return_index=True)[1][member].astype(np.int64)


def divided(known: Surveyed, shares: Shares) -> tuple[np.ndarray, list[Move]]:
    """The side of each row, int8 [n] (index in SIDES), and the groups that the top-up moved: what `split.split` says of
    the same rows without a parent."""
    order = np.lexsort((known.texts[:, 1], known.texts[:, 0], known.groups))
    ordered = known.groups[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    keys = _keys(known, order, starts)
    sides = np.array([SIDES.index(side_at(position(key), shares)) for key in keys], np.int8)
    sides, moves = _topped_up(known, order, starts, keys, sides, shares)
    of_group = np.zeros(len(known.groups), np.int8)
    of_group[known.groups[order[starts]]] = sides
    return of_group[known.groups], moves


def _keys(known: Surveyed, order: np.ndarray, starts: np.ndarray) -> list[str]:
    """The key of each group, as `groups.group_key` makes it."""
    texts = [f"text {int(high):016x}{int(low):016x}" for high, low in known.texts[order[starts]]]
    bounds = np.append(starts, len(order))
    for number in np.flatnonzero(np.maximum.reduceat(known.values[order], starts)):
        inside = known.values[order[bounds[number] : bounds[number + 1]]]
        texts[number] = f"group {min(known.said[value] for value in set(inside.tolist()) if value)}"
    return texts


def _topped_up(
    known: Surveyed,
    order: np.ndarray,
    starts: np.ndarray,
    keys: Sequence[str],
    sides: np.ndarray,
    shares: Shares,
) -> tuple[np.ndarray, list[Move]]:
    """Only classes that lack a group on some side move any, so their groups alone become units; the rest is counted."""
    of_row = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
    pairs = np.unique(np.stack([of_row, known.labels[order]]), axis=1)  # (group, label), each once
    pairs = pairs[:, pairs[1] >= 0]
    listed = _listed(
        _beside(known, pairs, sides, np.ones(len(starts), bool)), known, pairs, shares, len(starts)
    )
    rest = np.ones(len(starts), bool)
    rest[listed] = False
    units = [_unit(known, order, starts, keys, sides, pairs, int(group)) for group in listed]
    units, moves = top_up(units, shares, _beside(known, pairs[:, rest[pairs[0]]], sides, rest))
    for group, unit in zip(listed, units, strict=True):
        sides[group] = SIDES.index(unit.side)
    return sides, moves


def _listed(counted: Beside, known: Surveyed, pairs: np.ndarray, shares: Shares, groups: int) -> np.ndarray:
    """The groups of classes that are short; all, where a side has no rows."""
    short = set(short_of(counted, shares))
    if ALL in short:
        return np.arange(groups)
    numbers = [number for number, name in enumerate(known.names) if name in short]
    return np.unique(pairs[0, np.isin(pairs[1], numbers)])


def _unit(
    known: Surveyed,
    order: np.ndarray,
    starts: np.ndarray,
    keys: Sequence[str],
    sides: np.ndarray,
    pairs: np.ndarray,
    group: int,
) -> Unit:
    stop = starts[group + 1] if group + 1 < len(starts) else len(order)
    first, last = np.searchsorted(pairs[0], [group, group + 1])
    labels = frozenset(known.names[label] for label in pairs[1, first:last].tolist())
    rows = tuple(sorted(order[starts[group] : stop].tolist()))
    return Unit(rows, keys[group], labels, SIDES[sides[group]])


def _beside(known: Surveyed, pairs: np.ndarray, sides: np.ndarray, rest: np.ndarray) -> Beside:
    groups, count = Counter(), Counter()
    for number, name in enumerate(SIDES):
        here = pairs[1, sides[pairs[0]] == number]
        for label, many in zip(*np.unique(here, return_counts=True), strict=True):
            groups[known.names[label]] += int(many)
            count[known.names[label], name] += int(many)
        everything = int((rest & (sides == number)).sum())
        groups[ALL] += everything
        count[ALL, name] += everything
    return Beside(groups, count)
