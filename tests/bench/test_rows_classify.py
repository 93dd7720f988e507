"""Rows C2, C3 and C6: which rows they draw, when a goal counts as reached, that our arms run and are judged."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.row import Arm, Options, Run
from bench.rows import _banking as banking
from bench.rows import c2, c3, c6

from bench import processes

ARMS = Path(banking.__file__).parents[1] / "arms"
LABELS = ["card", "loan", "pin", "fee"]


def options(tmp_path: Path, **more: str) -> Options:
    """Of a run on rows made here."""
    folder = tmp_path / "shared" / "data" / "banking77"
    folder.mkdir(parents=True, exist_ok=True)
    for side, count in (("train", 96), ("test", 24)):
        rows = [
            {"text": f"about my {LABELS[n % 4]} number {n} {side}", "label": LABELS[n % 4]}
            for n in range(count)
        ]
        content = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{side}.jsonl.gz").write_bytes(gzip.compress(content.encode()))
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    return Options(True, tmp_path / "shared", work, sys.executable, sys.executable, 1, more)


def run_of(folder: Path, said: dict[str, Any], script: str = "hf_classify.py") -> Run:
    """A run that said so."""
    return Run(Arm("arm", sys.executable, script, {"batch": 2}), folder, 1.0, 1.0, 1, 0.0, 0.0, said)


# ---- rows ---------------------------------------------------------------------------------------------------------


def test_a_draw_is_seeded_and_every_label_has_its_share() -> None:
    rows = [{"text": str(n), "label": "rare" if n < 30 else "often"} for n in range(300)]
    found = banking.drawn(rows, 100)
    assert found == banking.drawn(rows, 100)
    assert Counter(row["label"] for row in found) == {"often": 90, "rare": 10}
    assert len({row["text"] for row in found}) == 100


def test_no_count_means_all_rows_in_a_seeded_order() -> None:
    rows = [{"text": str(n), "label": "one"} for n in range(20)]
    found = banking.drawn(rows, 0)
    assert found != rows
    assert sorted(found, key=str) == sorted(rows, key=str)


def test_tokens_and_text_hold_the_same_rows(tmp_path: Path) -> None:
    rows = [{"text": "where is my card", "label": "card"}, {"text": "fee", "label": "fee"}]
    files = banking.written(tmp_path, "some", rows, sorted(LABELS))
    with np.load(files["tokens"]) as file:
        assert file["labels"].tolist() == [0, 1]
        assert np.diff(file["offsets"]).tolist() == [6, 3]
    assert [json.loads(line) for line in files["text"].read_text().splitlines()] == rows


# ---- when the goal is reached -------------------------------------------------------------------------------------


class Known(banking.Judge):
    """A judge whose scores are given."""

    def __init__(self, tmp_path: Path, scores: list[float]) -> None:
        super().__init__(options(tmp_path), tmp_path / "none.npz", 0.9)
        self.scores = scores

    def of(self, run: Run, folders: Any) -> list[dict[str, Any]]:
        """As they were given."""
        return [{"macro_f1": self.scores[int(Path(folder).name)]} for folder in folders]


def marked(count: int) -> dict[str, Any]:
    """What an arm says of as many looks, ten seconds apart."""
    marks = [(10.0 * n + 10, n + 1, f"/marks/{n}") for n in range(count)]
    return {"seconds": {"import": 1.0, "load": 2.0, "prepare": 3.0, "train": 90.0}, "marks": marks}


@pytest.mark.parametrize(
    ("scores", "seconds"),
    [([0.1, 0.95, 0.95], 26.0), ([0.95, 0.8, 0.95], 36.0), ([0.9, 0.9, 0.9], 16.0)],
)
def test_the_first_look_from_which_the_goal_is_kept_counts(
    tmp_path: Path, scores: list[float], seconds: float
) -> None:
    assert Known(tmp_path, scores).reached(run_of(tmp_path, marked(3))) == seconds


def test_a_goal_that_is_not_reached_bounds_a_peer_and_loses_for_ours(tmp_path: Path) -> None:
    judge = Known(tmp_path, [0.95, 0.5])
    assert judge.reached(run_of(tmp_path, marked(2))) == 96.0
    assert judge.reached(run_of(tmp_path, marked(2), "ours_classify.py")) == float("inf")


def test_seconds_a_token_end_with_the_last_look(tmp_path: Path) -> None:
    said = {**marked(2), "updates": 9, "real_tokens": 40, "rows": 8}
    assert banking.per_token(run_of(tmp_path, said)) == 20.0 / (2 * 2 * 5)
    assert banking.per_token(run_of(tmp_path, {**said, "marks": []})) == 90.0 / (9 * 2 * 5)


def test_useful_work_of_one_row_is_counted_by_hand() -> None:
    shape = {"hidden_size": 2, "num_hidden_layers": 3, "intermediate_size": 4}
    layer = 2 * (4 * 4 + 2 * 2 * 4) * 5 + 4 * 2 * 25
    assert banking.flops(np.array([5]), shape, 7) == 3 * (3 * layer + 4 * 2 * 7)


# ---- rows of the table --------------------------------------------------------------------------------------------


def test_every_part_names_arms_that_exist_and_measures_that_it_has(tmp_path: Path) -> None:
    asked = options(tmp_path, rows="32")
    parts = [*c2.prepare(asked), *c3.prepare(asked), *c6.prepare(options(tmp_path, rows="96"))]
    assert [part.name for part in parts] == [
        "C2 random",
        "C3 top 2 layers",
        "C3 head only",
        "C3 head fitted",
        "C6",
    ]
    for part in parts:
        for arm in [part.ours, *(each for column in part.peers.values() for each in column)]:
            assert (ARMS / arm.script).is_file(), arm
            assert arm.rates == (), "a quick run has no grid"
        for goal in part.goals:
            assert goal.column in {*part.peers, "leanest"}
            assert goal.measure in {"seconds", "cpu", "peak", *part.measures}


def test_sides_of_the_sweep_are_those_of_the_product(tmp_path: Path) -> None:
    asked = options(tmp_path)
    source = banking.written(tmp_path / "c6", "all", banking.side(asked, "train"), sorted(LABELS))["text"]
    (_, train), (_, validation) = c6.sides(source, tmp_path / "c6")
    texts = [{row["text"] for row in part} for part in (train, validation)]
    assert not texts[0] & texts[1]
    assert len(validation) > 10


# ---- our arms and the judge ---------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNESMITH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(each for each in sys.path if each))


def test_full_tuning_is_looked_at_and_judged(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (part,) = c2.prepare(options(tmp_path, rows="64"))
    ours = part.ours.at(1e-3, epochs=1.0)
    run = processes.run(ours, tmp_path / "run")
    assert part.judge is not None
    judged = part.judge(run)
    said = run.said
    assert [mark[1] for mark in said["marks"]] == [1, 2]
    assert said["updates"] == 2
    assert said["moved"] > 0
    assert said["seconds"]["train"] >= said["marks"][-1][0] > 0
    assert judged["n"] == 24
    assert [look[2] for look in judged["looks"]][-1] == judged["macro_f1"]


def test_a_fitted_head_scores_as_the_judge_reads_it(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    part = c3.prepare(options(tmp_path, rows="96"))[2]
    run = processes.run(part.ours, tmp_path / "run")
    assert part.judge is not None
    assert part.judge(run)["macro_f1"] > 0.9, "texts that name their label are easy"
    assert run.said["moved"] > 0
