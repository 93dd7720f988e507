"""Which labels are likely wrong: rows whose label a model that never saw them does not believe."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.inputs.doubts import doubtful, rivals

_TINY = 1e-12
MOST = 20


@dataclass(frozen=True, slots=True)
class Suspect:
    """One row whose label is likely wrong.  times: how many times likelier the model finds `suggested`."""

    row: str
    label: str
    suggested: str
    times: float
    place: str

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {name: getattr(self, name) for name in ("row", "label", "suggested", "times", "place")}


def suspects(
    probs: np.ndarray,
    truth: np.ndarray,
    labels: Sequence[str],
    records: Sequence[Record],
    most: int | None = MOST,
) -> list[Suspect]:
    """The most suspicious rows that count as doubtful; probs, truth and records are parallel."""
    given, other, rival = rivals(probs, truth)
    return [
        Suspect(
            row=records[i].key,
            label=labels[int(truth[i])],
            suggested=labels[int(rival[i])],
            times=float((other[i] + _TINY) / (given[i] + _TINY)),
            place=str(records[i].place),
        )
        for i in doubtful(probs, truth)[:most]
    ]


def likely_wrong(
    probs: np.ndarray, truth: np.ndarray, labels: Sequence[str], records: Sequence[Record]
) -> Finding | None:
    """Finding L203 with the places of the most suspicious rows, or None where no label is in doubt.

    Nothing is changed by itself: whether the label or the model is wrong, only a person can say.
    """
    found = doubtful(probs, truth)
    if not len(found):
        return None
    first = suspects(probs, truth, labels, records, 1)[0]
    return Finding(
        code="L203",
        severity="warning",
        message=(
            f"{len(found):,} of {len(truth):,} labels are likely wrong; most suspicious: {first.place} is "
            f"labelled '{first.label}' and reads like '{first.suggested}'"
        ),
        count=len(found),
        places=tuple(records[i].place for i in found[:MOST]),
        numbers={"share": len(found) / len(truth)},
        fix=Fix(
            command=f"tunesmith data audit {shlex.quote(records[0].place.root)}   (report.html lists them too)",
            effect="a few minutes of looking usually bring more than a larger model",
            drops=tuple(records[i].place.id for i in found),
        ),
    )
