"""Successive halving: how far every trial goes, and which go on.

Each rung is a share of a trial's own steps, of one schedule: who goes on is the run it was, resumed.  Jamieson and
Talwalkar 2016; the shares are those of one bracket of Hyperband (Li et al. 2018).
"""

from __future__ import annotations

from collections.abc import Sequence

FINALISTS = 2  # that run to the end: at a third of the steps a high learning rate has not come down yet
FIRST = 1 / 16  # of the steps at least: before, most of them are warm-up


def shares(trials: int, eta: int) -> tuple[float, ...]:
    """The share of its steps at which each rung ends; the last is 1.  eta: of so many trials one goes on; 1: all do."""
    rungs = 1
    while eta > 1 and trials // eta ** (rungs - 1) > FINALISTS and eta**-rungs >= FIRST:
        rungs += 1
    return tuple(eta ** -(rungs - 1 - rung) for rung in range(rungs))


def kept(trials: int, eta: int, rung: int) -> int:
    """How many of the trials run on that rung (0-based)."""
    return min(trials, max(FINALISTS, trials // eta**rung))


def runs(trials: int, eta: int, rungs: Sequence[float]) -> float:
    """What a sweep takes, in whole runs."""
    before = (0.0, *rungs)
    return sum(kept(trials, eta, r) * (share - before[r]) for r, share in enumerate(rungs))


def affordable(done: int, spent: float, budget: float, eta: int, rungs: Sequence[float]) -> bool:
    """Whether one more trial fits the budget, and what it brings in the rungs above.

    done: trials that stand on the first rung.  spent: the seconds that they took.  The first two always fit.
    """
    whole_run = spent / max(done, 1) / rungs[0]
    return done < FINALISTS or whole_run * runs(done + 1, eta, rungs) <= budget
