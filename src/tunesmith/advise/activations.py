"""What a forward pass keeps for the backward pass, tensor by tensor.

The counts are those of the modules of transformers with attention as plain batched products; a test compares them
with what autograd really saves.  Axes: B rows, T tokens, D width, I inner width, H heads.
"""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.advise.moving import Moving
from tunesmith.advise.shapes import Shape

FLOAT = 4  # bytes of float32
# tokens up to which decoders attend by plain products on a CPU, by bytes of a number (`nn.attention`)
SHORT = {2: 256}


@dataclass(frozen=True, slots=True)
class Work:
    """What is computed together.

    rows, length: B and T of the heaviest micro-batch.  size: bytes of a number in matrix products.  device: 'cpu' or
    'gpu'.  recompute: only the inputs of layers are kept.
    """

    rows: int
    length: int
    size: int
    dropout: float = 0.0
    device: str = "cpu"
    recompute: bool = False

    @property
    def tokens(self) -> int:
        """Padded tokens."""
        return self.rows * self.length


def kernel(shape: Shape, work: Work) -> str:
    """How attention is computed: 'eager' as transformers does (encoders), 'plain' products of heads that share their
    keys, 'fused' without scores of all pairs, or 'repeated', what a fused kernel falls back to under dropout."""
    if not shape.decoder:
        return "eager"
    if work.device == "cpu" and work.length <= SHORT.get(work.size, 0):
        return "plain"
    return "repeated" if work.dropout and work.device == "cpu" else "fused"


def saved(shape: Shape, moving: Moving, work: Work) -> float:
    """Bytes that all layers which the backward pass reaches keep until it comes."""
    if work.recompute:
        inputs = moving.reach * work.tokens * shape.width * work.size
        return inputs + (layer(shape, moving, work, whole=moving.top > 0) if moving.reach else 0)
    top = moving.top * layer(shape, moving, work, whole=True)
    return top + max(0, moving.reach - moving.top) * layer(shape, moving, work, whole=False)


def layer(shape: Shape, moving: Moving, work: Work, *, whole: bool) -> float:
    """Bytes that one layer keeps.  whole: all its weights move; else only what is added beside them does."""
    kept = _inputs(shape, moving, whole) + _values(shape, work)
    kept += 0 if whole else moving.rank * len(moving.adapted)
    kept += 2 * shape.width if work.dropout and not shape.gated else 0
    return work.tokens * (kept * work.size + _norms(shape, work, whole)) + _attention(shape, work)


def _inputs(shape: Shape, moving: Moving, whole: bool) -> int:
    """Inputs of linear maps, each once: a map keeps its input where its weights, or a low-rank update of it, move.

    The input of the last map of a block is the product of the gate in a gated block and the activation's output in a
    plain one.
    """
    groups: dict[tuple[bool, bool], int] = {}
    for number, matrix in enumerate(shape.matrices):
        if whole or number in moving.adapted:
            groups[matrix.attention, _ends(shape, number)] = matrix.inputs
    return sum(groups.values())


def _ends(shape: Shape, number: int) -> bool:
    """Whether a map is the last of its block: the one before it reads something else."""
    block = [n for n, each in enumerate(shape.matrices) if each.attention is shape.matrices[number].attention]
    return number == block[-1]


def _values(shape: Shape, work: Work) -> int:
    """Elements a token that products and activations keep: queries, keys and values, and the feed-forward block's
    steps.  Eager and repeated attention copy a head of keys for all its queries."""
    copied = kernel(shape, work) in ("eager", "repeated")
    heads = (shape.heads + 2 * (shape.heads if copied else shape.kv_heads)) * shape.head_width
    if shape.gated:
        return heads + 3 * shape.inner  # the gate, its activation, what it is multiplied with
    steps = 4 if shape.family in COMPOSED else 1  # the input of the activation, and of each product inside it
    return heads + steps * shape.inner


COMPOSED = {"gpt2"}  # families whose activation is written as several products


def _norms(shape: Shape, work: Work, whole: bool) -> float:
    """Bytes a token of two norms: RMS norms compute in float32 and keep, where their scale moves, what they scale."""
    if not shape.gated:
        return 2 * shape.width * work.size + 4 * work.size
    return 2 * shape.width * FLOAT + 2 * FLOAT + (2 * shape.width * work.size if whole else 0)


def _attention(shape: Shape, work: Work) -> float:
    """Bytes of attention weights: the softmax's output, and under dropout its mask and result."""
    how, each = kernel(shape, work), work.rows * shape.heads * work.length**2
    if how == "fused":
        return work.rows * shape.heads * work.length * FLOAT  # one log-sum a query
    if how == "repeated":
        return 3 * each * FLOAT
    return each * work.size * (3 if work.dropout else 1)


def passing(shape: Shape, work: Work) -> float:
    """Bytes that come and go while one layer is computed: the largest of its two blocks, forward or backward."""
    scores = work.rows * shape.heads * work.length**2 * work.size if kernel(shape, work) != "fused" else 0.0
    block = work.tokens * shape.inner * work.size
    return max(3 * scores, 3 * block) + 2 * work.tokens * shape.width * FLOAT
