"""What tunings have in common that move the base's own weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunesmith.nn import parameters
from tunesmith.parts import Group, Net, Tensor


def groups(net: Net, head: float) -> list[Group]:
    """Matrices are decayed, vectors are not; the head's learning rate is `head` times that of the others."""
    found = parameters.grouped(net)
    return [
        Group("decay", found["decay"], decay=True),
        Group("no-decay", found["no-decay"]),
        Group("head", found["head"], scale=head),
    ]


def change(net: Net, start: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """How far each tensor of the base that moves is from where it was."""
    for name, p in net.named_parameters():
        if p.requires_grad and not parameters.is_head(name):
            yield name, p - start[name]
