"""Draw some rows by chance: by the hash of seed and row, so that the order of rows and the machine don't matter."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from tunesmith.data.checks._rows import key_of
from tunesmith.fields import Record
from tunesmith.parts import Content


def sample(
    records: Sequence[Record], content: Content, count: int, *, seed: int = 0, stratify: bool = False
) -> list[int]:
    """Positions of `count` rows, ascending.  stratify: by the row's labels, the rest by largest remainder; a label
    has at least one row where there are as many rows as labels."""
    ranks = _ranks(records, seed)
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        groups[content.labels(record) if stratify else ()].append(index)
    shares = _shares({name: len(rows) for name, rows in groups.items()}, count)
    chosen = [
        index
        for name, rows in groups.items()
        for index in sorted(rows, key=ranks.__getitem__)[: shares[name]]
    ]
    return sorted(chosen)


def _ranks(records: Sequence[Record], seed: int) -> list[bytes]:
    """A number by chance for each row; equal rows have different ones."""
    seen: Counter[str] = Counter()
    ranks = []
    for record in records:
        key = key_of(record)
        ranks.append(hashlib.sha256(f"{seed} {key} {seen[key]}".encode()).digest())
        seen[key] += 1
    return ranks


def _shares(sizes: dict[tuple[str, ...], int], count: int) -> dict[tuple[str, ...], int]:
    """How many rows of each group: in proportion, whole, `count` in all."""
    total = sum(sizes.values())
    least = min(1, count // max(1, len(sizes)))
    shares = {name: max(least, count * size // total) for name, size in sizes.items()}
    order = sorted(sizes, key=lambda name: (-(count * sizes[name] % total), name))
    while (missing := count - sum(shares.values())) > 0:
        for name in [name for name in order if shares[name] < sizes[name]][:missing]:
            shares[name] += 1
    while sum(shares.values()) > count:
        shares[max(shares, key=lambda name: (shares[name], name))] -= 1
    return shares
