"""Losses are sums that agree with torch's own means."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.neural


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_weighted_sum_is_torchs_cross_entropy(smoothing: float) -> None:
    import torch

    from tunesmith.nn.losses import weighted_cross_entropy_sum

    torch.manual_seed(0)
    logits, labels = torch.randn(7, 5), torch.randint(0, 5, (7,))
    ours = weighted_cross_entropy_sum(logits, labels, torch.ones(7), smoothing)
    theirs = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="sum")
    assert float(ours) == pytest.approx(float(theirs), rel=1e-6)


def test_rows_without_a_label_and_rows_of_weight_zero_have_no_part() -> None:
    import torch

    from tunesmith.nn.losses import weighted_cross_entropy_sum

    logits = torch.randn(3, 4, requires_grad=True)
    labels, weights = torch.tensor([2, -1, 1]), torch.tensor([1.0, 1.0, 0.0])
    loss = weighted_cross_entropy_sum(logits, labels, weights, 0.1)
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[0].abs().sum() > 0
    assert logits.grad[1:].abs().sum() == 0
