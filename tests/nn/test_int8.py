"""Products in 8 bits: exact where 8 bits suffice, close where they round, and their gradients."""

from __future__ import annotations

import copy

import pytest

import decoders

torch = pytest.importorskip("torch")

from tunesmith.nn import int8, parameters  # noqa: E402


def levels(*shape: int) -> torch.Tensor:
    """Whole numbers from -127 to 127, both ends in each row, so that rounding leaves them as they are."""
    found = torch.randint(-127, 128, shape).float()
    found[..., 0], found[..., 1] = 127.0, -127.0
    return found


def test_numbers_of_8_bits_are_multiplied_exactly() -> None:
    torch.manual_seed(0)
    x, w, g = levels(5, 32), levels(8, 32), levels(5, 8)
    matrix = int8.small(w)
    assert torch.equal(matrix.dense(), w)
    assert torch.allclose(matrix.times(x), x @ w.T, rtol=1e-6)
    assert torch.allclose(matrix.back(g), g @ w, rtol=1e-6)


def test_the_error_is_a_hundredth_and_rows_do_not_disturb_each_other() -> None:
    torch.manual_seed(1)
    x, w = torch.randn(64, 256), torch.randn(48, 256)
    x[7] *= 1e6  # one loud token
    matrix = int8.small(w)
    wanted = x @ w.T
    error = (matrix.times(x) - wanted).norm(dim=1) / wanted.norm(dim=1)
    assert 0 < error.max() < 0.02


def test_zeros_and_empty_rows() -> None:
    matrix = int8.small(torch.zeros(8, 16))
    assert not matrix.times(torch.randn(3, 16)).any()
    assert not int8.small(torch.randn(8, 16)).times(torch.zeros(3, 16)).any()


def test_what_is_not_finite_is_not_hidden() -> None:
    x = torch.randn(4, 16)
    x[2, 3] = float("nan")
    assert not torch.isfinite(int8.small(torch.randn(8, 16)).times(x)[2]).all()


def test_equal_inputs_are_rounded_once_and_others_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    plain = int8.rounded

    def counted(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        made.append(1)
        return plain(x)

    one, other = int8.small(torch.randn(8, 16)), int8.small(torch.randn(8, 16))
    monkeypatch.setattr(int8, "rounded", counted)
    x = torch.randn(6, 16)
    one.times(x), other.times(x)
    assert len(made) == 1
    halves = torch.randn(6, 32)
    left, right = halves[:, :16], halves[:, 16:]
    assert not torch.equal(one.times(left), one.times(right))
    before = one.times(x)
    x.mul_(-1)
    assert torch.allclose(one.times(x), -before)
    with torch.inference_mode():
        inner = torch.randn(6, 16)
        first = one.times(inner)
        inner.mul_(-1)
        assert torch.allclose(one.times(inner), -first)


def test_gradients_of_a_tuned_decoder_are_close_and_only_frozen_maps_are_narrowed() -> None:
    from tunesmith.train.tuning.lora import Lora

    torch.manual_seed(0)
    net = Lora(rank=4, top=1).apply(decoders.made("llama"))
    with torch.no_grad():
        for name, p in net.named_parameters():
            if "lora_B" in name:
                p.normal_(0, 0.05)
    twin = copy.deepcopy(net)
    for each in (net, twin):
        each.begin(0, 0.0)
    frozen = int8.narrow(parameters.layers(twin))
    maps = [m for layer in parameters.layers(twin) for m in layer.modules() if isinstance(m, torch.nn.Linear)]
    assert frozen == sum(isinstance(m, int8.Frozen) for m in maps) > 0
    assert all(type(m) is torch.nn.Linear for m in maps if m.weight.requires_grad)
    batch = decoders.batch()
    losses = [each.nll_sum(batch) for each in (net, twin)]
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=0.01)
    assert losses[1].item() != losses[0].item()
    theirs, ours = (decoders.gradients(each, loss) for each, loss in zip((net, twin), losses, strict=True))
    for name, wanted in theirs.items():
        if wanted.any():
            assert torch.nn.functional.cosine_similarity(wanted.flatten(), ours[name].flatten(), dim=0) > 0.98


