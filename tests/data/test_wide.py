"""The split in arrays says what the split in memory says."""

from __future__ import annotations

import random

import numpy as np
import pytest

from data.rows import records, sentences
from tunesmith.data import checking, wide
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.sides import SIDES
from tunesmith.data.split import split
from tunesmith.recipe.sections import Split as Rule

CONTENT, RULE = Labelled(), Rule()
SHARES = {"test": RULE.test, "validation": RULE.validation}


def table(seed, count, classes, grouped):
    """Rows with near-duplicates, copies, rare classes, missing labels, and groups where they are wanted."""
    rng = random.Random(seed)
    texts = sentences(count, seed)
    rows = []
    for n, text in enumerate(texts):
        draw = rng.random()
        text = texts[rng.randrange(n + 1)] + ("!" if draw < 0.05 else "") if draw < 0.1 else text
        label = None if draw > 0.97 else f"class {min(int(rng.expovariate(1) * 3), classes)}"
        rows.append((text, label, f"g{rng.randrange(count // 3)}") if grouped else (text, label))
    return records(*rows)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("count", [12, 40, 400, 900])
def test_the_same_sides_as_in_memory(count, grouped):
    for seed in range(6):
        rows = table(seed, count, 12, grouped)
        known = checking.last(wide.surveyed(rows, CONTENT))
        sides, moves = wide.divided(known, SHARES)
        plain = split(rows, CONTENT, RULE)
        expected = np.full(len(rows), -1)
        for number, name in enumerate(SIDES):
            expected[getattr(plain, name)] = number
        assert sides.tolist() == expected.tolist(), f"seed {seed}"
        assert len(moves) == len(plain.moved)
        assert known.groups.tolist() == plain.groups.tolist()


def test_no_group_is_on_two_sides():
    rows = table(9, 2000, 5, grouped=True)
    known = checking.last(wide.surveyed(rows, CONTENT))
    sides, _ = wide.divided(known, SHARES)
    for group in np.unique(known.groups):
        assert len(set(sides[known.groups == group].tolist())) == 1
