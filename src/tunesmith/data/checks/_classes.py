"""Rows of each class, spellings of one label taken together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import label_form, normalise, text_of
from tunesmith.fields import Record


def counted(rows: Sequence[Record], evidence: Mapping[str, Any]) -> Counter[str]:
    """Rows of each label as it is spelt, of rows that have a text; a row with several labels counts for each."""
    labels = evidence["content"].labels
    return Counter(
        label
        for row in rows
        if normalise(text_of(row, evidence))
        for label in labels(row)
        if label and not label.isspace()
    )


def classes(labels: Counter[str]) -> Counter[str]:
    """Rows of each class by its most frequent spelling: spellings of one label (L205) are one class."""
    spelt: dict[str, str] = {}
    found: Counter[str] = Counter()
    for label in sorted(labels, key=lambda label: (-labels[label], label)):
        found[spelt.setdefault(label_form(label), label)] += labels[label]
    return found
