"""Preferences on held-out rows: beside guessing, beside a rule of length, and only where there is something to ask."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from lessons import job, net_of, unpaired  # noqa: E402
from tunesmith import catalog  # noqa: E402
from tunesmith.data.checking import last  # noqa: E402
from tunesmith.events import Note  # noqa: E402
from tunesmith.fields import Record  # noqa: E402
from tunesmith.lifecycle import preferring  # noqa: E402

pytestmark = pytest.mark.neural


def asked(folder: Path, name: str, seed: int = 0) -> tuple[Any, Any]:
    """(job, what a net of this seed prefers, measured from the net of seed 0)."""
    made = job(folder, name)
    objective = catalog.make("objective", made.recipe.objective)
    groups = {row.key: number // 2 for number, row in enumerate(made.validation)}
    nets = net_of(made), net_of(made, seed)
    return made, last(preferring.preferred(objective, made, *nets, made.validation, groups))


@pytest.mark.parametrize("name", ["dpo", "kto"])
def test_a_net_that_has_not_moved_knows_nothing(name: str, tmp_path: Path) -> None:
    made, found = asked(tmp_path, name)
    told = preferring.section(found, made.train)
    assert told["rows"] + told["left_out"] == len(made.validation)
    assert told["scores"]["log_loss"]["value"] == pytest.approx(math.log(2), abs=1e-4)
    assert "guessing" in told["sentence"]


@pytest.mark.parametrize("name", ["dpo", "kto", "orpo", "simpo"])
def test_rows_are_scored_once_with_their_groups(name: str, tmp_path: Path) -> None:
    made, found = asked(tmp_path, name, seed=3)
    told = preferring.section(found, made.train)
    assert set(told["scores"]) == set(preferring.METRICS)
    assert all(score["n"] == len(found.rows) for score in told["scores"].values())
    assert len(np.unique(found.found.groups)) < len(found.rows)
    assert told["length"]["gain"]["n"] == len(found.rows)
    assert 0 <= told["length"]["agrees"] <= 1


def test_rows_without_room_are_counted(tmp_path: Path) -> None:
    made = job(tmp_path, "dpo")
    made = replace(made, codec=made.codec.with_settings(window=75, truncation="drop"))
    objective = catalog.make("objective", made.recipe.objective)
    found = last(preferring.preferred(objective, made, net_of(made), net_of(made), made.train, {}))
    assert 0 < found.left_out < len(made.train)
    assert len(found.found.rows) == len(found.rows) == len(made.train) - found.left_out


# ---- a rule of length -------------------------------------------------------------------------------------------


def pair(number: int, chosen: int, rejected: int) -> Record:
    """A pair whose answers have so many characters."""

    def said(size: int) -> list[dict[str, str]]:
        return [{"role": "assistant", "content": "x" * size}]

    return Record({"prompt": [], "chosen": said(chosen), "rejected": said(rejected)}, key=f"{number:064x}")


def test_the_rule_takes_the_length_that_training_rows_prefer(tmp_path: Path) -> None:
    _, like = asked(tmp_path, "dpo")
    few = like.found.take(np.arange(3))
    for shorter in (True, False):
        sizes = [(5, 9), (9, 5), (4, 20)] if shorter else [(9, 5), (5, 9), (20, 4)]
        rows = [pair(number, *both) for number, both in enumerate(sizes)]
        rule = preferring.LengthRule.of(rows)
        assert rule.shorter is shorter
        assert rule.outcomes(rows, few).hits.tolist() == [True, False, True]
    told = rule.told(rows)
    assert (told["chosen"], told["rejected"]) == (pytest.approx(34 / 3), pytest.approx(6))


def test_single_answers_are_long_above_the_median_of_training_rows() -> None:
    rows = [
        replace(
            row, fields={**row.fields, "completion": [{"content": "x" * (5 if row.fields["label"] else 50)}]}
        )
        for row in unpaired()
    ]
    rule = preferring.LengthRule.of(rows)
    assert rule.shorter
    assert rule.told(rows) == {
        "rule": "the shorter answer is the better one",
        "chosen": 5,
        "rejected": 50,
        "unit": "characters",
    }


def test_guessing_single_answers_takes_what_is_usual(tmp_path: Path) -> None:
    rows = unpaired()
    many = [row for row in rows if row.fields["label"]] * 9 + [row for row in rows if not row.fields["label"]]
    blind = preferring._guessing(rows, many)
    share = sum(row.fields["label"] for row in rows) / len(rows)
    assert blind["accuracy"] == pytest.approx(share)
    assert blind["log_loss"] > math.log(2)
    assert preferring._guessing([pair(0, 1, 2)], []) == preferring.GUESSING


# ---- when there is nothing to ask -------------------------------------------------------------------------------


def test_without_two_networks_it_says_so_and_other_objectives_say_nothing(tmp_path: Path) -> None:
    made = job(tmp_path, "dpo")
    rung: Any = SimpleNamespace(approach=SimpleNamespace(trains=True), predictor=None, job=made)
    for name, words in (("dpo", 1), ("supervised", 0)):
        prepared = SimpleNamespace(objective=catalog.part("objective", name)(), test=made.validation)
        climber: Any = SimpleNamespace(prepared=prepared)
        events = list(preferring.measured(climber, None, rung))
        assert sum(isinstance(event, Note) for event in events) == words