def test_codes_stay_codes_when_a_net_is_cast() -> None:
    linear = torch.nn.Linear(16, 8)
    linear.weight.requires_grad = False
    net = torch.nn.Sequential(linear)
    assert int8.narrow([net]) == 1
    wanted = net(torch.ones(2, 16))
    net.float()
    assert linear.weight.dtype == torch.int8 and linear.scales.dtype == torch.float32
    assert torch.equal(net(torch.ones(2, 16)), wanted)


def test_the_recipe_narrows_and_refuses_where_there_is_nothing_to_narrow() -> None:
    from tunesmith.errors import UsageError
    from tunesmith.train.engine import local

    net = decoders.made("llama")
    net.requires_grad_(True)
    with pytest.raises(UsageError) as caught:
        local.narrow(net)
    assert caught.value.code == "C176" and caught.value.fixes
    net.requires_grad_(False)
    local.narrow(net)
    assert any(isinstance(m, int8.Frozen) for m in net.modules())


def test_wrappers_that_read_the_numbers_keep_them() -> None:
    from tunesmith.train.tuning.lora import Lora

    net = Lora(rank=2, dora=True, targets=("q_proj",)).apply(decoders.made("llama"))
    net.begin(0, 0.0)
    before = net.nll_sum(decoders.batch()).item()
    assert int8.narrow(parameters.layers(net))
    wrapped = [m.base_layer for m in net.modules() if len(getattr(m, "lora_magnitude_vector", ()))]
    assert wrapped and all(type(m) is torch.nn.Linear for m in wrapped)
    assert net.nll_sum(decoders.batch()).item() == pytest.approx(before, rel=0.01)


def test_references_are_kept_apart_by_the_numbers_they_were_made_with() -> None:
    from tunesmith.train import references

    net = decoders.made("llama")
    net.requires_grad_(False)
    found = {references.weights_digest(net)}
    int8.narrow(parameters.layers(net))
    found.add(references.weights_digest(net))
    first = next(m for m in net.modules() if isinstance(m, int8.Frozen))
    first.scales.mul_(1.5)
    found.add(references.weights_digest(net))
    assert len(found) == 3


def test_the_output_matrix_makes_logits_in_8_bits_and_gradients_in_full() -> None:
    from tunesmith.nn import token_loss

    torch.manual_seed(2)
    matrix = torch.nn.Linear(32, 61, bias=False)
    assert not int8.keep_beside(matrix) and int8.beside(matrix) is None  # it moves
    matrix.requires_grad_(False)
    assert int8.keep_beside(matrix)
    small = int8.beside(matrix)
    assert small is not None and matrix.weight.dtype == torch.float32
    states, targets, weights = torch.randn(9, 32), torch.randint(0, 61, (9,)), torch.rand(9)
    found = []
    for given, weight in ((small, matrix.weight), (None, small.dense())):
        h = states.clone().requires_grad_()
        total = token_loss.cross_entropy_sum(h, weight, targets, weights, 4, small=given)
        total.backward()
        logprobs, _ = token_loss.logprobs(h, weight, targets, 4, small=given)
        found.append((total.detach(), logprobs.detach(), h.grad))
    for mine, theirs in zip(*found, strict=True):
        assert (mine - theirs).norm() < 0.02 * theirs.norm()
        assert not torch.equal(mine, theirs)


def test_a_narrowed_decoder_is_still_near_itself() -> None:
    from tunesmith.train.engine import local

    net = decoders.made("llama")
    net.requires_grad_(False)
    net.begin(0, 0.0)
    before = net.nll_sum(decoders.batch()).item()
    local.narrow(net)
    assert int8.beside(net.backbone.get_output_embeddings()) is not None
    after = net.nll_sum(decoders.batch()).item()
    assert after != before and after == pytest.approx(before, rel=0.01)
