"""A layer computed as one step: the losses and gradients of its family, and when it stands back."""

from __future__ import annotations

import copy
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tunesmith.nn import (  # noqa: E402
    attention,
    checkpointing,
    dropping,
    encoder,
    encoder_layer,
    passes,
)
from tunesmith.train.engine import kernels  # noqa: E402

pytestmark = pytest.mark.neural
SIZES = {
    "vocab_size": 120,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 40,
}
KINDS = {"bert": "QuickBertLayer", "electra": "QuickElectraLayer"}


def pair(family: str = "bert", **more: Any) -> tuple[Any, Any]:
    """(as the family computes, as one step) with the same weights."""
    torch.manual_seed(1)
    quick = encoder.EncoderClassifier(encoder.backbone({"model_type": family, **SIZES, **more}), 5, "mean")
    plain = copy.deepcopy(quick)
    quick.begin(2, 0.0)
    attention.choose_plain(plain.backbone)
    encoder.set_dropout(plain, 0.0)
    plain.load_state_dict(quick.state_dict())
    for net in (plain, quick):
        net.head.weight.data.mul_(50)
        net.train()
    return plain, quick


@pytest.fixture(params=["torch", "own"], autouse=True)
def by(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What follows the products is computed by torch, and by the library of passes."""
    if request.param == "own":
        if not kernels.able():
            pytest.skip("no C compiler here, or torch without OpenMP")
        passes.use(*kernels.library(tmp_path_factory.getbasetemp() / "home"))
    yield request.param
    passes.use(None)


def rows(lengths: tuple[int, ...]) -> tuple[Any, Any]:
    generator, longest = torch.Generator().manual_seed(3), max(lengths)
    ids = torch.randint(3, 120, (len(lengths), longest), generator=generator)
    return ids, (torch.arange(longest)[None] < torch.tensor(lengths)[:, None]).long()


def learnt(net: Any, ids: Any, mask: Any) -> tuple[Any, dict[str, Any]]:
    net.zero_grad()
    loss = torch.nn.functional.cross_entropy(net(ids, mask), torch.arange(len(ids)) % 5)
    loss.backward()
    return loss.detach(), {name: p.grad.clone() for name, p in net.named_parameters()}


def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []
    real = encoder_layer.computed

    def counted(*given: Any) -> Any:
        seen.append(1)
        return real(*given)

    monkeypatch.setattr(encoder_layer, "computed", counted)
    return seen


def close(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """To 1e-5 of the largest; keys' biases have no gradient but rounding."""
    for name, each in wanted.items():
        if "key.bias" in name:
            assert found[name].abs().max() < 1e-6
        else:
            assert (found[name] - each).abs().max() <= 1e-5 * each.abs().max(), name


@pytest.mark.parametrize("lengths", [(9, 2, 5, 1), (6, 6, 6)], ids=["padded", "of one length"])
@pytest.mark.parametrize("family", KINDS)
def test_losses_and_gradients_are_the_families_own(
    family: str, lengths: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = calls(monkeypatch)
    plain, quick = pair(family)
    assert type(quick.backbone.encoder.layer[0]).__name__ == KINDS[family]
    (loss, wanted), (again, found) = (learnt(net, *rows(lengths)) for net in (plain, quick))
    assert len(seen) == 2
    assert torch.allclose(again, loss, rtol=1e-6)
    close(found, wanted)


def test_dropout_is_that_of_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    _, quick = pair()
    encoder.set_dropout(quick, 0.3)
    given = rows((7, 3, 4))
    torch.manual_seed(5)
    loss, first = learnt(quick, *given)
    torch.manual_seed(5)
    again, second = learnt(quick, *given)
    assert loss.equal(again)
    assert all(second[name].equal(each) for name, each in first.items())
    torch.manual_seed(6)
    assert not learnt(quick, *given)[0].equal(loss)


def test_gradients_under_dropout_are_those_of_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Masks are kept still, so the loss is a smooth function of the weights."""
    _, quick = pair()
    encoder.set_dropout(quick, 0.3)
    monkeypatch.setattr(dropping, "_seed", lambda: 20261122)
    given = rows((7, 3, 4))
    _, slopes = learnt(quick, *given)
    torch.manual_seed(8)
    for name in ("attention.self.query.weight", "attention.self.value.bias", "output.dense.weight"):
        p = quick.backbone.encoder.layer[0].get_parameter(name)
        way = slopes[f"backbone.encoder.layer.0.{name}"] / slopes[f"backbone.encoder.layer.0.{name}"].norm()
        wanted = float((way * slopes[f"backbone.encoder.layer.0.{name}"]).sum())
        ends = []
        for step in (1e-2, -2e-2):
            p.data += step * way
            ends.append(float(learnt(quick, *given)[0]))
        p.data += 1e-2 * way
        assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(wanted, rel=0.02)


def test_computed_again_it_learns_the_same() -> None:
    _, quick = pair()
    encoder.set_dropout(quick, 0.2)
    given = rows((7, 3))
    torch.manual_seed(5)
    loss, wanted = learnt(quick, *given)
    checkpointing.enable(quick)
    torch.manual_seed(5)
    again, found = learnt(quick, *given)
    assert again.equal(loss)
    assert all(found[name].equal(each) for name, each in wanted.items())


def test_evaluation_has_the_families_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = calls(monkeypatch)
    plain, quick = (net.eval() for net in pair())
    assert quick(*rows((7, 3))).equal(plain(*rows((7, 3))))
    assert not seen


@pytest.mark.parametrize("change", ["a frozen matrix", "another activation", "a hook", "bfloat16", "a part"])
def test_it_stands_back(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = calls(monkeypatch)
    _, quick = pair(**({"hidden_act": "relu"} if change == "another activation" else {}))
    for layer in quick.backbone.encoder.layer:
        if change == "a frozen matrix":
            layer.output.dense.weight.requires_grad_(False)
        if change == "a hook":
            layer.output.dense.register_forward_hook(lambda *_: None)
        if change == "a part":
            layer.attention.self.query = torch.nn.Sequential(layer.attention.self.query)
    if change == "bfloat16":
        quick.backbone.to(torch.bfloat16)
    quick(*rows((7, 3))).sum().backward()
    assert not seen


def test_places_lead_there_and_back() -> None:
    real = torch.tensor([[True, True, False], [True, False, False]])
    heads, width, kept = 2, 4, 3
    packed = torch.arange((kept + 1) * 3 * heads * width, dtype=torch.float32).view(-1, width)
    packed[-3 * heads :] = 0
    at = encoder_layer.places(real, heads)
    spread = packed.index_select(0, at.heads)
    assert at.flat.tolist() == [0, 1, 3]
    assert not spread.view(3, heads, 6, width)[:, :, ~real.reshape(-1)].any()
    assert spread.index_select(0, at.back).equal(packed[: -3 * heads])
