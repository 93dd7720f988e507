"""What a run costs: operations, seconds as a range, disk, energy, money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tunesmith.advise.activations import FLOAT
from tunesmith.advise.machines import Machine
from tunesmith.advise.memory import Component, Plan

# share of the stated speed that training reaches, at worst and at best: GPUs as published model-flops utilisation
# (0.25 to 0.5), CPUs against the measured product, of which softmax, norms and small products leave less
REACHED = {"gpu": (0.25, 0.5), "cpu": (0.2, 0.8)}
LAUNCH = {"gpu": 6e-4, "cpu": 4e-4}  # seconds a layer and micro-batch, however small it is
UPDATE_BYTES = 7 * FLOAT  # a parameter's master, gradient and two moments read, three of them written
NF4_SLOWER = 1.6  # 4-bit matrices are unpacked at each use
RECOMPUTED = 4 / 3  # one more forward pass
ELSEWHERE = 1.4  # how far another CPU may be from the share of its speed that this one reached
PADDED = 1.05  # rows of like length come together


@dataclass(frozen=True, slots=True)
class Length:
    """How long a run is.  tokens, supervised: that pass through the network, and of which are learnt, in all epochs;
    steps: of the optimiser; predicted: tokens that are only predicted, on validation rows; distinct: tokens of all
    rows, each counted once."""

    tokens: float
    supervised: float
    steps: int
    predicted: float
    mean: float
    distinct: float = 0.0


def operations(plan: Plan, length: Length) -> float:
    """Additions and multiplications of a run (2 for a parameter and token forward, as many for each gradient)."""
    shape, moving = plan.shape, plan.moving
    matrices = shape.layers * sum(m.inputs * m.outputs for m in shape.matrices)
    scores = 4 * shape.layers * shape.heads * shape.head_width * length.mean
    forward = 2 * matrices + scores
    output = 2 * shape.vocabulary * shape.width if shape.decoder else 0
    back = forward * moving.reach / max(shape.layers, 1)
    back += 2 * matrices * moving.top / max(shape.layers, 1) + 6 * moving.added
    below = (
        forward * (1 - moving.reach / max(shape.layers, 1)) if plan.stored else 0.0
    )  # computed once a text
    each = (forward - below + back) * PADDED
    learnt = output * (3 if moving.output else 2) * length.supervised
    return each * length.tokens + learnt + (forward - below) * length.predicted + below * length.distinct


@dataclass(frozen=True, slots=True)
class Probed:
    """Steps that were measured on this machine.

    seconds: (least, most) of the whole run here.  reached: operations a second ÷ the speed of matrix products here.
    steps: how many were timed.  peak: bytes of the process while they ran.
    """

    seconds: tuple[float, float]
    reached: float
    steps: int
    peak: int


def seconds(
    plan: Plan, length: Length, machine: Machine, probed: Probed | None = None
) -> tuple[float, float]:
    """(least, most) seconds of training on a machine; with a probe a CPU reaches what this one did, or thereabouts."""
    slower = (NF4_SLOWER if plan.bits == 4 else 1.0) * (RECOMPUTED if plan.work.recompute else 1.0)
    work = operations(plan, length) * slower / machine.speed(plan.dtype)
    if probed and machine.kind == "cpu":
        return work / (probed.reached * ELSEWHERE), work * ELSEWHERE / probed.reached
    update = plan.moving.parameters * UPDATE_BYTES / (machine.bandwidth_gb_s * 1e9)
    fixed = length.steps * (update + plan.parts * plan.shape.layers * LAUNCH[machine.kind])
    worst, best = REACHED[machine.kind]
    return work / best + fixed, work / worst + 2 * fixed


def spent(machine: Machine, span: tuple[float, float]) -> dict[str, Any]:
    """Hours, kilowatt-hours and money of a range of seconds; money None where the machine has no price."""
    hours = [each / 3600 for each in span]
    price = machine.price_per_hour
    return {
        "seconds": list(span),
        "kwh": [each * machine.watts / 1000 for each in hours],
        "money": None if price is None else [each * price for each in hours],
    }


def disk(plan: Plan, kept: int) -> list[Component]:
    """Bytes on disk.  kept: step checkpoints that stay; one more is there while it is written."""
    moves, base = plan.moving.parameters, plan.shape.parameters
    state, weights = moves * 3 * FLOAT, moves * FLOAT
    return [
        Component(
            "checkpoints", state * (kept + 1), f"{kept} + 1 in writing, {moves:,} x 3 x 4 bytes each", ()
        ),
        Component("best checkpoint", weights, f"{moves:,} moving parameters x 4 bytes", ()),
        Component("run's model and bundle", 2 * weights, f"2 x {moves:,} moving parameters x 4 bytes", ()),
        Component("base", base * 2, f"{base:,} parameters x 2 bytes, as bases are published", ()),
        Component(
            "frozen layers",
            plan.stored,
            "what they say of all rows, where half of the free disk has room; "
            "mapped: the system takes its memory back where others need it",
            (),
        ),
        Component("caches", plan.encoded * FLOAT, f"{plan.encoded:,} tokens x 4 bytes", ()),
    ]
