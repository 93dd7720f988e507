"""The loss in one pass gives the sums and gradients of the loss in steps; compiled layers those of plain ones."""

from __future__ import annotations

import copy
import os
from functools import partial
from typing import Any

import pytest

import decoders

pytestmark = pytest.mark.neural


def made(rows: int = 13, words: int = 37, wide: int = 8) -> dict[str, Any]:
    import torch

    torch.manual_seed(5)
    return {
        "hidden_ND": torch.randn(rows, wide, requires_grad=True),
        "weight_VD": torch.randn(words, wide, requires_grad=True),
        "targets_N": torch.randint(0, words, (rows,)),
        "weights_N": torch.rand(rows) - 0.2,
    }


@pytest.mark.parametrize(("scale", "cap"), [(1.0, None), (0.25, None), (1.0, 3.0), (0.5, 2.0)])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("chunk", [4, 100])
def test_one_pass_gives_the_sum_and_gradients_of_the_steps(
    scale: float, cap: float | None, biased: bool, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from tunesmith.nn import fused_loss, token_loss

    monkeypatch.setattr(fused_loss, "chunk", fused_loss.computed)
    found = []
    for devices in ((), ("cpu",)):
        monkeypatch.setattr(fused_loss, "DEVICES", devices)
        given = made()
        bias = torch.linspace(-1, 1, 37) if biased else None
        loss = token_loss.cross_entropy_sum(**given, chunk=chunk, bias=bias, cap=cap, scale=scale)
        (2 * loss).backward()
        found.append((loss.detach(), given["hidden_ND"].grad, given["weight_VD"].grad))
    for steps, fused in zip(*found, strict=True):
        assert torch.allclose(steps, fused, rtol=1e-5, atol=1e-5)


def test_a_bias_that_moves_takes_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from tunesmith.nn import fused_loss, token_loss

    monkeypatch.setattr(fused_loss, "DEVICES", ("cpu",))
    monkeypatch.setattr(fused_loss, "chunk", None)
    bias = torch.zeros(37, requires_grad=True)
    token_loss.cross_entropy_sum(**made(), chunk=4, bias=bias).backward()
    assert bias.grad is not None


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs are captured as always; machine code, which takes minutes, is made of them where TUNESMITH_COMPILE is
    set."""
    import torch

    if not os.environ.get("TUNESMITH_COMPILE"):
        monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))


def test_compiled_it_is_the_same(backend: None) -> None:
    import torch

    from tunesmith.nn import fused_loss

    fused_loss._compiled.cache_clear()
    given = made()
    products = given["hidden_ND"].detach() @ given["weight_VD"].detach().T
    rest = given["targets_N"], given["weights_N"], None, 0.5, 2.0
    for rows in (13, 7):  # another length is no other graph
        some = products[:rows], rest[0][:rows], rest[1][:rows], *rest[2:]
        for plain, fused in zip(fused_loss.computed(*some), fused_loss.chunk(*some), strict=True):
            assert torch.allclose(plain, fused, rtol=1e-5, atol=1e-6)


def test_compiled_layers_have_the_loss_and_gradients_of_plain_ones(backend: None) -> None:
    from tunesmith.nn import compiling

    net = decoders.made("llama")
    net.begin(0, 0.0)
    twin = copy.deepcopy(net)
    compiling.enable(net)
    for lengths in ((11, 7, 3), (6, 5)):
        batch = decoders.batch(lengths)
        ours, theirs = net.nll_sum(batch), twin.nll_sum(batch)
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
        share, name = decoders.apart(decoders.gradients(net, ours), decoders.gradients(twin, theirs))
        assert share < 1e-5, name


def test_what_can_compile_is_known_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    import torch

    from tunesmith.nn import compiling

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not compiling.able("cuda")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert not compiling.able("cpu")
