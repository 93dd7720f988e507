"""One share of dropout for a whole decoder, wherever its family keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from tunesmith.nn import dropping

NOISE = ("layerdrop", "jitter")  # layers left out, noise on a router: with them no net is exact


def spread(net: Any, share: float) -> None:
    """Set every dropout of `net.backbone`: modules, and the numbers that modules or configurations hold.

    A family that has none gets it on its last states (`net.dropout`).  Layers are never left out and routers get no
    noise, so that with share 0 the same input gives the same output in training too.
    """
    found = [_spread(module, share) for module in net.backbone.modules()]
    for config in _configs(net.backbone.config):
        _spread_numbers(vars(config), share)
    net.dropout.p = 0.0 if any(found) else share
    dropping.cheapen(net)


@contextmanager
def at_rest(net: nn.Module) -> Iterator[None]:
    """In evaluation mode inside; in the mode that it was in afterwards."""
    training = net.training
    net.eval()
    try:
        yield
    finally:
        net.train(training)


def _spread(module: nn.Module, share: float) -> bool:
    if isinstance(module, _DropoutNd):
        module.p = share
        return True
    return _spread_numbers(vars(module), share)


def _spread_numbers(held: dict[str, Any], share: float) -> bool:
    found = False
    for name, value in held.items():
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            continue
        if any(noise in name for noise in NOISE):
            held[name] = 0.0
        elif "drop" in name:
            held[name], found = share, True
    return found


def _configs(config: Any) -> list[Any]:
    parts = [getattr(config, name, None) for name in config.sub_configs]
    return [config, *(each for part in parts if part is not None for each in _configs(part))]
