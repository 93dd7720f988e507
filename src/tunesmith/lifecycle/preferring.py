"""Preferences on rows that nothing was chosen by: how often, how surely, and whether length alone does as well."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunesmith.approaches._tuned import Networked
from tunesmith.errors import UsageError
from tunesmith.evaluate import compare, measure
from tunesmith.evaluate.intervals import Score
from tunesmith.events import Event, Note, Stage
from tunesmith.fields import Record
from tunesmith.lifecycle.climb import Climber, Rung
from tunesmith.outcomes import Predictions
from tunesmith.parts import Job, Net, Objective
from tunesmith.train.engine import local

METRICS = ("accuracy", "log_loss", "ece")
GUESSING = {"accuracy": 0.5, "log_loss": math.log(2)}  # of two answers, with nothing known


@dataclass(frozen=True)
class Preferred:
    """What a model prefers.  found: its outcomes on the rows that have room in the window; left_out: the others."""

    found: Predictions
    rows: tuple[Record, ...]
    left_out: int


def preferred(
    objective: Objective,
    job: Job,
    before: Net,
    after: Net,
    rows: Sequence[Record],
    groups: Mapping[str, int],
) -> Generator[Event, None, Preferred]:
    """Rows of the objective's content as `after` judges them, measured from `before`, the net as training began.

    groups: row key → rows that belong together.  The reference is kept in the cache like that of training.
    """
    lesson = yield from objective.lesson(replace(job, train=rows, validation=()), before)
    room = [row for row in rows if lesson.encode(row, job.codec, None)]
    outputs = local.predict(after, lesson, job.codec, room)
    decoded = [lesson.decode(row, out, job.codec) for row, out in zip(room, outputs, strict=True)]
    found = lesson.outcomes(room, decoded, [groups.get(row.key, row.key) for row in room])
    assert isinstance(found, Predictions)
    return Preferred(found, tuple(room), len(rows) - len(room))


def measured(climber: Climber, base: Rung | None, chosen: Rung) -> Generator[Event, None, Mapping[str, Any]]:
    """The report's section on preferences, on the test rows; empty where the objective learns none, and, with a word,
    where base and model can't both be asked."""
    prepared = climber.prepared
    if not prepared.objective.content or not prepared.test or not chosen.approach.trains:
        return {}
    nets = [rung.predictor.net for rung in (base, chosen) if rung and isinstance(rung.predictor, Networked)]
    if len(nets) < 2 or chosen.job is None:
        yield Note("preferences are not measured: base and model are no networks of this machine")
        return {}
    yield Stage("preferences", f"{len(prepared.test):,} test rows")
    try:
        made = yield from preferred(
            prepared.objective, chosen.job, nets[0], nets[1], prepared.test, prepared.groups
        )
    except UsageError as refusal:  # no test row has room in the window
        yield Note(f"preferences are not measured: {refusal.found}", "warning")
        return {}
    return section(made, prepared.train)


def section(made: Preferred, train: Sequence[Record]) -> dict[str, Any]:
    """The report's section: scores beside guessing and beside a rule of length on the same rows.

    train: the rows that say which length the rule takes, and how often single answers are wanted.  agrees: the share of
    rows on which model and rule say the same; 1 is a model that knows length alone.
    """
    scores = measure.measure(made.found, METRICS)
    rule, blind = LengthRule.of(train), _guessing(made.rows, train)
    simple = rule.outcomes(made.rows, made.found)
    gain = compare.paired(made.found, simple, measure.metric("accuracy"))
    return {
        "rows": len(made.rows),
        "left_out": made.left_out,
        "scores": {name: score.to_json() for name, score in scores.items()},
        "guessing": blind,
        "length": {
            **rule.told(made.rows),
            "accuracy": measure.measure(simple, METRICS[:1])["accuracy"].to_json(),
            "agrees": float(np.mean(made.found.guess == simple.guess)),
            "gain": {k: v for k, v in gain.to_json().items() if k not in ("fixed", "broken")},
        },
        "sentence": _sentence(scores, blind, gain, rule),
    }


