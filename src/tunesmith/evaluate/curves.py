"""What curves say: how much more data would bring, and whether the model over- or underfits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tunesmith.evaluate.intervals import SEED, Score
from tunesmith.inputs import forecasts
from tunesmith.inputs.forecasts import MORE, Forecast


def forecast(
    sizes: Sequence[float],
    scores: Sequence[Score],
    *,
    name: str = "macro-F1",
    more: float = MORE,
    seed: int = SEED,
) -> Forecast:
    """`forecasts.forecast` of scores at some sizes."""
    points = ((n, score.value, score.low, score.high) for n, score in zip(sizes, scores, strict=True))
    return forecasts.forecast(points, name=name, more=more, seed=seed)


def fit_diagnosis(
    train_score: float, validation: Sequence[float], *, tolerance: float = 0.01, name: str = "macro-F1"
) -> tuple[Literal["overfits", "underfits", "fits"], str]:
    """Over- or underfitting, from the score on training rows and validation scores in the order of training.

    overfits: validation fell from its best by more than `tolerance` and more than a tenth of its gap to the
    training score. underfits: the model is hardly better on rows it saw (gap under 2 tolerances) and still
    not good (under 0.9), or validation was still rising by more than `tolerance` when training ended.
    """
    if not validation:
        return "fits", "There is no validation curve, so over- and underfitting can't be told apart."
    best, last = max(validation), validation[-1]
    gap = train_score - best
    seen = f"{name} {train_score:.3f} on training rows, {best:.3f} at best on validation rows"
    if best - last > max(tolerance, gap / 10):
        return "overfits", f"It overfits at the end: {seen}, {last:.3f} when training ended."
    if len(validation) > 1 and last == best and last - validation[-2] > tolerance:
        return "underfits", f"It was still learning when training ended: {seen}. More epochs should help."
    if gap < 2 * tolerance and train_score < 0.9:
        return "underfits", f"It underfits: {seen}. A larger model or more training should help."
    if gap > 0.1:
        return (
            "fits",
            f"It knows its training rows better than new ones: {seen}. More varied rows would help.",
        )
    return "fits", f"Neither over- nor underfitting shows: {seen}."
