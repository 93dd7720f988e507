"""The verb `judge`: a language model says which of two models answers the same rows better."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.advise import machines
from tunesmith.data import mapping, source
from tunesmith.endpoints import Endpoint
from tunesmith.errors import DataError
from tunesmith.evaluate import judge as judging
from tunesmith.evaluate.agreement import agreement
from tunesmith.evaluate.judge import Judged
from tunesmith.events import Event, Finished, Note, Stage
from tunesmith.fields import Broken, Record
from tunesmith.lifecycle.judging import ROWS
from tunesmith.lifecycle.results import Result
from tunesmith.lifecycle.talking import talks
from tunesmith.model import Model
from tunesmith.parts import Answers, Meter

USUAL = 200  # rows that are judged where nobody says how many
BELIEVED = (
    0.6  # kappa from which a judge's verdicts are near enough to people's (Landis and Koch 1977: substantial)
)
WORDS = {"win": "win", "a": "win", "tie": "tie", "loss": "loss", "b": "loss", "": None}


@dataclass(frozen=True)
class Judge:
    """Who judges, and how.

    prices: money for a million tokens read and written, None where nobody says.  template: what is asked, '' for the
    built-in one.  people: the column in which people's verdicts stand, '' for none.  most: rows; 0: all.
    """

    endpoint: Endpoint
    prices: tuple[float, float] | None = None
    template: str = ""
    people: str = ""
    most: int = USUAL
    seed: int = 0


def judge(
    first: str, second: str, data: str, by: Judge, *, text: str = "", home: Path | str | None = None
) -> Iterator[Event]:
    """Two models that answer in words on the same rows, each pair shown in both orders: Finished(Result).

    second: a model, or 'base': what the first was tuned from.  Raises what `talks` and `judging.judge` raise, DataError
    G832 for a file without questions, M205 for a column of people's verdicts that is not there.
    """
    one, other = (talk.model for talk in talks(first, vs=second, home=home))
    people = _people(data, by.people)
    rows = yield from _rows(one, data, text, by.most)
    yield Stage("answer", f"{len(rows):,} rows by {one.name} and by {other.name}")
    mine, its = _answers(one, rows), _answers(other, rows)
    differ = sum(a.text != b.text for a, b in zip(mine.answers, its.answers, strict=True))
    yield Stage("judge", f"{2 * differ:,} questions to {by.endpoint.model} at {by.endpoint.url}")
    meter = Meter(*(by.prices or (None, None)))
    found = judging.judge(
        by.endpoint, mine, its, template=by.template or judging.TEMPLATE, seed=by.seed, meter=meter
    )
    values = {
        "first": one.name,
        "second": other.name,
        "data": data,
        "judge": {"model": by.endpoint.model, "endpoint": by.endpoint.url},
        "rows": len(rows),
        "identical": len(rows) - differ,
        **found.to_json(),
        "sentence": _sentence(one.name, other.name, found),
        "cost": _cost(found.meter),
        "judged": _judged(rows, mine, its, found),
    }
    if people:
        values["people"] = _agreed(found, [people.get(row.place.id) for row in rows])
    yield Finished(Result(values))


def _rows(model: Model, data: str, text: str, most: int) -> Generator[Event, None, list[Record]]:
    """The rows that ask something, each once; of more than `most` always the same few."""
    found = list(ROWS["text"](model, data, text))
    broken = sum(isinstance(row, Broken) for row in found)
    if broken:
        yield Note(f"{broken:,} broken rows were left out; see: tunesmith data check {data}", "warning")
    asking = {row.key: row for row in found if isinstance(row, Record) and model.task.text(row).strip()}
    if not asking:
        raise DataError(
            "G832",
            f"{Path(data).name} holds no row that asks something",
            expected="questions, or conversations",
            fixes=(f"tunesmith data check {data}",),
            where=data,
        )
    kept = set(sorted(asking)[: most or len(asking)])
    return [row for key, row in asking.items() if key in kept]


def _answers(model: Model, rows: Sequence[Record]) -> Answers:
    found = model.task.outcomes(rows, model.predict(rows), [row.key for row in rows])
    assert isinstance(found, Answers)
    return found


def _people(data: str, column: str) -> dict[str, str | None]:
    """What people say of the row at a place.  A and B are read as win and loss of the first model."""
    if not column:
        return {}
    table = source.sniff(data)
    if column not in table.dialect.columns:
        raise DataError(
            "M205",
            f"{Path(data).name} has no column '{column}'",
            expected=f"a column of verdicts; there are: {', '.join(table.dialect.columns)}",
            fixes=tuple(f"--people {each}" for each in table.dialect.columns[:2]),
            where=data,
        )
    rows = (row for row in mapping.rows(table) if isinstance(row, Record))
    said = ((row.place, str(row.fields.get(column) or "").strip()) for row in rows)
    return {place.id: WORDS.get(word.lower(), word) for place, word in said}


def _agreed(found: Judged, people: Sequence[str | None]) -> dict[str, Any]:
    """How the judge stands against people; a sentence where its verdicts say little."""
    both = agreement(found, people)
    if both is None:
        return {"share": None, "kappa": None, "sentence": "no row has a verdict of both"}
    low = both.kappa.low if np.isfinite(both.kappa.low) else both.kappa.value
    told = (
        "the judge may stand in for people here"
        if low >= BELIEVED
        else f"kappa may lie below {BELIEVED}: the judge's share says little about what people would prefer"
    )
    return {"share": both.share.to_json(), "kappa": both.kappa.to_json(), "sentence": told}


def _sentence(first: str, second: str, found: Judged) -> str:
    share = found.share
    if share is None:
        return "Can't tell: no reply held a verdict."
    said = f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f}) of {share.n:,} rows"
    if share.low > 0.5:
        return f"{first} is judged better than {second}: it wins {said}, a tie counting half."
    if share.high < 0.5:
        return f"{first} is judged worse than {second}: it wins {said}, a tie counting half."
    return f"Can't tell which is better: {first} wins {said}, a tie counting half."


def _cost(meter: Meter) -> dict[str, Any]:
    """What the judge was asked, and what that cost; money None where nobody knows."""
    known = meter.told == meter.answers and meter.price_read is not None and meter.price_written is not None
    money = (
        (meter.read * (meter.price_read or 0.0) + meter.written * (meter.price_written or 0.0)) / 1e6
        if known
        else None
    )
    tokens = [meter.read, meter.written] if meter.told or not meter.answers else None
    return {
        "questions": meter.answers,
        "tokens": tokens,
        "money": money,
        "currency": machines.table().currency,
    }


def _judged(rows: Sequence[Record], one: Answers, other: Answers, found: Judged) -> list[dict[str, Any]]:
    """Each row with both answers and its verdict."""
    pairs = zip(rows, one.prompts, one.answers, other.answers, found.outcomes, found.swayed, strict=True)
    return [
        {
            "place": str(row.place),
            "question": asked,
            "first": mine.text,
            "second": its.text,
            "outcome": outcome or None,
            "swayed": bool(swayed),
        }
        for row, asked, mine, its, outcome, swayed in pairs
    ]