def _guessing(rows: Sequence[Record], train: Sequence[Record]) -> Mapping[str, float]:
    """What one scores who knows no answer: of single ones, how often training rows are wanted."""
    if not rows or "chosen" in rows[0].fields:
        return GUESSING
    known, truth = ([bool(row.fields["label"]) for row in some] for some in (train, rows))
    wanted = (sum(known) + 1) / (len(known) + 2)  # never quite sure (Laplace's rule of succession)
    share = float(np.mean(truth))
    surprise = -share * math.log(wanted) - (1 - share) * math.log(1 - wanted)
    return {"accuracy": share if wanted >= 0.5 else 1 - share, "log_loss": surprise}


def _sentence(
    scores: Mapping[str, Score], blind: Mapping[str, float], gain: compare.Difference, rule: LengthRule
) -> str:
    right, surprise, least = scores["accuracy"], scores["log_loss"], blind["accuracy"]
    beats = "beats" if right.low > least else "is below" if right.high < least else "can't be told from"
    rightly, wrongly = surprise.high < blind["log_loss"], surprise.low > blind["log_loss"]
    sure = "its odds say more than guessing's" if rightly else "its odds say no more than guessing's"
    sure = "it is too sure of itself" if wrongly else sure
    than = {"better": "more", "worse": "less", "cannot-tell": "not measurably more"}[gain.outcome]
    return (
        f"It {beats} guessing (accuracy {right.value:.3f}, {right.low:.3f} to {right.high:.3f}, n {right.n:,}; "
        f"guessing {least:.3f}); {sure} (log loss {surprise.value:.3f}, guessing {blind['log_loss']:.3f}); "
        f"it knows {than} than that {rule.words}."
    )


@dataclass(frozen=True)
class LengthRule:
    """Takes the shorter answer for the better one, or the longer: whichever is right more often on training rows.

    limit: characters above which a single answer counts as long.
    """

    shorter: bool
    limit: float

    @classmethod
    def of(cls, train: Sequence[Record]) -> LengthRule:
        """The rule that fits training rows best."""
        limit = float(np.median([_size(row, "completion") for row in train])) if train else 0.0
        votes = [_lead(row, limit) for row in train]
        return cls(bool(sum(np.sign(votes)) >= 0), limit)

    @property
    def words(self) -> str:
        """The rule as the end of a sentence."""
        return f"the {'shorter' if self.shorter else 'longer'} answer is the better one"

    def outcomes(self, rows: Sequence[Record], like: Predictions) -> Predictions:
        """What the rule says of rows, in the shape of a model's outcomes on them."""
        leads = np.array([_lead(row, self.limit) for row in rows]) * (1 if self.shorter else -1)
        right = leads > 0
        # equally long: the first label, and which answer stands first the row's key decides
        guess = np.where(leads == 0, 0, np.where(right, like.truth, 1 - like.truth))
        probs = np.eye(2, dtype=np.float32)[guess]
        return replace(like, probs=probs, guess=guess)

    def told(self, rows: Sequence[Record]) -> dict[str, Any]:
        """The rule, and the mean characters of better and worse answers."""
        better, worse = zip(*(_sizes(row) for row in rows), strict=True) if rows else ((), ())
        return {
            "rule": self.words,
            "chosen": _mean(better),
            "rejected": _mean(worse),
            "unit": "characters",
        }


def _lead(row: Record, limit: float) -> float:
    """Above zero where 'shorter is better' is right of a row."""
    better, worse = _sizes(row)
    if better is not None and worse is not None:
        return worse - better
    return limit - better if better is not None else (worse or 0.0) - limit


def _sizes(row: Record) -> tuple[float | None, float | None]:
    """(characters of the better answer, of the worse one), None for what an unpaired row does not have."""
    if "chosen" in row.fields:
        return _size(row, "chosen"), _size(row, "rejected")
    size = _size(row, "completion")
    return (size, None) if row.fields.get("label") else (None, size)


def _size(row: Record, field: str) -> float:
    return float(sum(len(str(turn.get("content") or "")) for turn in row.fields.get(field) or ()))


def _mean(sizes: Sequence[float | None]) -> float | None:
    known = [size for size in sizes if size is not None]
    return float(np.mean(known)) if known else None
