"""Tensors in GGUF: rows in llama.cpp's order, rounded within what each type allows, and a planted fault seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exporting
from tunesmith.lifecycle import origins
from tunesmith.model import Model
from tunesmith.serve.exports import _gguf

pytestmark = pytest.mark.neural
pytest.importorskip("gguf", reason='gguf is absent: pip install -e ".[export]"')


def opened(tmp_path: Path, family: str = "llama", **config: Any) -> tuple[Any, Any]:
    """(origin, merged network)."""
    home = tmp_path / "home"
    ref = exporting.registered(home, exporting.base(tmp_path / "base", family, **config))
    folder, name = origins.found(ref, home)
    origin = origins.origin(folder, name)
    predictor: Any = Model.load(folder).predictor
    return origin, origin.merged(predictor.net)


def test_interleaving_puts_the_halves_of_each_head_in_turns() -> None:
    rows = np.arange(12)[:, None]
    assert _gguf.interleaved(rows, 2)[:, 0].tolist() == [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]


@pytest.mark.parametrize("kind", _gguf.TYPES)
def test_numbers_are_within_what_the_type_allows(kind: str, tmp_path: Path) -> None:
    origin, net = opened(tmp_path)
    path = tmp_path / "model.gguf"
    _gguf.write(path, origin, net, kind)
    gaps = list(_gguf.gaps(path, net))
    assert len(gaps) == 21 and all(gap.worst <= 1 for gap in gaps)
    assert (max(gap.worst for gap in gaps) == 0) is (kind == "f32")
    _gguf.round_as(net, kind)
    exact = [np.array_equal(before, after) for (_, before), (_, after) in _pairs(path, net)]
    assert all(exact), "rounding the network gives what the file holds"


def _pairs(path: Path, net: Any) -> Any:
    import gguf

    held = {
        each.name: gguf.quants.dequantize(each.data, each.tensor_type)
        for each in gguf.GGUFReader(str(path)).tensors
    }
    wanted = dict(_gguf.tensors(net))
    return zip(sorted(held.items()), sorted(wanted.items()), strict=True)


@pytest.mark.parametrize("kind", _gguf.TYPES)
def test_a_number_that_is_off_is_seen(kind: str, tmp_path: Path) -> None:
    import torch

    origin, net = opened(tmp_path)
    path = tmp_path / "model.gguf"
    _gguf.write(path, origin, net, kind)
    with torch.no_grad():
        net.backbone.model.layers[1].mlp.up_proj.weight[3, 5] += 0.05
    wrong = [gap.name for gap in _gguf.gaps(path, net) if not gap.worst <= 1]
    assert wrong == ["blk.1.ffn_up.weight"]


@pytest.mark.parametrize(
    ("family", "config", "why"),
    [
        ("gpt2", {}, "family 'gpt2'"),
        ("gemma", {"head_dim": 8}, "family 'gemma'"),
        ("llama", {"attention_bias": True}, "biases"),
        ("llama", {"hidden_act": "gelu"}, "activation"),
        (
            "llama",
            {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
            "positions",
        ),
        ("qwen3", {"head_dim": 16}, "not as wide"),
        ("mistral", {"sliding_window": 32}, "sees 32 of its 512"),
    ],
)
def test_a_shape_without_a_form_is_told_why(family: str, config: dict[str, Any], why: str) -> None:
    assert why in _gguf.unfit({"model_type": family, **exporting.SIZE, **config})


@pytest.mark.parametrize("family", _gguf.FAMILIES)
def test_the_plain_shape_of_each_family_has_one(family: str) -> None:
    own = {"sliding_window": None} if family == "mistral" else {"head_dim": 8} if family == "qwen3" else {}
    assert not _gguf.unfit({"model_type": family, **exporting.SIZE, **own})
