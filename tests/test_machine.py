"""What a machine is: where networks compute there, and in which numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunesmith import machine
from tunesmith.errors import UsageError


def test_the_cpu_is_always_there_and_torch_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.doors, "open", None)
    assert machine.device("cpu") == "cpu"


@pytest.mark.neural
@pytest.mark.parametrize(
    ("there", "asked", "found"),
    [(True, "auto", "cuda"), (True, "cuda", "cuda"), (True, "cpu", "cpu"), (False, "auto", "cpu")],
)
def test_auto_is_the_gpu_where_torch_can_use_one(
    there: bool, asked: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert machine.device(asked) == found


@pytest.mark.neural
def test_a_gpu_that_is_asked_for_and_missing_is_an_error_with_a_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError) as refused:
        machine.device("cuda")
    assert refused.value.code == "C175" and "--set train.device=cpu" in refused.value.fixes


@pytest.mark.neural
@pytest.mark.parametrize(
    ("wide", "narrow", "found"), [(3.0, 1.0, "bfloat16"), (1.0, 1.0, "float32"), (1.0, 3.0, "float32")]
)
def test_the_number_type_is_the_one_that_was_faster(
    wide: float, narrow: float, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def timed(work: Any, device: str = "cpu") -> float:
        return wide if work().dtype == torch.float32 else narrow

    monkeypatch.setattr(machine, "_timed", timed)
    assert machine.fastest_dtype() == found


def test_accelerators_are_read_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "0000:01:00.0"
    place.mkdir()
    (place / "information").write_text("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 123\nGPU UUID: x\n")
    monkeypatch.setattr(machine, "DRIVER", tmp_path)
    assert machine.accelerators() == ["NVIDIA H100 80GB HBM3"]
    monkeypatch.setattr(machine, "DRIVER", tmp_path / "none")
    assert machine.accelerators() == []


@pytest.mark.neural
@pytest.mark.parametrize(
    ("blas", "onednn", "error", "found"),
    [(2.0, 1.0, 0.0, "onednn"), (1.0, 1.0, 0.0, "blas"), (2.0, 1.0, 1e-2, "blas")],
    ids=["faster", "no faster", "faster and rounded"],
)
def test_products_are_onednns_where_it_is_faster_and_as_exact(
    blas: float, onednn: float, error: float, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    seconds = {"highest": blas, "medium": onednn}
    monkeypatch.setattr(
        machine, "_timed", lambda work, device="cpu": seconds[torch.get_float32_matmul_precision()]
    )
    if error:
        monkeypatch.setattr(machine, "EXACT", -1.0)
    assert machine.fastest_products() == found
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.neural
def test_both_libraries_give_the_same_products_in_float32() -> None:
    """Where oneDNN would round inside, `fastest_products` does not take it."""
    import torch

    torch.manual_seed(0)
    left, right = torch.randn(64, 200), torch.randn(200, 48)
    wanted = left.double() @ right.double()
    machine.set_products("blas")
    assert (left @ right - wanted).norm() / wanted.norm() < machine.EXACT
    assert machine.fastest_products() in ("blas", "onednn")
