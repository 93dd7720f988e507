"""What is known of rows before anything is trained: how many, which labels, how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tunesmith.fields import Record
from tunesmith.parts import Content, Profile

QUANTILES = {"min": 0.0, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "p99": 0.99, "max": 1.0}


def profile(records: Sequence[Record], content: Content) -> Profile:
    """Rows, label counts (labels sorted by name; rows without one are left out), text lengths in
    characters."""
    labels = Counter(label for record in records for label in content.labels(record))
    lengths = np.array([len(content.text(record)) for record in records], dtype=np.int64)
    if not len(lengths):
        return Profile(0)
    quantiles = {name: float(np.quantile(lengths, share)) for name, share in QUANTILES.items()}
    return Profile(
        len(records),
        {label: labels[label] for label in sorted(labels)},
        {"mean": float(lengths.mean()), **quantiles},
    )
