"""Order: every row once an epoch, a function of (seed, epoch)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniature import job
from tunesmith.parts import Example
from tunesmith.train import order


@given(
    st.lists(st.integers(1, 200), min_size=1, max_size=120),
    st.integers(1, 40),
    st.integers(1, 60),
    st.integers(0, 3),
    st.integers(0, 5),
)
def test_batches_hold_every_row_once_and_are_near_equal(
    lengths: list[int], count: int, window: int, seed: int, epoch: int
) -> None:
    rows = [Example(str(n), {}, length) for n, length in enumerate(lengths)]
    batches = order.batches(rows, count, window, seed, epoch)
    assert sorted(e.row for batch in batches for e in batch) == sorted(e.row for e in rows)
    sizes = [len(batch) for batch in batches]
    assert max(sizes) - min(sizes) <= 1
    assert batches == order.batches(rows, count, window, seed, epoch)


def test_epochs_differ_and_sorting_saves_padding() -> None:
    rows = [Example(str(n), {}, 1 + n * 37 % 101) for n in range(640)]

    def padded(window: int, epoch: int = 0) -> int:
        return sum(max(e.length for e in b) * len(b) for b in order.batches(rows, 40, window, 0, epoch))

    assert order.batches(rows, 40, 10, 0, 0) != order.batches(rows, 40, 10, 0, 1)
    assert padded(10) < 0.75 * padded(1)


@given(st.lists(st.integers(1, 90), min_size=1, max_size=50), st.integers(0, 300))
def test_micro_batches_hold_every_row_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batch = [Example(str(n), {}, length) for n, length in enumerate(lengths)]
    divided = order.micro(batch, budget)
    assert sorted(e.row for part in divided for e in part) == sorted(e.row for e in batch)
    assert budget or len(divided) == 1
    padded = [len(part) * max(e.length for e in part) for part in divided if len(part) > 1]
    assert not budget or all(size <= budget for size in padded)


@pytest.mark.neural
def test_oversampling_repeats_rare_classes_and_changes_with_the_epoch(tmp_path: Path) -> None:
    made = job(tmp_path, task={"name": "text-classification", "balance": "oversample"})
    settings = {**made.codec.settings, "class_weights": [0.5, 1.25, 0.5]}
    made = type(made)(**{**made.__dict__, "codec": made.codec.with_settings(**settings)})
    counts = [Counter(e.values["label"] for e in order.examples(made, made.task, epoch)) for epoch in (0, 1)]
    assert all(2.0 <= c[1] / c[0] <= 3.0 for c in counts)
    assert counts[0][1] != 2 * counts[0][0] or counts[1][1] != 2 * counts[1][0]
