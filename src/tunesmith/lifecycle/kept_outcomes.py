"""What a model said of many rows, as a file: paired comparisons need the rows and not only the scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.outcomes import Answer, Answers, Likelihood, Outcomes, Predictions
from tunesmith.store import files


def save(path: Path, outcomes: Outcomes) -> None:
    """Write outcomes; `load` gives them back as they are.  A long text is one row, a probability one number."""
    assert isinstance(outcomes, Predictions | Answers)
    same = {"groups": outcomes.groups.tolist(), "rows": list(outcomes.rows)}
    own = _predictions(outcomes) if isinstance(outcomes, Predictions) else _answers(outcomes)
    files.write_json(path, {**same, **own})


def _predictions(found: Predictions) -> dict[str, Any]:
    arrays = {name: getattr(found, name).tolist() for name in ("probs", "guess", "truth")}
    return {"kind": "label", "labels": list(found.labels), **arrays}


def _answers(found: Answers) -> dict[str, Any]:
    return {
        "kind": "text",
        "answers": [asdict(answer) for answer in found.answers],
        "references": [list(wanted) for wanted in found.references],
        "prompts": list(found.prompts),
        "demands": {name: kept.tolist() for name, kept in found.demands.items()},
    }


def load(path: Path) -> Outcomes:
    """What `save` wrote.  Raises IntegrityError I301 where the file is damaged."""
    value = files.read_json(path)
    groups, rows = np.array(value["groups"], np.int64), tuple(value["rows"])
    if value["kind"] == "text":
        return _read_answers(value, groups, rows)
    return Predictions(
        tuple(value["labels"]),
        np.array(value["probs"], np.float32).reshape(len(rows), len(value["labels"])),
        np.array(value["guess"], np.int64),
        np.array(value["truth"], np.int64),
        groups,
        rows,
    )


def _read_answers(value: Mapping[str, Any], groups: np.ndarray, rows: tuple[str, ...]) -> Answers:
    return Answers(
        tuple(_answer(each) for each in value["answers"]),
        tuple(tuple(wanted) for wanted in value["references"]),
        tuple(value["prompts"]),
        groups,
        rows,
        {name: np.array(kept, np.float64).reshape(-1, 2) for name, kept in value["demands"].items()},
    )


def _answer(value: Mapping[str, Any]) -> Answer:
    known = value["likelihood"]
    likelihood = Likelihood(**known) if known else None
    return Answer(**{**value, "likelihood": likelihood, "sources": tuple(value["sources"])})
