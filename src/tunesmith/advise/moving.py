"""Which numbers a tuning moves, counted from the shape of the base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunesmith.advise.sizes import Matrix, Shape


@dataclass(frozen=True, slots=True)
class Moving:
    """What moves.

    whole: parameters of the base that move; added: parameters beside it.  top: layers from the top that move whole.
    reach: layers from the top that the backward pass goes through.  tables: the input tables move; output: the matrix
    before the tokens' probabilities moves.  adapted: which maps of a layer (by place in `Shape.matrices`) keep their
    input for an update of rank `rank`.
    """

    whole: int
    added: int
    top: int
    reach: int
    tables: bool = False
    output: bool = False
    adapted: frozenset[int] = frozenset()
    rank: int = 0

    @property
    def parameters(self) -> int:
        """All that moves."""
        return self.whole + self.added

    def changed(self, shape: Shape) -> int:
        """Weights of the base that come to say something else, by moving or by an update beside them."""
        beside = sum(shape.matrices[at].inputs * shape.matrices[at].outputs for at in self.adapted)
        return self.whole + max(0, self.reach - self.top) * beside


def moving(shape: Shape, tuning: str, options: Mapping[str, Any], classes: int = 0) -> Moving | None:
    """What a tuning of these options moves; None for one that must be built to be counted.

    classes: labels of a classifier, whose head (2 × width inputs for each) always moves.
    """
    count = _COUNTED.get(tuning)
    if count is None or (tuning == "freeze" and not _plain_freeze(options)):
        return None
    head = classes * (2 * shape.width + 1)
    return count(shape, options, head)


def _plain_freeze(options: Mapping[str, Any]) -> bool:
    return not options.get("embeddings")


def _full(shape: Shape, options: Mapping[str, Any], head: int) -> Moving:
    return Moving(
        whole=shape.parameters + head,
        added=0,
        top=shape.layers,
        reach=shape.layers,
        tables=True,
        output=shape.decoder,
    )


def _freeze(shape: Shape, options: Mapping[str, Any], head: int) -> Moving:
    """The head of a decoder is its output matrix; where that is the table of the inputs, the backward pass goes down to
    it through all layers."""
    first, layers = int(options.get("first") or 0), int(options["layers"])
    top = max(0, shape.layers - first) if first else min(layers, shape.layers)
    tied = shape.decoder and not shape.output
    words = shape.vocabulary * shape.width if shape.decoder else 0
    return Moving(
        whole=_of_layers(shape, top) + words + head,
        added=0,
        top=top,
        reach=shape.layers if tied else top,
        tables=tied,
        output=shape.decoder,
    )


def _lora(shape: Shape, options: Mapping[str, Any], head: int) -> Moving:
    top = min(int(options.get("top", 0)), shape.layers - 1)
    asked = int(options.get("layers", 0)) or shape.layers
    targets = options.get("targets", "linear")
    places = frozenset(at for at, each in enumerate(shape.matrices) if _is_target(each, targets))
    adapted = [shape.matrices[at] for at in sorted(places)]
    rank = int(options["rank"])
    each_layer = sum(rank * (m.inputs + m.outputs) for m in adapted)
    if options.get("dora"):
        each_layer += sum(m.outputs for m in adapted)
    return Moving(
        whole=_of_layers(shape, top) + head,
        added=each_layer * max(0, min(asked, shape.layers) - top),
        top=top,
        reach=max(min(asked, shape.layers), top),
        adapted=places,
        rank=rank,
    )


_COUNTED = {"full": _full, "freeze": _freeze, "lora": _lora}


def _is_target(matrix: Matrix, targets: Any) -> bool:
    if isinstance(targets, str):
        return targets != "attention" or matrix.attention
    return matrix.name in targets


def _of_layers(shape: Shape, top: int) -> int:
    return round(shape.stack * top / max(shape.layers, 1))
