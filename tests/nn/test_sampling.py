"""Choosing tokens: the nucleus, the inverse of the running sum, what is not allowed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.neural


@given(
    st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=40),
    st.floats(0.01, 1),
    st.floats(0, 1, exclude_max=True),
    st.floats(0.1, 3),
)
def test_a_drawn_word_is_in_the_nucleus(logits: list[float], top_p: float, draw: float, heat: float) -> None:
    import torch

    from tunesmith.nn import sampling

    table = torch.tensor([logits])
    chosen = int(sampling.choose(table, torch.tensor([draw], dtype=torch.float64), heat, top_p))
    probs = (table / heat).softmax(-1)[0].double().numpy()
    likelier = probs[probs > probs[chosen]].sum()
    assert likelier < top_p + 1e-6


def test_the_nucleus_is_the_same_from_the_shortlist_and_from_all() -> None:
    import torch

    from tunesmith.nn import sampling

    generator = torch.Generator().manual_seed(5)
    probs = (torch.randn(3, 2000, generator=generator) * torch.tensor([[0.1], [3.0], [9.0]])).softmax(-1)
    for top_p in (0.1, 0.5, 0.99):
        ordered = np.sort(probs.double().numpy(), axis=1)[:, ::-1]
        kept = [int((row.cumsum() < top_p).sum()) + 1 for row in ordered]
        found = (probs >= sampling.floor(probs, top_p)[:, None]).sum(-1).tolist()
        assert all(abs(a - b) <= 1 for a, b in zip(found, kept, strict=True)), (found, kept)


def test_a_word_without_probability_is_never_drawn() -> None:
    import torch

    from tunesmith.nn import sampling

    weights = torch.tensor([[0.0, 0.3, 0.0, 0.7, 0.0]])
    for draw in (0.0, 0.2999, 0.3001, 0.999999999):
        chosen = int(sampling.invert(weights, torch.tensor([draw], dtype=torch.float64)))
        assert chosen == (1 if draw < 0.3 else 3)


@pytest.mark.parametrize("width", [3, 5, 8])
def test_words_beyond_the_mask_are_not_allowed(width: int) -> None:
    import torch

    from tunesmith.nn import sampling

    mask = torch.zeros(1, width, dtype=torch.bool)
    mask[0, 1] = True
    out = sampling.restrict(torch.arange(5.0)[None], mask)
    assert out.shape == (1, 5)
    assert out.isfinite().nonzero().tolist() == [[0, 1]]
