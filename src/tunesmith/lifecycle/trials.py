"""The trials of a sweep and their journal: what was tried, how far it came, what it scored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.evaluate import measure
from tunesmith.evaluate.intervals import Score
from tunesmith.lifecycle import kept_outcomes
from tunesmith.lifecycle.points import Point
from tunesmith.parts import Outcomes
from tunesmith.store import files

TIE = 1e-6  # weight of the score that breaks ties


@dataclass(frozen=True, slots=True)
class Look:
    """A trial as it was measured at the end of a rung.

    step: of `steps` of its whole schedule (0 of 0: it has none).  scores: the first decides, the second breaks ties.
    seconds: that the rung took, measuring included.  ended: there is nothing left to train.
    """

    rung: int
    step: int
    steps: int
    scores: Mapping[str, Score]
    seconds: float
    ended: bool = False

    @property
    def value(self) -> float:
        """What is to be maximised; −∞ where the score is undefined."""
        first, *second = (measure.metric(name).better * score.value for name, score in self.scores.items())
        value = first + TIE * (second[0] if second and math.isfinite(second[0]) else 0.0)
        return value if math.isfinite(value) else -math.inf

    def to_json(self) -> dict[str, Any]:
        """One JSON object; `from_json` reads it."""
        return {
            "rung": self.rung,
            "step": self.step,
            "steps": self.steps,
            "scores": {name: score.to_json() for name, score in self.scores.items()},
            "order": list(self.scores),
            "seconds": round(self.seconds, 3),
            "ended": self.ended,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Look:
        """The inverse of `to_json`."""
        scores = {name: Score.from_json(value["scores"][name]) for name in value["order"]}
        rest = {key: value[key] for key in ("rung", "step", "steps", "seconds", "ended")}
        return Look(scores=scores, **rest)


@dataclass
class Trial:
    """One point of the space.

    steps: of its whole schedule, 0 while nobody knows.  paused: the last rung at whose end its training stands.
    failed: the error that ended it, as JSON.
    """

    number: int
    point: Point
    folder: Path
    looks: list[Look] = field(default_factory=list)
    steps: int = 0
    paused: int = -1
    failed: Mapping[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing is left to train."""
        return bool(self.looks) and self.looks[-1].ended

    @property
    def seconds(self) -> float:
        """What it took so far."""
        return sum(look.seconds for look in self.looks)

    def look(self, rung: int) -> Look | None:
        """How it stood on a rung: an early end counts for all rungs above it."""
        known = [look for look in self.looks if look.rung <= rung]
        return known[-1] if known and (known[-1].rung == rung or known[-1].ended) else None

    def value(self, rung: int) -> float | None:
        """Its score on a rung; None where it did not come so far."""
        look = self.look(rung)
        return None if look is None or self.failed else look.value

    def outcomes(self, rung: int) -> Outcomes:
        """What it said of the validation rows on a rung on which it stood."""
        look = self.look(rung)
        assert look is not None
        return kept_outcomes.load(self.folder / f"outcomes-{look.rung}.json")

    def to_json(self) -> dict[str, Any]:
        """The trial as the result shows it."""
        return {
            "trial": self.number,
            "values": self.point,
            "rungs": [look.to_json() for look in self.looks],
            "seconds": round(self.seconds, 3),
            "failed": dict(self.failed) if self.failed else None,
        }


class Journal:
    """The trials of one sweep, kept line by line: what was told survives a kill at any moment."""

    def __init__(self, folder: Path) -> None:
        self._path, self._folder = folder / "trials.jsonl", folder
        self.trials: list[Trial] = []
        self.range: tuple[float, float] | None = None
        for line in files.read_log(self._path):
            self._take(line)

    def begin(self, point: Point) -> Trial:
        """A new trial."""
        self._tell({"trial": len(self.trials), "point": point})
        return self.trials[-1]

    def steps(self, trial: Trial, steps: int) -> None:
        """How long the trial's schedule is."""
        self._tell({"trial": trial.number, "steps": steps})

    def pause(self, trial: Trial, rung: int) -> None:
        """The trial's checkpoint stands at the end of a rung."""
        self._tell({"trial": trial.number, "paused": rung})

    def see(self, trial: Trial, look: Look, outcomes: Outcomes) -> None:
        """The trial was measured."""
        kept_outcomes.save(trial.folder / f"outcomes-{look.rung}.json", outcomes)
        self._tell({"trial": trial.number, "look": look.to_json()})

    def fail(self, trial: Trial, error: TunesmithError) -> None:
        """The trial can't go on."""
        self._tell({"trial": trial.number, "failed": error.to_json()})

    def probe(self, low: float, high: float) -> None:
        """The range of learning rates that was found."""
        self._tell({"range": [low, high]})

    def _tell(self, line: dict[str, Any]) -> None:
        files.append(self._path, line)
        self._take(line)

    def _take(self, line: Mapping[str, Any]) -> None:
        if "range" in line:
            self.range = (line["range"][0], line["range"][1])
        elif "point" in line:
            number = line["trial"]
            self.trials.append(Trial(number, line["point"], self._folder / "trials" / f"{number:03d}"))
        else:
            self._change(self.trials[line["trial"]], line)

    def _change(self, trial: Trial, line: Mapping[str, Any]) -> None:
        if "look" in line:
            trial.looks.append(Look.from_json(line["look"]))
        trial.steps = line.get("steps", trial.steps)
        trial.paused = line.get("paused", trial.paused)
        trial.failed = line.get("failed", trial.failed)


def ranked(trials: Sequence[Trial], rung: int) -> list[Trial]:
    """Those that stood on a rung, best first; of equals the earlier one."""
    known = [(trial.value(rung), trial) for trial in trials]
    standing = [(value, trial) for value, trial in known if value is not None]
    return [trial for _, trial in sorted(standing, key=lambda pair: (-pair[0], pair[1].number))]


def scored(outcomes: Outcomes, names: Sequence[str]) -> dict[str, Score]:
    """The scores that decide, each with its interval."""
    return measure.measure(outcomes, list(names)) if len(outcomes.rows) else {}
