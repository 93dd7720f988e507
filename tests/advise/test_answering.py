"""The cost of a thousand answers, worked out by hand."""

from __future__ import annotations

import pytest

from tunesmith.advise import answering, machines


def machine(name: str, tflops: float, price: float | None, kind: str = "cpu") -> machines.Machine:
    return machines.Machine.model_validate(
        {
            "name": name,
            "kind": kind,
            "memory_gb": 8,
            "tflops": tflops,
            "tflops_bfloat16": tflops,
            "bandwidth_gb_s": 20,
            "watts": 30,
            "price_per_hour": price,
        }
    )


def test_time_and_tokens() -> None:
    assert answering.by_time(1.8, machine("m", 1, 0.50)) == pytest.approx(0.25)  # half an hour
    assert answering.by_time(1.8, machine("m", 1, None)) is None
    assert answering.by_tokens(500, 100, 0.40, 1.60) == pytest.approx(0.36)


def test_the_machine_that_is_nearest_in_speed() -> None:
    known = [
        machine("slow", 0.1, 0.1),
        machine("dear", 4, 9),
        machine("right", 1, 0.7),
        machine("free", 2, None),
    ]
    known.append(machine("gpu", 50, 0.2, "gpu"))
    for speed, wanted in (
        (0.01, "slow"),
        (0.14, "slow"),
        (0.5, "right"),
        (1.9, "right"),
        (2.1, "dear"),
        (50, "dear"),
    ):
        found = answering.like(machine("here", speed, None), known)
        assert found is not None and found.name == wanted
    assert answering.like(machine("here", 5, None), [machine("free", 2, None)]) is None
    assert answering.like(machine("here", 0.05, None), machines.table().machine) is not None
