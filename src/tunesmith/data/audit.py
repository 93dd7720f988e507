"""The queue of labels that people look at, and what follows from their answers; no files, no terminal.

The first part of the queue finds wrong labels: the most suspicious rows.  The second measures how many there are: rows
drawn by chance from all, so that their share of wrong labels is the data's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from tunesmith.data import label_sets
from tunesmith.data.checks._rows import label_form
from tunesmith.fields import Record, put, row_key
from tunesmith.inputs import agreement, doubts

RANDOM = (
    0.3  # share of the queue that is drawn by chance: 300 of 1,000 rows know a rate of 5 % to ± 2.5 points
)
CHOICES = 9  # labels that a key each offers
Part = Literal["suspects", "random"]
Verdict = Literal["accept", "relabel", "skip", "undo"]


@dataclass(frozen=True, slots=True)
class Item:
    """One row of the queue.  likely: other labels, likeliest first.  times: how many times likelier the first is.

    drawn: its place in the draw by chance from all rows (-1: not drawn); a suspect may be drawn too.
    """

    index: int
    row: str
    text: str
    label: str
    part: Part
    likely: tuple[str, ...]
    times: float
    drawn: int = -1


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said of a row.  label: the right one, in their eyes ('' for a skip).  at: ISO time, UTC."""

    who: str
    row: str
    verdict: Verdict
    label: str = ""
    at: str = ""


def queue(
    records: Sequence[Record],
    texts: Sequence[str],
    truth: np.ndarray,
    probs: np.ndarray,
    classes: Sequence[str],
    *,
    share: float,
    seed: int,
) -> list[Item]:
    """`share` of the labelled rows: the most suspicious, then those drawn by chance that are not among them.

    truth: index into classes [N], -1 without a label.  probs: out of fold [N, C].  A larger share keeps the draw and
    goes on with it, so answers that were given before stay of use.
    """
    suspicion = doubts.suspicion(probs, truth)
    return [
        Item(
            row,
            records[row].place.id,
            texts[row],
            classes[int(truth[row])],
            part,
            _likely(probs[row], int(truth[row]), classes),
            float(np.exp(suspicion[row])),
            drawn,
        )
        for row, part, drawn in asked(truth >= 0, suspicion, share, seed)
    ]


def asked(
    labelled: np.ndarray, suspicion: np.ndarray, share: float, seed: int
) -> list[tuple[int, Part, int]]:
    """(row, part, place in the draw or -1) of the queue, in its order.  labelled: bool [N].  suspicion: [N]."""
    rows = np.flatnonzero(labelled)
    total = min(len(rows), math.ceil(share * len(rows)))
    drawn = np.random.default_rng(seed).permutation(rows)[: math.ceil(RANDOM * total)].tolist()
    worst = np.argsort(-np.where(labelled, suspicion, -np.inf), kind="stable")[: len(rows)].tolist()
    first = _first(worst, set(drawn), total)
    place = {row: number for number, row in enumerate(drawn)}
    suspects = set(first)
    found: list[tuple[int, Part, int]] = [(row, "suspects", place.get(row, -1)) for row in first]
    return found + [(row, "random", place[row]) for row in drawn if row not in suspects]


def _first(order: list[int], drawn: set[int], total: int) -> list[int]:
    """The beginning of an order that makes up `total` rows together with those drawn."""
    missing = total - len(drawn)
    for count, row in enumerate(order):
        if not missing:
            return order[:count]
        missing -= row not in drawn
    return order


def _likely(probs: np.ndarray, own: int, classes: Sequence[str]) -> tuple[str, ...]:
    order = np.argsort(-probs, kind="stable").tolist()
    return tuple(classes[int(each)] for each in order if each != own)[:CHOICES]


def standing(answers: Iterable[Answer]) -> dict[str, dict[str, Answer]]:
    """{who: {row: the answer that stands}}, in the order in which they were given; an undo takes the row's away."""
    found: dict[str, dict[str, Answer]] = {}
    for answer in answers:
        mine = found.setdefault(answer.who, {})
        mine.pop(answer.row, None)
        if answer.verdict != "undo":
            mine[answer.row] = answer
    return found


def decided(given: Mapping[str, Mapping[str, Answer]]) -> tuple[dict[str, list[Answer]], list[str]]:
    """({row: the answers of all who agree on its label}, rows on which they do not); skips count for nothing."""
    votes: dict[str, list[Answer]] = {}
    for mine in given.values():
        for row, answer in mine.items():
            if answer.verdict != "skip":
                votes.setdefault(row, []).append(answer)
    agreed = {row: each for row, each in votes.items() if len({label_form(vote.label) for vote in each}) == 1}
    return agreed, sorted(votes.keys() - agreed.keys())


def kappa(given: Mapping[str, Mapping[str, Answer]]) -> list[tuple[str, str, int, float]]:
    """(one, other, rows that both judged, Cohen's kappa) of each two people who judged the same rows."""
    people = sorted(given)
    found = []
    for number, one in enumerate(people):
        for other in people[number + 1 :]:
            both = [row for row in given[one] if row in given[other]]
            pairs = [(given[one][row], given[other][row]) for row in both]
            pairs = [pair for pair in pairs if "skip" not in (pair[0].verdict, pair[1].verdict)]
            if pairs:
                labels = ([label_form(pair[side].label) for pair in pairs] for side in (0, 1))
                found.append((one, other, len(pairs), agreement.cohen(*labels)))
    return found


def drawn_and_wrong(
    items: Sequence[Item], right: Mapping[str, str], skipped: Iterable[str] = ()
) -> tuple[int, int]:
    """(rows, wrong ones) of the draw by chance, as far as it was judged without a gap.

    right: row → its right label.  Only a beginning of the draw is a random sample: suspects in it are judged early, and
    counting those alone would make the data look worse than it is.  Skipped rows leave no gap and count for nothing.
    """
    passed = set(skipped)
    rows = wrong = 0
    for item in sorted((each for each in items if each.drawn >= 0), key=lambda each: each.drawn):
        if item.row in right:
            rows += 1
            wrong += label_form(right[item.row]) != label_form(item.label)
        elif item.row not in passed:
            break
    return rows, wrong


def relabelled(
    records: Sequence[Record], field: str, agreed: Mapping[str, Sequence[Answer]]
) -> tuple[list[Record], list[dict[str, Any]]]:
    """(rows with the labels that people agreed on, the changes with who and when)."""
    rows, changes = [], []
    for record in records:
        votes = agreed.get(record.place.id)
        if not votes or label_sets.same(record.fields.get(field), votes[0].label):
            rows.append(record)
            continue
        fields = put(record.fields, (field,), label_sets.like(record.fields.get(field), votes[0].label))
        new = replace(record, fields=fields, key=row_key(fields))
        changes.append(_change(record, new, field, votes))
        rows.append(new)
    return rows, changes


def _change(old: Record, new: Record, field: str, votes: Sequence[Answer]) -> dict[str, Any]:
    return {
        "code": "L203",
        "row": new.place.id,
        "place": str(new.place),
        "action": "edit",
        "field": field,
        "before": {"value": old.fields[field], "key": old.key},
        "after": {"value": new.fields[field], "key": new.key},
        "who": sorted({vote.who for vote in votes}),
        "when": max(vote.at for vote in votes),
    }
