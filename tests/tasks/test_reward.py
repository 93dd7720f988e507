"""Reward models: pairs in an order that the row decides, the Bradley-Terry loss, scores of single conversations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from lessons import job, net_of  # noqa: E402
from miniature import fit  # noqa: E402
from tunesmith import catalog  # noqa: E402
from tunesmith.events import Measured  # noqa: E402
from tunesmith.fields import Record  # noqa: E402
from tunesmith.train.engine import local  # noqa: E402

pytestmark = pytest.mark.neural


def swapped(row: Record) -> Record:
    fields = {**row.fields, "chosen": row.fields["rejected"], "rejected": row.fields["chosen"]}
    return Record(fields, row.place, row.key)


def test_the_order_is_the_rows_own_and_both_occur() -> None:
    task = catalog.part("task", "reward")()
    targets = [task.target(row) for row in task.samples()]
    assert set(targets) == {"first", "second"}
    row = task.samples()[0]
    assert task.target(Record(row.fields)) == task.target(row)  # without a key, by its content


def test_the_model_reads_answers_and_not_which_one_was_chosen(tmp_path: Path) -> None:
    made = job(tmp_path, task="reward")
    net = net_of(made)
    for row in made.train:
        rewards = local.predict(net, made.task, made.codec, [row])[0][0]
        other = local.predict(net, made.task, made.codec, [swapped(row)])[0][0]
        # the same key puts the chosen answer at the same place, so the rewards change places
        assert np.allclose(rewards, other[::-1], atol=1e-6)


def test_the_loss_is_bradley_terry_with_a_pull_to_zero(tmp_path: Path) -> None:
    made = job(tmp_path, task={"name": "reward", "centre": 0.5})
    net = net_of(made)
    examples = [each for row in made.train[:4] for each in made.task.encode(row, made.codec, None)]
    batch = made.task.collate(examples, made.codec)
    assert dict(batch.counts) == {"pair": 4.0}
    expected = 0.0
    for row in made.train[:4]:
        first, second = local.predict(net, made.task, made.codec, [row])[0][0]
        better, worse = (first, second) if made.task.target(row) == "first" else (second, first)
        expected += np.log1p(np.exp(worse - better)) + 0.5 * ((better + worse) / 2) ** 2
    assert float(made.task.loss(net, batch)["pair"].detach()) == pytest.approx(expected, rel=1e-5)


def test_a_conversation_alone_is_scored_against_an_ordinary_answer(tmp_path: Path) -> None:
    made = job(tmp_path, task="reward")
    net, row = net_of(made), made.train[0]
    alone = Record({"prompt": row.fields["prompt"], "chosen": row.fields["chosen"]})
    rewards = local.predict(net, made.task, made.codec, [alone])[0][0]
    assert rewards[1] == 0.0
    assert made.task.target(alone) is None
    prediction = made.task.decode(alone, [rewards], made.codec)
    chance = dict(zip(prediction.labels, prediction.probs, strict=True))["first"]
    assert chance == pytest.approx(1 / (1 + np.exp(-rewards[0])), rel=1e-5)


def test_training_tells_the_better_answers_apart(tmp_path: Path) -> None:
    made = job(tmp_path, task="reward", epochs=15)
    made = type(made)(**{**made.__dict__, "validation": made.train})
    measured = [event.scores for event in fit(made) if isinstance(event, Measured)]
    assert measured[-1]["accuracy"] > 0.9
