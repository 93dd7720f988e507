"""The learning rate as a function of the step alone, so that a resumed run needs no history."""

from __future__ import annotations


def learning_rate(step: int, steps: int, peak: float, warmup: float) -> float:
    """The rate of optimiser step `step` (0-based): linear rise over `warmup`·steps, then linear decay to zero."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return peak * (step + 1) / rising
    return peak * max(0.0, (steps - step) / max(1, steps - rising))
