"""Rows C2, C3 and C6: which rows they draw, when a goal counts as reached, that our arms run and are judged."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.row import Arm, Options, Run
from bench.rows import _banking as banking
from bench.rows import _numbers, c2, c3, c6

import bench_jobs
from bench import rates

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


def run_of(folder: Path, said: dict[str, Any]) -> Run:
    """A run that said so."""
    return Run(
        Arm("arm", sys.executable, "hf_classify.py", {"batch": 2}), folder, 1.0, 1.0, 1, 0.0, 0.0, said
    )


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
        self.scores, self.asked = scores, list[int]()

    def of(self, run: Run, folders: Any) -> list[dict[str, Any]]:
        """As they were given."""
        places = [int(Path(folder).name) for folder in folders]
        self.asked += places
        return [{"macro_f1": self.scores[place]} for place in places]


def marked(count: int) -> dict[str, Any]:
    """What an arm says of as many looks, ten seconds apart."""
    marks = [(10.0 * n + 10, n + 1, f"/marks/{n}") for n in range(count)]
    return {"seconds": {"import": 1.0, "load": 2.0, "prepare": 3.0, "train": 90.0}, "marks": marks}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNESMITH_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("scores", "seconds"),
    [([0.1, 0.95, 0.95], 26.0), ([0.95, 0.8, 0.95], 36.0), ([0.9, 0.9, 0.9], 16.0)],
)
def test_the_first_look_from_which_the_goal_is_kept_counts(
    tmp_path: Path, scores: list[float], seconds: float
) -> None:
    assert Known(tmp_path, scores).reached(run_of(tmp_path, marked(3))) == seconds


def test_a_goal_that_is_not_reached_leaves_the_seconds_that_were_spent_as_a_bound(tmp_path: Path) -> None:
    judge, run = Known(tmp_path, [0.95, 0.5]), run_of(tmp_path, marked(2))
    assert judge.reached(run) == 96.0
    assert judge.bound(run)
    assert not Known(tmp_path, [0.5, 0.95]).bound(run)


def test_looks_before_a_last_one_below_the_goal_are_not_scored(tmp_path: Path) -> None:
    judge = Known(tmp_path, [0.95, 0.95, 0.5])
    judge.reached(run_of(tmp_path, marked(3)))
    assert judge.asked == [2]


def test_seconds_a_token_end_with_the_last_look(tmp_path: Path) -> None:
    said = {**marked(2), "updates": 9, "real_tokens": 40, "rows": 8}
    assert banking.per_token(run_of(tmp_path, said)) == 20.0 / (2 * 2 * 5)
    assert banking.per_token(run_of(tmp_path, {**said, "marks": []})) == 90.0 / (9 * 2 * 5)


def test_useful_work_of_one_row_is_counted_by_hand() -> None:
    shape = {"hidden_size": 2, "num_hidden_layers": 3, "intermediate_size": 4}
    layer = 2 * (4 * 4 + 2 * 2 * 4) * 5 + 4 * 2 * 25
    assert banking.flops(np.array([5]), shape, 7) == 3 * (3 * layer + 4 * 2 * 7)


# ---- rows of the table --------------------------------------------------------------------------------------------


def test_every_part_names_arms_that_exist_and_measures_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_numbers, "dtypes", lambda options, shapes: ["float32"])
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


@pytest.mark.parametrize("numbers", [["float32"], ["bfloat16", "float32"]])
def test_a_whole_row_tries_rates_on_its_draw_and_once_for_arms_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, numbers: list[str]
) -> None:
    monkeypatch.setattr(_numbers, "dtypes", lambda options, shapes: numbers)
    asked = replace(options(tmp_path), quick=False)
    parts = [*c2.prepare(asked), *c3.prepare(asked)]
    assert [part.part for part in parts[:2]] == ["random", "probe"]
    for part in parts:
        assert part.minutes > 0 and next(iter(part.peers)) == "best"
        best = part.peers["best"]
        assert len(best) >= len(numbers) or part.part == "head fitted"
        for at, arm in enumerate(best):
            assert arm.rates, "each arm has a grid, or another's rate in its place"
            assert not arm.like or arm.like in [each.name for each in best[:at]]
    random, probe = parts[:2]
    assert random.peers["best"][0].shorter == probe.peers["best"][0].shorter
    assert rates.key(random.peers["best"][0]) == rates.key(probe.peers["best"][0])
    assert "marks" in random.ours.task["options"] and not random.ours.shorter["options"]["marks"]


def test_sides_of_the_sweep_are_those_of_the_product(tmp_path: Path) -> None:
    asked = options(tmp_path)
    source = banking.written(tmp_path / "c6", "all", banking.side(asked, "train"), sorted(LABELS))["text"]
    (_, train), (_, validation) = c6.sides(source, tmp_path / "c6")
    texts = [{row["text"] for row in part} for part in (train, validation)]
    assert not texts[0] & texts[1]
    assert len(validation) > 10


# ---- our arms and the judge ---------------------------------------------------------------------------------------


class Ran:
    """Our arm of C2 and that of C3's fitted head, each run once, their weights judged by one process."""

    def __init__(self, folder: Path) -> None:
        (full,), fitted = (
            c2.prepare(options(folder, rows="64", dtype="float32")),
            c3.prepare(options(folder, rows="64"))[2],
        )
        jobs = [
            bench_jobs.job(ARMS / arm.script, folder / name, **arm.task)
            for name, arm in (("full", full.ours.at(1e-3, epochs=1.0)), ("fitted", fitted.ours))
        ]
        said = bench_jobs.said(jobs)
        self.full, self.fitted = (
            Run(full.ours, place.parent, 1.0, 1.0, 1, 0.0, 0.0, each)
            for (_, place), each in zip(jobs, said, strict=True)
        )
        judge = full.judge
        assert isinstance(judge, banking.Judge)
        marks = [Path(mark[2]) for mark in self.full.said["marks"]]
        judge.of(self.full, [*marks, *(run.folder / "out" for run in (self.full, self.fitted))])
        self.judge = judge


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("arms")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUNESMITH_HOME", str(folder / "home"))
        patch.setenv("PYTHONPATH", os.pathsep.join(each for each in sys.path if each))
        return Ran(folder)


def test_full_tuning_is_looked_at_and_judged(ran: Ran) -> None:
    said, judged = ran.full.said, ran.judge(ran.full)
    assert [mark[1] for mark in said["marks"]] == [1, 2]
    assert said["updates"] == 2
    assert said["moved"] > 0
    assert said["seconds"]["train"] >= said["marks"][-1][0] > 0
    assert judged["n"] == 24
    assert [look[2] for look in judged["looks"]][-1] == judged["macro_f1"]
    assert ran.judge.bound(ran.full) == (judged["macro_f1"] < ran.judge.goal)


def test_a_fitted_head_scores_as_the_judge_reads_it(ran: Ran) -> None:
    assert ran.judge(ran.fitted)["macro_f1"] > 0.9, "texts that name their label are easy"
    assert ran.fitted.said["moved"] > 0
