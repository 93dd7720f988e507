"""What tunings have in common: groups by place, how far whole tensors are moved, saved tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tunesmith.nn import parameters
from tunesmith.parts import Group, Net, Tensor


@dataclass(frozen=True)
class Pace:
    """How parameters move by their place.

    head: learning rate of the head ÷ that of the others.  decay: factor from each layer to the one below (Clark et al.
    2020); embeddings are one below the lowest layer.  gradual: after the head, layers begin to move one by one from the
    top down, embeddings last, in equal shares of the steps (Howard & Ruder 2018).  shrinks: weight decay pulls matrices
    to zero.
    """

    head: float = 1.0
    decay: float = 1.0
    gradual: bool = False
    shrinks: bool = True


def groups(net: Net, pace: Pace) -> list[Group]:
    """Matrices are decayed; vectors and the head are not (the usual practice since BERT)."""
    places = _Places(net)
    found: dict[str, list[tuple[str, Tensor]]] = {}
    depths: dict[str, int | None] = {}
    for name, p in parameters.live(net):
        depth = places.depth(name, p)
        kind = "head" if depth is None else "decay" if p.ndim > 1 and pace.shrinks else "no-decay"
        apart = depth is not None and (pace.decay != 1.0 or pace.gradual)
        key = f"{kind}, {depth} from the top" if apart else kind
        found.setdefault(key, []).append((name, p))
        depths[key] = depth
    order = sorted({depth for depth in depths.values() if depth is not None})
    shares = {depth: (rank + 1) / (len(order) + 1) for rank, depth in enumerate(order)}
    return [
        Group(key, members, pace.head)
        if (depth := depths[key]) is None
        else Group(
            key,
            members,
            pace.decay**depth,
            key.startswith("decay"),
            shares[depth] if pace.gradual else 0.0,
        )
        for key, members in found.items()
    ]


class _Places:
    """Where parameters stand: layers from the top (0: the highest, and what is above it); None: the head."""

    def __init__(self, net: Net) -> None:
        self._stack, layers = parameters.stack(net)
        self._layers = len(layers)
        self._head = {id(p) for p in parameters.head(net)}
        self._embeddings = {id(p) for p in parameters.embeddings(net)}

    def depth(self, name: str, p: Tensor) -> int | None:
        if id(p) in self._head:
            return None
        if name.startswith(f"{self._stack}."):
            return self._layers - 1 - int(name.removeprefix(f"{self._stack}.").partition(".")[0])
        return self._layers if id(p) in self._embeddings else 0


def change(net: Net, start: Mapping[str, Tensor], beside: str = "-") -> Iterator[tuple[str, Tensor]]:
    """How far each tensor of the base that moves itself is from where it was.

    beside: what the names of tensors begin with that were added to the base's.
    """
    for name, p in parameters.live(net):
        if not parameters.is_new(name) and f".{beside}" not in name:
            yield name, p - start[name].to(p)
