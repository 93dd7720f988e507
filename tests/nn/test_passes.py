"""One pass gives what several of torch give, their gradients, and no number where there was none."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import decoders

torch = pytest.importorskip("torch")

from tunesmith.nn import int8, one_pass, parameters, passes, token_loss  # noqa: E402
from tunesmith.train.engine import kernels  # noqa: E402

pytestmark = [
    pytest.mark.neural,
    pytest.mark.skipif(not kernels.able(), reason="no C compiler here, or torch without OpenMP"),
]
SHAPES = [(1, 1), (3, 7), (5, 64), (129, 200)]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return kernels.library(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def used(library: tuple[Path, Path]) -> Iterator[None]:
    passes.use(*library)
    yield
    passes.use(None)


def by_torch(compute: Any) -> Any:
    """What torch alone computes."""
    kept, passes._USED[:] = list(passes._USED), []
    try:
        return compute()
    finally:
        passes._USED[:] = kept


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weighed", [False, True])
def test_rounding_and_scaling_are_those_of_torch(shape: tuple[int, int], weighed: bool) -> None:
    torch.manual_seed(0)
    x, by = torch.randn(shape) * 10, torch.rand(shape[1]) + 0.5 if weighed else None
    codes, scales = int8.rounded(x, by)
    wanted, wanted_scales = by_torch(lambda: int8.rounded(x, by))
    assert torch.equal(scales, wanted_scales)
    assert (
        codes.int() - wanted.int()
    ).abs().max() <= 1  # numbers midway between two levels may go either way
    assert (codes == wanted).float().mean() > 0.99
    sums = torch.randint(-99999, 99999, shape, dtype=torch.int32)
    wanted = by_torch(lambda: int8.scaled(sums.clone(), scales, by))
    assert torch.allclose(int8.scaled(sums.clone(), scales, by), wanted, rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES[1:])  # a lone number's norm is its sign: there is no gradient
def test_the_norm_and_its_gradient(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    x, weight = torch.randn(shape, dtype=torch.float64), torch.rand(shape[1], dtype=torch.float64) + 0.5
    wide, narrow = x.clone().requires_grad_(), x.float().requires_grad_()
    plain = weight * wide * (wide.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
    found = passes.RmsNorm.apply(narrow, weight.float(), 1e-5)
    pull = torch.randn_like(x)
    plain.backward(pull)
    found.backward(pull.float())
    close(found, plain)
    close(narrow.grad, wide.grad)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gate_and_its_gradients(shape: tuple[int, int]) -> None:
    torch.manual_seed(2)
    gate, up, pull = (torch.randn(shape, dtype=torch.float64) * 5 for _ in range(3))
    wide = [t.clone().requires_grad_() for t in (gate, up)]
    narrow = [t.float().requires_grad_() for t in (gate, up)]
    plain = torch.nn.functional.silu(wide[0]) * wide[1]
    found = passes.SwiGlu.apply(*narrow)
    plain.backward(pull)
    found.backward(pull.float())
    close(found, plain)
    for mine, theirs in zip(narrow, wide, strict=True):
        close(mine.grad, theirs.grad)


def test_gates_far_from_zero() -> None:
    gate = torch.tensor([[-200.0, -90.0, -50.0, 0.0, 50.0, 90.0, 200.0]])
    found = passes.SwiGlu.apply(gate, torch.ones_like(gate))
    assert torch.allclose(found, torch.nn.functional.silu(gate), rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("words", [2, 37, 4099])
def test_the_loss_and_its_gradient(words: int) -> None:
    torch.manual_seed(3)
    states, matrix = torch.randn(9, 16, dtype=torch.float64), torch.randn(words, 16, dtype=torch.float64) * 3
    targets, weights = torch.randint(0, words, (9,)), torch.rand(9) - 0.3
    narrow = [t.float().requires_grad_() for t in (states, matrix)]
    wide = [t.clone().requires_grad_() for t in (states, matrix)]
    token_loss.cross_entropy_sum(*narrow, targets, weights, 4).backward()
    token_loss.cross_entropy_sum(*wide, targets, weights, 4).backward()
    for mine, theirs in zip(narrow, wide, strict=True):
        close(mine.grad, theirs.grad)


def close(found: Any, wanted: Any) -> None:
    found, wanted = found.detach(), wanted.detach()
    assert found.dtype == torch.float32
    assert torch.allclose(found.double(), wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_stays_none(bad: float) -> None:
    x = torch.ones(3, 64)
    x[1, 40] = bad
    codes, scales = passes.round_rows(x, None)
    assert torch.isfinite(scales.ravel()).tolist() == [True, False, True] and codes[0].eq(127).all()
    assert torch.isfinite(int8.scaled(codes.int(), scales)).all(1).tolist() == [True, False, True]
    ones = torch.ones_like(x)
    for found in (passes.RmsNorm.apply(x, ones[0], 1e-5), passes.SwiGlu.apply(x, ones)):
        assert torch.isfinite(found[[0, 2]]).all()
        assert torch.isnan(found[1]).any() or bad == bad
    losses = passes.cross_entropy(x.clone(), torch.tensor([0, 0, 0]), torch.ones(3))
    assert torch.isfinite(losses).tolist() == [True, bad == float("-inf"), True]


def test_what_the_library_cannot_read_is_left_to_torch() -> None:
    x = torch.randn(8, 8)
    assert passes.suits(x)
    for other in (x.T, x.double(), x.bfloat16(), x[:, :4], x.to("meta")):
        assert not passes.suits(other)
    passes.use(None)
    assert not passes.suits(x)


def test_one_thread_and_two_give_equal_bits() -> None:
    x, before, found = torch.randn(300, 96), torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(passes.RmsNorm.apply(x, torch.ones(96), 1e-6))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


@pytest.mark.parametrize("family", decoders.FAMILIES)
def test_families_compute_the_same_in_one_pass(family: str) -> None:
    net = decoders.made(family)
    net.requires_grad_(False)
    for parameter in (p for p in parameters.layers(net)[0].parameters() if p.dim() == 2):
        parameter.requires_grad_(True)
    net.begin(0, 0.0)
    twin, batch = copy.deepcopy(net), decoders.batch()
    swapped = one_pass.enable(twin)
    if family in ("llama", "mistral", "qwen2"):
        assert swapped == 7  # in each of two layers two norms and a gate, and the last norm
    found = [each.nll_sum(batch) for each in (net, twin)]
    assert found[1].item() == pytest.approx(found[0].item(), rel=1e-5)
    theirs, ours = (decoders.gradients(each, loss) for each, loss in zip((net, twin), found, strict=True))
    share, name = decoders.apart(ours, theirs)
    assert share < 1e-4, name
