"""A head that begins random moves faster: it reads vectors of unit length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.neural


def moved(folder: Path, pace: float) -> dict[str, Any]:
    """How far each tensor moves in one step of rate 0.001."""
    from miniature import job
    from tunesmith import catalog
    from tunesmith.train.engine import local

    tuning = catalog.part("tuning", "full")(head=2.0)
    made: Any = job(folder)
    net = local.build(made, tuning)
    engine = local.Local(made, net, tuning, made.task, {}, "float32", pace)
    examples = [one for row in made.train[:6] for one in made.task.encode(row, made.codec, None)]
    batch = made.task.collate(examples, made.codec)
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    engine.forward_backward(batch, engine.total([batch]), 0, 0)
    engine.optim_step(0.001)
    assert net.pace == pytest.approx(32**0.5)
    return {name: float((p.detach() - before[name]).abs().max()) for name, p in net.named_parameters()}


def test_the_head_alone_moves_faster(tmp_path: Path) -> None:
    usual, faster = moved(tmp_path / "a", 1.0), moved(tmp_path / "b", 5.0)
    # AdamW's first step is the rate itself, whatever the gradient's size
    assert usual["head.weight"] == pytest.approx(0.002, rel=0.02)
    assert faster["head.weight"] == pytest.approx(0.010, rel=0.02)
    layer = "backbone.encoder.layer.0.output.dense.weight"
    assert faster[layer] == usual[layer]


@pytest.mark.parametrize("head", ["random", "probe"])
def test_a_fitted_head_keeps_the_pace_of_the_recipe(
    head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from miniature import job
    from tunesmith import catalog
    from tunesmith.train.engine import local

    paces: list[float] = []
    real = local.Local

    def built(*given: Any) -> Any:
        paces.append(given[6])
        return real(*given)

    monkeypatch.setattr(local, "Local", built)
    for _ in catalog.part("approach", "tune")(head=head).fit(job(tmp_path)):
        pass
    assert paces == [1.0 if head == "probe" else pytest.approx(32**0.5)]
