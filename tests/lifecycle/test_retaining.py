"""Forgetting that can't be measured is said in the report, not left out of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tunesmith import lifecycle
from tunesmith.cli import climbed
from tunesmith.events import Finished, Note
from tunesmith.lifecycle import retaining


def rung(*, trains: bool = False, remote: bool = False) -> Any:
    approach = SimpleNamespace(trains=trains, remote=remote)
    return SimpleNamespace(approach=approach, predictor=None, job=object(), name="rung")


def told(base: Any, chosen: Any) -> tuple[Any, list[str]]:
    """(section, notes)"""
    notes: list[str] = []

    def verb() -> Any:
        section = yield from retaining.measured(None, base, chosen, {})  # type: ignore[arg-type]
        yield Finished(section)

    for event in verb():
        if isinstance(event, Finished):
            return event.result, notes
        assert isinstance(event, Note)
        notes.append(event.text)
    return lifecycle.run(()), notes


@pytest.mark.parametrize(
    ("base", "why"),
    [
        (rung(remote=True), "asked at a server"),
        (None, "no base to compare with"),
        (rung(), "on this machine"),
    ],
)
def test_a_tuned_model_says_why_it_is_not_measured(base: Any, why: str) -> None:
    section, (note,) = told(base, rung(trains=True))
    assert section["sentence"].startswith("Not measured: ") and why in section["sentence"]
    assert section["abilities"] == [] and section["kl_to_base"] is None
    assert why in note
    lines = climbed.forgetting({**section, "rung": "tune: LoRA"})
    assert lines[0].startswith("Forgot") and "tune: LoRA: Not measured" in lines[0]


def test_where_no_weights_moved_nothing_can_be_forgotten() -> None:
    section, (note,) = told(rung(), rung())
    assert not section and "no weights were moved" in note
