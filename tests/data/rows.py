"""Rows for the tests of the data stage."""

from __future__ import annotations

import random

from tunesmith.fields import Record, row_key
from tunesmith.findings import Place


def records(*triples, source="data.csv", first=2) -> list[Record]:
    """Records of (text, label) or (text, label, group), one a line."""
    made = []
    for line, values in enumerate(triples, first):
        fields = dict(zip(("text", "label", "group"), values, strict=False))
        made.append(Record(fields, Place(source, line, line * 10), row_key(fields)))
    return made


def sentences(count: int, seed: int = 0, length: int = 6) -> list[str]:
    """Texts that are no near-duplicates of each other."""
    rng = random.Random(seed)
    return [
        " ".join("".join(rng.choices("abcdefghijklmnopqrst", k=rng.randint(3, 8))) for _ in range(length))
        for _ in range(count)
    ]
