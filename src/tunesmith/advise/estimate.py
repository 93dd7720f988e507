"""What a recipe needs: the plan of its heaviest step, on any machine, and whether its rows are enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith import catalog
from tunesmith.advise import activations, cost, memory, room
from tunesmith.advise.activations import Work
from tunesmith.advise.machines import Machine
from tunesmith.advise.memory import Plan
from tunesmith.advise.moving import Moving
from tunesmith.advise.shapes import Shape
from tunesmith.findings import Finding, Fix
from tunesmith.machine import FASTER
from tunesmith.parts import Example, Regularizer
from tunesmith.recipe.sections import Recipe
from tunesmith.train import order

# bytes before anything is loaded: Python with torch, transformers and peft; a CUDA context with its workspaces
FLOORS = {"cpu": 0.44e9, "gpu": 0.7e9}
# rows under which a base of so many parameters is seldom worth tuning: about 1,000 for 1 B, 10,000 for 7 B
ROWS_AT_1B, GROWTH = 1000, math.log(10) / math.log(7)


@dataclass(frozen=True, slots=True)
class Rows:
    """The training rows as far as cost goes.

    lengths: tokens of each, as the model sees it.  learnt: share of the tokens that are supervised (0: a classifier).
    validation: rows that are predicted at each evaluation.  counted: 'tokenizer', 'characters' or 'given'.  words:
    different tokens among them, 0 where nobody counted.
    """

    lengths: Sequence[int]
    learnt: float
    validation: int
    classes: int
    counted: str
    words: int = 0

    @property
    def mean(self) -> float:
        """Tokens of a row."""
        return sum(self.lengths) / max(len(self.lengths), 1)

    @property
    def distinct(self) -> float:
        """Tokens of all rows, each counted once."""
        return sum(self.lengths) + self.validation * self.mean


@dataclass(frozen=True)
class Question:
    """What is estimated.

    count: what a recipe's tuning moves.  kept: checkpoints that stay.  answers: tokens that are written for a row when
    it is measured.  floors: bytes of the process by kind of machine.
    """

    recipe: Recipe
    shape: Shape
    rows: Rows
    count: Callable[[Recipe], Moving]
    kept: int
    answers: int = 0
    floors: Mapping[str, float] = field(default_factory=lambda: FLOORS)


def plan(asked: Question, machine: Machine, recipe: Recipe | None = None) -> Plan:
    """The heaviest step of a recipe (by default the question's own) on a machine, as it is carried out there."""
    mine = recipe or asked.recipe
    return room.settled(kept(asked, machine, mine), mine.train.checkpointing, room.of(machine)).plan


def kept(asked: Question, machine: Machine, mine: Recipe) -> Plan:
    """The heaviest step with all activations kept."""
    moving, bits = asked.count(mine), int(mine.tuning.options.get("bits") or 16)
    kind, dtype = machine.kind, dtype_on(mine, machine)
    works = _works(asked, mine, kind, dtype)
    work = max(works, key=lambda each: activations.saved(asked.shape, moving, each))
    asks: type[Regularizer] = catalog.part("regularizer", mine.regularizer.name)
    return Plan(
        shape=asked.shape,
        moving=moving,
        work=work,
        dtype=dtype,
        bits=bits,
        parts=len(works) + (mine.regularizer.name != "none"),
        supervised=round(work.tokens * asked.rows.learnt),
        encoded=sum(asked.rows.lengths),
        answers=asked.answers,
        device=kind,
        floor=asked.floors[kind],
        words=asked.rows.words,
        stored=_stored(asked, mine, moving, work.size),
        pulled=moving.changed(asked.shape) if asks.measures else 0,
        keeps=asks.keeps,
    )


def _stored(asked: Question, mine: Recipe, moving: Moving, size: int) -> float:
    """Bytes of what the frozen layers say of all rows (`approaches._reusing`): of each token the states, of a text one
    vector where a classifier's head alone moves.  0 where nothing is kept."""
    train, shape, rows = mine.train, asked.shape, asked.rows
    wanted = train.reuse == "on" or (train.reuse == "auto" and train.epochs > 1)
    # a masked model sees other tokens in each epoch
    masked = catalog.part("task", mine.task.name).decoder is False
    if not wanted or masked or moving.tables or moving.reach >= shape.layers:
        return 0.0
    pooled = moving.reach == 0 and not shape.decoder
    return shape.width * size * ((len(rows.lengths) + rows.validation) if pooled else rows.distinct)


def dtype_on(recipe: Recipe, machine: Machine) -> str:
    """What the recipe computes in on a machine: 'auto' is bfloat16 where that is clearly faster (`machine.FASTER`)."""
    if recipe.train.dtype != "auto":
        return recipe.train.dtype
    return "bfloat16" if machine.tflops_bfloat16 > FASTER * machine.tflops else "float32"


def _works(asked: Question, recipe: Recipe, kind: str, dtype: str) -> list[Work]:
    """The micro-batches of the step that holds the longest rows."""
    train = recipe.train
    longest = sorted(asked.rows.lengths, reverse=True)[: train.batch_size] or [1]
    parts = order.micro([Example("", {}, length) for length in longest], train.micro_tokens)
    return [
        Work(
            rows=len(part),
            length=max(each.length for each in part),
            size=2 if dtype == "bfloat16" else 4,
            dropout=train.dropout,
            device=kind,
        )
        for part in parts
    ]


def length(asked: Question, recipe: Recipe | None = None) -> cost.Length:
    """How long the run is, in tokens and steps."""
    train, rows = (recipe or asked.recipe).train, asked.rows
    tokens = sum(rows.lengths) * train.epochs
    steps = max(1, math.ceil(train.epochs * max(1, round(len(rows.lengths) / train.batch_size))))
    predicted = rows.validation * rows.mean * train.epochs * train.evaluations
    return cost.Length(tokens, tokens * rows.learnt, steps, predicted, rows.mean, rows.distinct)


def wanted_rows(parameters: float) -> int:
    """Rows from which tuning a base of this size tends to pay: 1,000 at 1 B, 10,000 at 7 B, a power law between."""
    return round(ROWS_AT_1B * (parameters / 1e9) ** GROWTH)


def too_few(asked: Question) -> Finding | None:
    """The finding that the rows are few for the base, where they are."""
    size, rows = asked.shape.parameters, len(asked.rows.lengths)
    wanted = wanted_rows(size)
    if rows >= wanted:
        return None
    fitting = 1e9 * (max(rows, 1) / ROWS_AT_1B) ** (1 / GROWTH)
    return Finding(
        "A901",
        "warning",
        f"{rows:,} training rows are few for a base of {words(size)} parameters: it tends to need about {wanted:,}",
        count=rows,
        numbers={"rows": rows, "wanted": wanted, "parameters": size},
        fix=Fix(
            f"--base a base of at most {words(fitting)} parameters",
            "a smaller base, more rows, or the approach prompt",
        ),
    )


def words(count: float) -> str:
    """A number of parameters as people say it: '135 M', '6.7 B'."""
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f}"


def memory_of(found: Plan) -> dict[str, Any]:
    """Components, phases and the peak as JSON values."""
    parts = memory.components(found)
    sums = memory.phases(parts)
    phase = max(sums, key=lambda name: sums[name])
    return {
        "peak_bytes": round(sums[phase]),
        "phase": phase,
        "phases": {name: round(value) for name, value in sums.items()},
        "components": [each.to_json() for each in parts],
    }
