"""Chunked losses against torch's own log_softmax over full logits: values and all gradients."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.neural


def problem(rows: int, words: int, features: int, biased: bool, dtype: str, seed: int) -> dict[str, Any]:
    import torch

    draws, kind = torch.Generator().manual_seed(seed), getattr(torch, dtype)

    def normal(*shape: int) -> Any:
        return (2 * torch.randn(*shape, generator=draws)).to(kind).requires_grad_()

    return {
        "hidden": normal(rows, features),
        "weight": normal(words, features),
        "bias": normal(words) if biased else None,
        "targets": torch.randint(0, words, (rows,), generator=draws),
        "weights": torch.rand(rows, generator=draws),
    }


def reference(p: dict[str, Any], cap: float | None, scale: float) -> Any:
    """Log-probabilities from full logits in float64, and how far each target is ahead of all other words [N]."""
    import torch

    logits = p["hidden"].double() @ p["weight"].double().T
    logits = scale * (logits if p["bias"] is None else logits + p["bias"].double())
    logits = logits if cap is None else cap * torch.tanh(logits / cap)
    own = logits.gather(1, p["targets"][:, None])
    rivals = logits.detach().scatter(1, p["targets"][:, None], -torch.inf)
    return logits.log_softmax(-1).gather(1, p["targets"][:, None])[:, 0], own[:, 0] - rivals.amax(1)


def gradients(p: dict[str, Any], loss: Any) -> list[Any]:
    import torch

    leaves = [p[name] for name in ("hidden", "weight", "bias") if p[name] is not None]
    return [each.double() for each in torch.autograd.grad(loss, leaves)]


def close(ours: Any, theirs: Any, share: float) -> bool:
    size = float(theirs.abs().max()) if theirs.numel() else 0.0
    return ours.shape == theirs.shape and bool(((ours - theirs).abs() <= share * (size + 1.0)).all())


shapes = st.fixed_dictionaries(
    {
        "rows": st.integers(0, 17),
        "words": st.integers(2, 23),
        "features": st.integers(1, 9),
        "biased": st.booleans(),
        "dtype": st.sampled_from(["float64", "float32"]),
        "seed": st.integers(0, 2**31),
    }
)
CAPS, SCALES = st.sampled_from([None, 1.5, 30.0]), st.sampled_from([1.0, 0.0625, -2.0])
SHARES = {"float64": 1e-6, "float32": 1e-5}


@given(shape=shapes, chunk=st.integers(1, 20), cap=CAPS, scale=SCALES)
@settings(max_examples=60, deadline=None)
def test_values_and_gradients_are_those_of_full_logits(
    shape: dict[str, Any], chunk: int, cap: float | None, scale: float
) -> None:
    from tunesmith.nn import token_loss

    p, share = problem(**shape), SHARES[shape["dtype"]]
    theirs, ahead = reference(p, cap, scale)
    wanted = gradients(p, -(p["weights"] * theirs).sum())
    given_ = (p["hidden"], p["weight"], p["targets"])
    ours, right = token_loss.logprobs(*given_, chunk, bias=p["bias"], cap=cap, scale=scale)
    total = token_loss.cross_entropy_sum(*given_, p["weights"], chunk, bias=p["bias"], cap=cap, scale=scale)
    assert close(ours.detach(), theirs.detach(), share)
    assert right[ahead > 1e-4].all() and not right[ahead < -1e-4].any()
    assert close(total.detach(), -(p["weights"] * theirs).sum().detach(), share)
    for loss in (-(p["weights"] * ours).sum(), total):
        assert all(close(g, w, share) for g, w in zip(gradients(p, loss), wanted, strict=True))


def test_bfloat16_states_give_float32_losses_and_gradients_of_their_own_types() -> None:
    import torch

    from tunesmith.nn import token_loss

    p = problem(40, 50, 16, True, "bfloat16", 1)
    theirs, _ = reference(p, None, 0.1)
    ours, _ = token_loss.logprobs(p["hidden"], p["weight"], p["targets"], 7, bias=p["bias"], scale=0.1)
    total = token_loss.cross_entropy_sum(
        p["hidden"], p["weight"], p["targets"], p["weights"], 7, bias=p["bias"], scale=0.1
    )
    assert ours.dtype == total.dtype == torch.float32
    assert close(ours.detach().double(), theirs.detach(), 5e-3)
    total.backward()
    assert p["hidden"].grad.dtype == p["weight"].grad.dtype == torch.bfloat16
    wanted = gradients(p, -(p["weights"] * theirs).sum())
    assert close(p["hidden"].grad.double(), wanted[0], 2e-2)
    assert close(p["weight"].grad.double(), wanted[1], 2e-2)


@pytest.mark.parametrize("frozen", ["weight", "hidden"])
def test_what_is_frozen_gets_no_gradient_and_the_other_the_same(frozen: str) -> None:
    import torch

    from tunesmith.nn import token_loss

    p = problem(9, 7, 5, False, "float32", 2)
    moving = "hidden" if frozen == "weight" else "weight"
    both = token_loss.cross_entropy_sum(p["hidden"], p["weight"], p["targets"], p["weights"], 4)
    wanted = torch.autograd.grad(both, p[moving])[0]
    p[frozen] = p[frozen].detach()
    for loss in (
        token_loss.cross_entropy_sum(p["hidden"], p["weight"], p["targets"], p["weights"], 4),
        -(p["weights"] * token_loss.logprobs(p["hidden"], p["weight"], p["targets"], 4)[0]).sum(),
    ):
        loss.backward()
        assert torch.allclose(p[moving].grad, wanted, rtol=1e-5, atol=1e-6)
        p[moving].grad = None
    assert p[frozen].grad is None


def test_the_loss_is_scaled_by_what_comes_after_it_and_its_gradient_is_given_once() -> None:
    import torch

    from tunesmith.nn import token_loss

    p = problem(6, 5, 3, False, "float32", 3)
    given_ = (p["hidden"], p["weight"], p["targets"], p["weights"], 4)
    plain = torch.autograd.grad(token_loss.cross_entropy_sum(*given_), p["hidden"])[0]
    third = token_loss.cross_entropy_sum(*given_) / 3
    assert torch.allclose(torch.autograd.grad(third, p["hidden"], retain_graph=True)[0], plain / 3)
    with pytest.raises(RuntimeError, match="asked for twice"):
        torch.autograd.grad(third, p["hidden"])


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode"])
def test_without_gradients_none_are_formed(mode: str) -> None:
    import torch

    from tunesmith.nn import token_loss

    p = problem(6, 5, 3, True, "float32", 4)
    with getattr(torch, mode)():
        total = token_loss.cross_entropy_sum(
            p["hidden"], p["weight"], p["targets"], p["weights"], 4, bias=p["bias"]
        )
        ours, _ = token_loss.logprobs(p["hidden"], p["weight"], p["targets"], 4, bias=p["bias"])
    assert not total.requires_grad and not ours.requires_grad
    assert float(total) == pytest.approx(-float((p["weights"] * ours).sum()), rel=1e-5)


def test_full_logits_never_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest tensor that the loss allocates has a chunk's rows."""
    import torch

    from tunesmith.nn import token_loss

    p, rows = problem(64, 512, 4, False, "float32", 5), []
    original = token_loss._Chunks._of

    def watched(self: Any, part: slice) -> Any:
        logits = original(self, part)
        rows.append(logits.untyped_storage().nbytes() // (4 * 512))
        return logits

    monkeypatch.setattr(token_loss._Chunks, "_of", watched)
    token_loss.cross_entropy_sum(p["hidden"], p["weight"], p["targets"], p["weights"], 8).backward()
    lp, _ = token_loss.logprobs(p["hidden"], p["weight"], p["targets"], 8)
    lp.sum().backward()
    assert rows == [8] * 24
    assert token_loss.rows_at_once(512) == 2**15
    assert token_loss.rows_at_once(10**6) == token_loss.FEWEST
    assert torch.isfinite(p["hidden"].grad).all()
