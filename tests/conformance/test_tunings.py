"""What every tuning must do: move what it says, save what moved, give the same net back, fold in what it can."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tunesmith import catalog
from tunesmith.parts import Tuning

pytestmark = pytest.mark.neural
WAYS: dict[str, list[dict[str, Any]]] = {
    "freeze": [{}, {"layers": 0}, {"first": 1, "embeddings": True}, {"unfreeze": True, "layer_decay": 0.5}],
    "full": [{}, {"layer_decay": 0.5}],
    "lora": [{}, {"rslora": True}, {"dora": True}, {"top": 1}, {"targets": "attention"}],
    "prompt": [{}, {"begin": "noise"}],
    "adapter": [{}, {"blocks": "forward", "layers": 1}],
}
TUNINGS = [(name, ways) for name in catalog.names("tuning") for ways in WAYS.get(name, [{}])]
BEGINS_ELSEWHERE = {"prompt"}  # what stands before the text is read at once
VOCABULARY = 64


def encoder() -> Any:
    from tunesmith.nn.encoder import EncoderClassifier, tiny_backbone

    return EncoderClassifier(tiny_backbone(VOCABULARY - 3), 3, "mean")


def llama() -> Any:
    from tunesmith.nn.decoder import tiny

    return tiny(VOCABULARY)


def gpt2() -> Any:
    import transformers

    from tunesmith.nn.decoder import CausalLM

    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": VOCABULARY}
    words = {"vocab_size": VOCABULARY, "bos_token_id": 0, "eos_token_id": 1, "tie_word_embeddings": False}
    return CausalLM(transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, **words)))


def reward() -> Any:
    from tunesmith.nn.decoder import reward_tiny

    return reward_tiny(VOCABULARY)


def masked() -> Any:
    from tunesmith.nn.masked_lm import tiny

    return tiny(VOCABULARY - 3)


NETS = {encoder: "text-classification", llama: "language-model", gpt2: "language-model", reward: "reward"}
NETS |= {masked: "masked-language-model"}


def served(name: str) -> list[Callable[[], Any]]:
    """The nets whose tasks a tuning serves."""
    tuning, tasks = catalog.part("tuning", name)(), catalog.parts("task")
    return [make for make, task in NETS.items() if task in tasks and tuning.serves(tasks[task]())]


over_all = pytest.mark.parametrize(
    ("make", "name", "ways"),
    [(make, name, ways) for name, ways in TUNINGS for make in served(name)],
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)


def fresh(make: Callable[[], Any]) -> Any:
    import torch

    torch.manual_seed(0)
    net = make()
    net.begin(0, 0.0)
    return net.eval()


def says(net: Any) -> Any:
    """What a net says of three texts of unequal length: logits of real tokens, or one vector per text."""
    import torch

    ids = torch.arange(30).reshape(3, 10) % (VOCABULARY - 3) + 3
    mask = (torch.arange(10) < torch.tensor([[10], [7], [4]])).long()
    if type(net).__name__ == "CausalLM":
        return net.backbone(input_ids=ids, attention_mask=mask).logits[mask.bool()]
    if type(net).__name__ == "MaskedLM":
        return net.head.read(net.backbone, ids, mask)[mask.bool()]
    return net(ids, mask)


def steps(net: Any, tuning: Tuning) -> None:
    """Three steps of AdamW over the groups, each with its own rate."""
    import torch

    rated = [
        {"params": [p for _, p in g.members], "lr": 0.02 * g.scale, "weight_decay": 0.01 * g.decay}
        for g in tuning.groups(net)
    ]
    optimizer = torch.optim.AdamW(rated)
    for _ in range(3):
        says(net).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()


@cache
def tuned(make: Callable[[], Any], name: str, ways: str) -> dict[str, Any]:
    """A tuned net and what was seen on the way; `ways` is a text so that it can be kept."""
    options = next(each for each in WAYS.get(name, [{}]) if str(each) == ways)
    tuning: Tuning = catalog.part("tuning", name)(**options)
    net = fresh(make)
    seen: dict[str, Any] = {"tuning": tuning, "base": says(net).detach()}
    seen["tensors"] = {key: p.detach().clone() for key, p in net.named_parameters()}
    net = tuning.apply(net)
    seen["begins"] = says(net).detach()
    seen["start"] = {key: value.clone() for key, value in tuning.delta(net).items()}
    seen["before"] = {key: p.detach().clone() for key, p in net.named_parameters()}
    steps(net, tuning)
    return seen | {"net": net, "says": says(net).detach()}


@over_all
def test_exactly_the_parameters_of_the_groups_move(make: Any, name: str, ways: dict[str, Any]) -> None:
    seen = tuned(make, name, str(ways))
    net, groups = seen["net"], seen["tuning"].groups(seen["net"])
    members = [p for group in groups for _, p in group.members]
    names = [key for group in groups for key, _ in group.members]
    assert len({id(p) for p in members}) == len(members) == len(set(names)) > 0
    assert {id(p) for p in members} == {id(p) for p in net.parameters() if p.requires_grad}
    assert set(names) == set(seen["start"])
    moved = {key for key, p in net.named_parameters() if not p.equal(seen["before"][key])}
    ours = {id(p) for p in members}
    assert moved
    assert all(id(p) in ours for key, p in net.named_parameters() if key in moved)
    assert all(p.grad is None for p in net.parameters() if not p.requires_grad)
    assert all(group.scale > 0 and 0 <= group.opens_at < 1 for group in groups)
    assert any(group.opens_at == 0 for group in groups)


@over_all
def test_a_delta_brings_the_tuned_net_back_bit_for_bit(make: Any, name: str, ways: dict[str, Any]) -> None:
    import torch

    seen = tuned(make, name, str(ways))
    tuning = seen["tuning"]
    delta = {key: value.clone() for key, value in tuning.delta(seen["net"]).items()}
    torch.manual_seed(99)
    net = tuning.apply(fresh(make))
    tuning.load(net, delta)
    assert says(net).equal(seen["says"])
    again = tuning.delta(net)
    assert list(again) == list(delta)
    assert all(again[key].equal(value) for key, value in delta.items())
    assert not [key for key in delta if "default" in key or "base_layer" in key]


@over_all
def test_nets_hang_on_one_base_and_leave_it_as_it_is(make: Any, name: str, ways: dict[str, Any]) -> None:
    seen = tuned(make, name, str(ways))
    tuning, base = seen["tuning"], fresh(make)
    first, second = tuning.attach(base, tuning.delta(seen["net"])), tuning.attach(base, seen["start"])
    assert says(first).equal(seen["says"])
    assert says(second).equal(seen["begins"])
    assert says(first).equal(seen["says"])
    assert says(base).equal(seen["base"])
    assert all(p.equal(seen["tensors"][key]) for key, p in base.named_parameters())
    if tuning.adds:
        own = {p.data_ptr() for p in first.parameters()} - {p.data_ptr() for p in base.parameters()}
        assert len(own) == len(seen["start"])


@over_all
def test_merging_changes_nothing_that_is_said(make: Any, name: str, ways: dict[str, Any]) -> None:
    seen = tuned(make, name, str(ways))
    tuning: Tuning = seen["tuning"]
    net = tuning.apply(fresh(make))
    tuning.load(net, tuning.delta(seen["net"]))
    if not tuning.measurable:
        assert not list(tuning.change(net, seen["start"]))
        with pytest.raises(ValueError, match="base"):
            tuning.merge(net)
        return
    changes = {key: value.detach() for key, value in tuning.change(net, seen["start"])}
    merged = tuning.merge(net)
    found = {key: p.detach() for key, p in merged.named_parameters()}
    assert set(found) == set(seen["tensors"])
    assert says(merged).allclose(seen["says"], atol=1e-5, rtol=1e-5)
    for key, was in seen["tensors"].items():
        if not key.startswith("head."):
            assert (was + changes.get(key, 0.0)).allclose(found[key], atol=1e-6), key
    assert set(changes) <= set(seen["tensors"])


@over_all
def test_the_change_is_nothing_as_the_run_begins_and_carries_a_gradient(
    make: Any, name: str, ways: dict[str, Any]
) -> None:
    seen = tuned(make, name, str(ways))
    tuning: Tuning = seen["tuning"]
    net = tuning.apply(fresh(make))
    tuning.load(net, seen["start"])
    assert all(change.abs().max() < 1e-6 for _, change in tuning.change(net, seen["start"]))
    tuning.load(net, tuning.delta(seen["net"]))
    for _, change in tuning.change(net, seen["start"]):  # none where only what is new moves
        change.square().sum().backward()
        assert any(p.grad is not None and p.grad.any() for p in net.parameters())


@pytest.mark.parametrize(("name", "ways"), TUNINGS, ids=str)
def test_a_delta_of_another_shape_or_with_a_tensor_missing_is_refused(
    name: str, ways: dict[str, Any]
) -> None:
    tuning = catalog.part("tuning", name)(**ways)
    net = tuning.apply(fresh(served(name)[0]))
    delta = dict(tuning.delta(net))
    first = sorted(delta)[0]
    with pytest.raises(ValueError, match=r"head|backbone"):
        tuning.load(net, {key: value for key, value in delta.items() if key != first})
    with pytest.raises(ValueError, match="shape"):
        tuning.load(net, delta | {first: delta[first].new_zeros(1, 1, 1)})


@over_all
def test_before_training_the_net_says_what_the_base_says(make: Any, name: str, ways: dict[str, Any]) -> None:
    seen = tuned(make, name, str(ways))
    if name not in BEGINS_ELSEWHERE:
        assert seen["begins"].allclose(seen["base"], atol=1e-6)
    assert not seen["says"].allclose(seen["base"], atol=1e-4)
    assert seen["tuning"].peak_lr > 0


@pytest.mark.parametrize(("name", "ways"), TUNINGS, ids=str)
def test_a_card_is_plain_json_and_names_its_base(name: str, ways: dict[str, Any]) -> None:
    import json

    for make in served(name):
        seen = tuned(make, name, str(ways))
        card = seen["tuning"].card(seen["net"], "my/base")
        if card is not None:
            assert json.loads(json.dumps(card)) == card
            assert card["base_model_name_or_path"] == "my/base"
