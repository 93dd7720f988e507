"""Losses of preference against what their papers' formulas give when written out in float64."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
from tunesmith.nn import preference_losses as losses  # noqa: E402

pytestmark = pytest.mark.neural


def numbers(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_answers_are_summed_apart() -> None:
    logprobs, weights = torch.tensor([-1.0, -2.0, -3.0, -4.0]), torch.tensor([1.0, 1.0, 0.5, 1.0])
    found = losses.answer_sums(logprobs, weights, torch.tensor([1, 1, 0, 3]), 4)
    assert found.tolist() == [-1.5, -3.0, 0.0, -4.0]


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_dpo_is_the_smoothed_logistic_loss_of_the_margin(seed: int, smoothing: float) -> None:
    policy, reference, beta = numbers(seed, 7, 2), numbers(seed + 1, 7, 2), 0.3
    expected = 0.0
    for (pc, pr), (rc, rr) in zip(policy.tolist(), reference.tolist(), strict=True):
        m = beta * ((pc - rc) - (pr - rr))
        expected -= (1 - smoothing) * math.log(sigmoid(m)) + smoothing * math.log(sigmoid(-m))
    found = losses.dpo_sum(losses.margin(policy, reference), beta, smoothing)
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_without_a_move_dpo_costs_the_logarithm_of_two() -> None:
    assert float(losses.dpo_sum(torch.zeros(3), 0.1, 0.0)) == pytest.approx(3 * math.log(2))


def test_ipo_is_least_where_the_margin_is_half_of_one_by_beta() -> None:
    margins = torch.tensor([1 / (2 * 0.1), 0.0])
    assert float(losses.ipo_sum(margins[:1], 0.1)) == 0
    assert float(losses.ipo_sum(margins, 0.1)) == pytest.approx(25.0)


def test_simpo_asks_for_a_margin_of_gamma(seed: int) -> None:
    means, beta, gamma = numbers(seed, 5, 2), 2.0, 0.7
    expected = -sum(math.log(sigmoid(beta * (c - r) - gamma)) for c, r in means.tolist())
    assert float(losses.simpo_sum(means, beta, gamma)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("p", [1e-9, 1e-3, 0.3, 0.5, 0.7, 0.999, 0.99999])
def test_log_odds_keep_their_digits(p: float) -> None:
    found = losses.log_odds(torch.tensor([[math.log(p)]], dtype=torch.float64))
    assert float(found) == pytest.approx(math.log(p) - math.log1p(-p), rel=1e-9, abs=1e-9)


def test_log_odds_have_finite_gradients_everywhere() -> None:
    means = torch.tensor([[-1e-12, -40.0], [0.0, -math.log(2)]], requires_grad=True)
    losses.orpo_sum(means).backward()
    assert torch.isfinite(means.grad).all()


def test_kto_values_wanted_and_unwanted_answers_around_the_baseline() -> None:
    moved, wanted = torch.tensor([2.0, -1.0]), torch.tensor([True, False])
    found = losses.kto_sum(moved, wanted, torch.tensor(0.5), 0.2, 1.0, 1.5)
    expected = (1 - sigmoid(0.2 * 1.5)) + 1.5 * (1 - sigmoid(0.2 * 1.5))
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_bradley_terry_prefers_the_higher_reward() -> None:
    assert float(losses.bradley_terry_sum(torch.tensor([[1.0, -1.0]]))) == pytest.approx(
        -math.log(sigmoid(2.0)), rel=1e-6
    )
