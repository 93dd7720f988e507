"""Planted wrong labels in real data come first when rows are ranked by suspicion."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tunesmith import catalog
from tunesmith.evaluate import calibration
from tunesmith.fields import Record, row_key
from tunesmith.findings import Place
from tunesmith.inputs import doubts
from tunesmith.lifecycle import climb, prove
from tunesmith.lifecycle.prepare import Prepared
from tunesmith.recipe.sections import Recipe


@pytest.mark.slow
def test_five_percent_uniform_wrong_labels_in_banking77(shared: Path, tmp_path: Path, seed: int) -> None:
    rows, wrong = planted(shared / "data" / "banking77" / "train.jsonl.gz", seed)
    task = catalog.part("task", "text-classification")()
    recipe = Recipe.model_validate({"data": {"source": "banking77"}, "approach": "linear"})
    groups = {row.key: number for number, row in enumerate(rows)}
    prepared = Prepared(
        task, recipe, "banking77", tuple(rows), (), (), groups, (), {}, {"columns": {}}, len(rows)
    )
    climber = climb.Climber(prepared, tmp_path, tmp_path / "cache")
    rung = climb.Rung("linear", recipe, climber.job(recipe, tmp_path / "linear", None))
    logits, order = drain(prove.out_of_fold(climber, rung))
    truth = prove._truth(climber, rung, order)
    probs = calibration.softmax(logits / calibration.temperature(logits, truth))
    ranked = np.argsort(-doubts.suspicion(probs, truth), kind="stable")
    hits = np.array([order[i].key in wrong for i in ranked])
    shares = [hits[: round(share * len(hits))].sum() / len(wrong) for share in (0.05, 0.10)]
    print(f"first 5 %: {shares[0]:.3f}, first 10 %: {shares[1]:.3f} of {len(wrong)} planted rows")
    assert shares[0] >= 0.60
    assert shares[1] >= 0.80


def planted(path: Path, seed: int) -> tuple[list[Record], set[str]]:
    """The rows with 5 % of their labels replaced by another one, uniformly; and the keys of those."""
    rows = []
    for number, line in enumerate(gzip.decompress(path.read_bytes()).decode().splitlines()):
        value = json.loads(line)
        fields = {"text": value["text"], "label": value["label"]}
        rows.append(Record(fields, Place("train", number + 1), row_key(fields)))
    rng = np.random.default_rng(seed)
    labels = sorted({row.fields["label"] for row in rows})
    wrong = set()
    for index in rng.choice(len(rows), len(rows) // 20, replace=False):
        row = rows[index]
        others = [label for label in labels if label != row.fields["label"]]
        fields = {"text": row.fields["text"], "label": others[rng.integers(len(others))]}
        rows[index] = replace(row, fields=fields, key=row_key(fields))
        wrong.add(rows[index].key)
    return rows, wrong


def drain(events: object) -> object:
    while True:
        try:
            next(events)  # type: ignore[call-overload]
        except StopIteration as ended:
            return ended.value
