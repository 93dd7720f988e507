"""The learning rate: rises, peaks once, falls to zero."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tunesmith.train.schedule import learning_rate


@given(st.integers(1, 500), st.floats(0, 0.9))
def test_rises_to_the_peak_and_falls(steps: int, warmup: float) -> None:
    rates = [learning_rate(step, steps, 1.0, warmup) for step in range(steps)]
    top = max(range(steps), key=rates.__getitem__)
    assert 0 < rates[0] <= 1.0
    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(rates[: top + 1]))
    assert all(a >= b for a, b in zip(rates[top:], rates[top + 1 :], strict=False))
    assert learning_rate(steps, steps, 1.0, warmup) == 0.0
