"""Memory of a training run by component: what is held together in each phase, and the peak."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tunesmith.advise import activations
from tunesmith.advise.activations import FLOAT, Work
from tunesmith.advise.moving import Moving
from tunesmith.advise.shapes import Shape

PHASES = ("load", "forward", "backward", "update", "answer")
TRAINING = ("forward", "backward", "update")
# NF4: 4 bits a number and a float32 scale for 64 of them (Dettmers et al. 2023, without double quantisation)
NF4_BYTES = 0.5 + FLOAT / 64
LOGITS, FEWEST = (
    1 << 24,
    64,
)  # scores of words that exist at once, but so many tokens at least (`nn.token_loss`)
FEWEST_ROWS, SMALLEST = (
    4096,
    1024,
)  # of a table that moves by the rows that are read, and room for these (`nn.touched`)
ROW_TOKEN_BYTES = 48  # a token of an encoded row: a number, a weight, and the references to both
PREDICT_TOKENS = 4096  # padded tokens that are computed together when predicting (`train.engine.local`)
TOGETHER = 32  # answers that are written at once (`inputs.speaking`)
LOAD_COPIES = 2  # the tensors, and the mapped file that they are read from
# of what comes and goes in a step, the share that glibc's heap holds besides: freed blocks that later ones do not fit
# into.  Set on half of the runs of bench/memory.py, judged by the other half
HOLES = 0.3


@dataclass(frozen=True, slots=True)
class Plan:
    """A training run as far as memory goes.

    dtype: of the base in matrix products.  bits: 16, or 4 for a base in NF4.  parts: micro-batches of a step.  words:
    different tokens that the rows have, 0 where nobody counted them.
    supervised: tokens of the heaviest micro-batch that are learnt (0 for a classifier).  encoded: tokens of all rows
    that are held encoded.  answers: tokens that are written for a row when it is measured.  device: 'cpu' or 'gpu'.
    floor: bytes of the process (and on a GPU of its context) before anything is loaded.  stored: bytes of what the
    frozen layers say of all texts, which is computed once and mapped from the disk (0: computed each time).  pulled:
    weights of the base whose change a regularizer measures in each step; keeps: what it holds (`Regularizer.keeps`).
    """

    shape: Shape
    moving: Moving
    work: Work
    dtype: str = "float32"
    bits: int = 16
    parts: int = 1
    supervised: int = 0
    encoded: int = 0
    answers: int = 0
    device: str = "cpu"
    floor: float = 0.0
    words: int = 0
    stored: float = 0.0
    pulled: int = 0
    keeps: frozenset[str] = frozenset()

    @property
    def read(self) -> int:
        """Rows of the input table that training reads, where it moves by these alone (`nn.touched`); else 0: a
        regularizer that measures the change of all weights gives every row a gradient."""
        shape = self.shape
        tied = shape.decoder and not shape.output
        if not self.moving.tables or tied or shape.vocabulary < FEWEST_ROWS or self.pulled:
            return 0
        words = min(self.words or shape.vocabulary, shape.vocabulary)
        return max(SMALLEST, 1 << (words - 1).bit_length())

    @property
    def updated(self) -> int:
        """Parameters that have moments and gradients."""
        spared = (self.shape.vocabulary - self.read) * self.shape.width if self.read else 0
        return self.moving.parameters - spared


@dataclass(frozen=True, slots=True)
class Component:
    """Bytes of one kind, how they are counted in words, and the phases in which they are there."""

    name: str
    bytes: float
    words: str
    phases: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {
            "name": self.name,
            "bytes": round(self.bytes),
            "formula": self.words,
            "phases": list(self.phases),
        }


def components(plan: Plan) -> list[Component]:
    """All that a run holds, largest phase or not; none of zero bytes."""
    found = [*_held(plan), *_pulling(plan), *_gradients(plan), *_passing(plan), *_answering(plan)]
    return [each for each in found if each.bytes > 0]


def phases(found: list[Component]) -> dict[str, float]:
    """Bytes that each phase holds."""
    return {phase: sum(each.bytes for each in found if phase in each.phases) for phase in PHASES}


def peak(plan: Plan) -> float:
    """Bytes of the largest phase."""
    return max(phases(components(plan)).values())


def weight_bytes(plan: Plan) -> float:
    """Bytes of the base's weights as they are held."""
    shape, size = plan.shape, plan.work.size
    matrices = sum(m.inputs * m.outputs for m in shape.matrices)
    if plan.bits == 4:
        return shape.layers * matrices * (NF4_BYTES - size) + shape.parameters * size
    narrow = (shape.layers - plan.moving.top) * matrices if plan.dtype == "int8" else 0
    return shape.parameters * size - narrow * (size - 1)


def _held(plan: Plan) -> Iterator[Component]:
    """What stays for as long as the run does."""
    base, moves = plan.shape.parameters, plan.moving.parameters
    yield Component("framework", plan.floor, _floor_words(plan), PHASES)
    form = "4 bits a number, a scale for 64" if plan.bits == 4 else f"{plan.work.size} bytes"
    yield Component("weights", weight_bytes(plan), f"{base:,} parameters x {form}", (*TRAINING, "answer"))
    if plan.device == "cpu":
        yield Component("load", base * FLOAT * LOAD_COPIES, f"{base:,} parameters x 4 bytes, read", ("load",))
    added = plan.moving.added
    yield Component(
        "adapters",
        added * plan.work.size,
        f"{added:,} added parameters x {plan.work.size} bytes",
        (*TRAINING, "answer"),
    )
    masters = moves * FLOAT if plan.work.size < FLOAT else 0
    yield Component("float32 masters", masters, f"{moves:,} moving parameters x 4 bytes", TRAINING)
    read = plan.read * plan.shape.width
    yield Component("table rows", read * FLOAT, f"{plan.read:,} rows of the table that are read", TRAINING)
    moments = plan.updated * 2 * FLOAT
    words = f"{plan.updated:,} updated parameters x 2 x 4 bytes (AdamW)"
    yield Component("optimizer moments", moments, words, TRAINING)
    yield Component(
        "encoded rows",
        plan.encoded * ROW_TOKEN_BYTES,
        f"{plan.encoded:,} tokens x {ROW_TOKEN_BYTES} bytes",
        TRAINING if plan.device == "cpu" else (),
    )


