"""Networks load without torch's compiler, and everything is as ever once somebody asks for it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

SPARED = ("torch._dynamo", "sympy", "scipy.optimize", "torch.distributed.tensor")
LOADS = f"""
import sys
from tunesmith.nn import decoder, encoder
import torch, transformers
print([name for name in {SPARED!r} if name in sys.modules], torch.distributed.is_available())
"""
ASKS = """
import sys
import torch
from tunesmith.nn import encoder, lean
from transformers.integrations import deepgemm
from transformers.loss import loss_for_object_detection as found
from transformers import masking_utils
assert not any(isinstance(module, lean.StandIn) for module in sys.modules.values())
rows, columns = found.linear_sum_assignment([[4.0, 1.0], [2.0, 8.0]])
assert columns.tolist() == [1, 0]
with masking_utils.TransformGetItemToIndex():
    pass
assert torch.compile(lambda x: x + 1, backend="eager")(torch.ones(2)).tolist() == [2.0, 2.0]
assert not any(isinstance(module, lean.StandIn) for module in sys.modules.values())
print("fine")
"""
OTHERWISE = """
import sys
from tunesmith.nn import lean
with lean._standing_in():
    import torch._dynamo
    assert isinstance(sys.modules["torch._dynamo"], lean.StandIn)
    assert sys.modules["torch._dynamo"].explain  # something that nobody stands in for
    assert not isinstance(sys.modules["torch._dynamo"], lean.StandIn)
print("fine")
"""
ADAPTED = """
from tunesmith.nn import decoder
from tunesmith.train.tuning.lora import Lora
net = Lora(rank=2).apply(decoder.tiny(16))
assert any("lora_A" in name for name, _ in net.named_parameters())
print("fine")
"""


def said(code: str, lean: str = "1") -> str:
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "TUNESMITH_LEAN": lean},
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout.strip()


def test_networks_load_without_what_they_never_need() -> None:
    assert said(LOADS) == "[] True"


def test_a_library_leaves_transformers_as_it_comes() -> None:
    assert said(LOADS, "") != "[] True"


def test_low_rank_updates_are_put_in() -> None:
    assert said(ADAPTED) == "fine"


@pytest.mark.parametrize("code", [ASKS, OTHERWISE])
def test_the_real_modules_answer_when_asked(code: str) -> None:
    assert said(code) == "fine"
