"""What a long verb says while it works: a closed set of frozen values.

The terminal prints them, the run folder keeps them (`events.jsonl`), a test counts them. Observers can't change
what they observe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tunesmith.findings import Finding


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the work begins: `name` is stable (sniff, check, split, rung, prove, …), `detail` is for people."""

    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` units of a stage; `seconds` since the stage began."""

    stage: str
    done: float
    total: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """One optimiser step: mean loss per term, learning rate, gradient norm before clipping, rows seen so far."""

    step: int
    epoch: float
    losses: Mapping[str, float]
    learning_rate: float
    grad_norm: float
    rows: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Scores of something on something: {metric: {value, low, high, n}}."""

    subject: str
    on: str
    scores: Mapping[str, Any]
    step: int = 0


@dataclass(frozen=True, slots=True)
class Saved:
    """A file or folder is complete on disk: a checkpoint, a version, a bundle, a report."""

    kind: str
    path: str
    digest: str = ""
    step: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A finding was made."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth a line: a decision and its reason. `level` is info or warning."""

    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True)
class Finished:
    """The verb is done; `result` is the object that the verb promises."""

    result: Any = field(default=None)


Event = Stage | Progress | Step | Measured | Saved | Found | Note | Finished
KINDS: dict[str, type] = {
    kind.__name__.lower(): kind for kind in (Stage, Progress, Step, Measured, Saved, Found, Note, Finished)
}


def to_json(event: Event) -> dict[str, Any]:
    """One flat JSON object with the key `event` naming the kind."""
    if isinstance(event, Found):
        return {"event": "found", "finding": event.finding.to_json()}
    if isinstance(event, Finished):
        to_dict = getattr(event.result, "to_dict", None)
        return {"event": "finished", "result": to_dict() if to_dict else event.result}
    return {"event": type(event).__name__.lower(), **asdict(event)}


def from_json(value: Mapping[str, Any]) -> Event:
    """The inverse of `to_json`; a finding keeps what its JSON holds.  Raises KeyError for an unknown kind."""
    kind = KINDS[value["event"]]
    if kind is Found:
        known = {f.name for f in fields(Finding)} - {"places", "fix"}
        return Found(Finding(**{k: v for k, v in value["finding"].items() if k in known}))
    return kind(**{f.name: value[f.name] for f in fields(kind) if f.name in value})
