"""Which labels rows carry: a class index for each row, or yes and no for each label where rows may have several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.data.checks._rows import label_form
from tunesmith.fields import Record
from tunesmith.parts import Content


def several(content: Content) -> bool:
    """Whether a row may have any number of labels."""
    return any(field.role == "target" and field.kind == "strings" for field in content.fields)


def truth(records: Sequence[Record], content: Content, names: Sequence[str]) -> np.ndarray:
    """The class of each row: index into names [N], -1 for a row without a label or with several."""
    index = {label_form(name): number for number, name in enumerate(names)}
    own = [content.labels(row) for row in records]
    return np.array([index.get(label_form(each[0]), -1) if len(each) == 1 else -1 for each in own], np.int64)


def marks(records: Sequence[Record], content: Content, names: Sequence[str]) -> np.ndarray:
    """int64 [N, C]: 1 where a row has the label, 0 where it has not, -1 where it does not say which it has."""
    index = {label_form(name): number for number, name in enumerate(names)}
    found = np.zeros((len(records), len(names)), np.int64)
    for row, record in enumerate(records):
        if content.target(record) is None:
            found[row] = -1
        for label in content.labels(record):
            if (column := index.get(label_form(label))) is not None:
                found[row, column] = 1
    return found