def _pulling(plan: Plan) -> Iterator[Component]:
    """What a regularizer needs.  Its loss is computed for itself, between two micro-batches."""
    moves, size = plan.moving.parameters, plan.work.size
    start = moves * FLOAT if "start" in plan.keeps else 0
    yield Component("beginning", start, f"{moves:,} moving parameters x 4 bytes, as the run began", TRAINING)
    fisher = plan.pulled * FLOAT if "fisher" in plan.keeps else 0
    yield Component("Fisher information", fisher, f"{plan.pulled:,} weights of the base x 4 bytes", TRAINING)
    changes = plan.pulled * 2 * FLOAT + (moves * size if plan.pulled and size < FLOAT else 0)
    words = f"{plan.pulled:,} changes of weights x 2 x 4 bytes, with their gradient"
    yield Component("changes", changes, words, ("backward",))


def _floor_words(plan: Plan) -> str:
    return "Python and its libraries" if plan.device == "cpu" else "the device's context and its libraries"


def _gradients(plan: Plan) -> Iterator[Component]:
    """Sums in float32 beside the masters; the gradients of a further micro-batch stand beside them until added."""
    moves, size, several = plan.updated, plan.work.size, plan.parts > 1
    yield Component(
        "gradients",
        moves * FLOAT,
        f"{moves:,} updated parameters x 4 bytes",
        ("forward", "backward", "update") if several else ("backward", "update"),
    )
    if several:
        words = f"{moves:,} updated parameters x {size} bytes, of the {plan.parts} micro-batches' latest"
        yield Component("fresh gradients", moves * size, words, ("backward",))
    each = plan.work.tokens * plan.shape.width if plan.read else plan.shape.embedding
    tables = each * size if plan.moving.tables else 0
    yield Component("table gradients", tables, "input tables, once more until added", ("backward",))


def _passing(plan: Plan) -> Iterator[Component]:
    """What a micro-batch needs while it is computed."""
    work, shape = plan.work, plan.shape
    what = f"{work.rows} rows x {work.length} tokens"
    how = "inputs of layers and one layer whole" if work.recompute else "what each layer keeps"
    yield Component(
        "activations",
        activations.saved(shape, plan.moving, work),
        f"{what}, {plan.moving.reach} of {shape.layers} layers: {how}",
        ("forward",),
    )
    yield Component(
        "working space",
        activations.passing(shape, work),
        f"{what}: one layer's scores and blocks in passing",
        ("forward",),
    )
    yield Component("loss", _loss(plan), _loss_words(plan), ("forward",))
    if plan.stored:
        states = work.tokens * shape.width * work.size
        yield Component("frozen states", states, f"{what} x {shape.width} x {work.size} bytes", ("forward",))
    if plan.device == "cpu":
        passing = activations.saved(shape, plan.moving, work) + activations.passing(shape, work) + _loss(plan)
        words = f"{HOLES:.0%} of activations, working space and loss: freed blocks between blocks in use"
        yield Component("heap", HOLES * passing, words, ("forward",))


def _loss(plan: Plan) -> float:
    """Scores of a chunk, states of what is learnt with their gradient, and where the output matrix moves its gradient.

    In bfloat16 products and gradients stand beside their float32 selves.
    """
    if not plan.supervised:
        return 0.0
    shape, size = plan.shape, plan.work.size
    narrow = size if size < FLOAT else 0
    scores = _words_at_once(plan) * (FLOAT + 2 * narrow)
    states = plan.supervised * shape.width * 2 * size + plan.work.tokens * shape.width * 2 * FLOAT
    matrix = shape.vocabulary * shape.width * (FLOAT + narrow) if plan.moving.output else 0
    return scores + states + matrix


def _words_at_once(plan: Plan) -> int:
    rows = max(FEWEST, LOGITS // plan.shape.vocabulary)
    return min(plan.supervised, rows) * plan.shape.vocabulary


def _loss_words(plan: Plan) -> str:
    grown = ", the output matrix's gradient" if plan.moving.output else ""
    return f"{_words_at_once(plan):,} scores of words at once, {plan.supervised:,} states{grown}"


def _answering(plan: Plan) -> Iterator[Component]:
    """Evaluation and serving: what is remembered of the tokens so far."""
    if not plan.answers:
        return
    shape, work = plan.shape, plan.work
    length = work.length + plan.answers
    rows = max(1, min(TOGETHER, PREDICT_TOKENS // max(work.length, 1)))
    each = 2 * shape.layers * shape.kv_heads * shape.head_width * work.size
    yield Component(
        "KV cache",
        rows * length * each,
        f"{rows} rows x {length} tokens x {each:,} bytes (keys and values of {shape.layers} layers)",
        ("answer",),
    )
