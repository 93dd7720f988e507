"""Which point of a space comes next: of the whole grid, at random, or by Optuna from what is known."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tunesmith import doors
from tunesmith.errors import UsageError
from tunesmith.lifecycle.points import Point
from tunesmith.lifecycle.space import Axis

SAMPLERS = ("auto", "grid", "random", "tpe")
USUAL = 16  # trials where nobody says how many
AGAIN = 20  # draws before the space counts as used up
Known = Sequence[tuple[Point, float | None]]  # points with their scores; None: failed


def sampler(name: str, space: Sequence[Axis], trials: int) -> tuple[str, int]:
    """(sampler, trials): 'auto' is the grid where the trials cover it, else Optuna's TPE.  trials 0: the usual number.

    Raises UsageError C184 for the grid of a range, MissingError E501 where Optuna is not installed.
    """
    size = math.prod(len(axis.values) for axis in space)  # 0 where there is a range
    wanted = trials or USUAL
    chosen = name if name != "auto" else "grid" if 0 < size <= wanted else "tpe"
    if chosen == "grid":
        _require_lists(space)
        return chosen, min(size, trials) if trials else size
    if chosen == "tpe":
        doors.open("optuna")
    return chosen, wanted


def _require_lists(space: Sequence[Axis]) -> None:
    ranges = [axis.key for axis in space if not axis.values]
    if ranges:
        raise UsageError(
            "C184",
            f"a grid has no end on the range of {', '.join(ranges)}",
            expected="a list for each key, or another sampler",
            fixes=(f"--over {ranges[0]}=A,B,C", "--sampler random"),
            where="--sampler grid",
        )


def following(name: str, space: Sequence[Axis], known: Known, seed: int) -> Point | None:
    """The next point, a function of (space, known, seed) alone; None where every point is known."""
    seen = {_mark(point, space) for point, _ in known}
    if name == "grid":
        points = itertools.product(*(axis.values for axis in space))
        made = ({axis.key: v for axis, v in zip(space, values, strict=True)} for values in points)
        return next((point for point in made if _mark(point, space) not in seen), None)
    draw: Callable[..., Point] = _by_tpe if name == "tpe" else _at_random
    for again in range(AGAIN):
        point = draw(space, known, [seed, len(known), again])
        if _mark(point, space) not in seen:
            return point
    return None


def _mark(point: Point, space: Sequence[Axis]) -> str:
    values = [point.get(axis.key) for axis in space]
    return json.dumps(
        [float(v) if isinstance(v, int | float) and not isinstance(v, bool) else v for v in values]
    )


def _at_random(space: Sequence[Axis], known: Known, keys: list[int]) -> Point:
    shares = np.random.default_rng(keys).random(len(space))
    return {axis.key: axis.at(float(share)) for axis, share in zip(space, shares, strict=True)}


def _by_tpe(space: Sequence[Axis], known: Known, keys: list[int]) -> Point:
    """Optuna's tree-structured Parzen estimator (Bergstra et al. 2011) over all that is known.

    The study is made anew for each point, so that a resumed sweep asks what an uninterrupted one would.
    """
    optuna = doors.open("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    spread = {axis.key: _distribution(optuna, axis) for axis in space}
    seed = int(np.random.default_rng(keys).integers(2**31))
    chooser = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_startup(space))
    study = optuna.create_study(direction="maximize", sampler=chooser)
    scores = [score for _, score in known if score is not None]
    for point, score in known:
        if params := _params(point, space):
            value = min(scores, default=0.0) if score is None else score  # who failed is as bad as the worst
            made = optuna.trial.create_trial(params=params, distributions=spread, value=value)
            study.add_trial(made)
    asked = study.ask(spread).params
    return {axis.key: _value(axis, asked[axis.key]) for axis in space}


def _startup(space: Sequence[Axis]) -> int:
    """Points at random before the estimator has anything to go by."""
    return max(4, 2 * len(space))


def _distribution(optuna: Any, axis: Axis) -> Any:
    kinds = optuna.distributions
    if axis.values:  # by position: a value may be a list
        return kinds.CategoricalDistribution(list(range(len(axis.values))))
    if axis.whole:
        return kinds.IntDistribution(int(axis.low), int(axis.high), log=axis.log)
    return kinds.FloatDistribution(axis.low, axis.high, log=axis.log)


def _value(axis: Axis, drawn: Any) -> Any:
    if axis.values:
        return axis.values[drawn]
    return int(drawn) if axis.whole else axis.rounded(drawn)


def _params(point: Point, space: Sequence[Axis]) -> dict[str, Any] | None:
    """The point as Optuna knows it; None where it lies outside of the space, as the recipe's own may."""
    found: dict[str, Any] = {}
    for axis in space:
        value = point.get(axis.key)
        if axis.values and value in axis.values:
            found[axis.key] = axis.values.index(value)
        elif not axis.values and isinstance(value, int | float) and axis.low <= value <= axis.high:
            found[axis.key] = value
        else:
            return None
    return found
