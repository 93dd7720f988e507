"""What every task must do, whatever it is about."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from tunesmith import catalog
from tunesmith.fields import row_key
from tunesmith.parts import Answer, Codec, Draw, NeuralTask, Profile, Task
from tunesmith.recipe.sections import Recipe
from tunesmith.recipe.setting import with_values
from tunesmith.train.engine import local

TASKS = catalog.names("task")


def made(name: str) -> tuple[Task, Profile]:
    task = catalog.part("task", name)()
    rows = task.samples()
    return task, Profile(len(rows), Counter(task.target(row) or "" for row in rows))


def neural(name: str) -> tuple[NeuralTask, Codec, Any]:
    task, profile = made(name)
    if not isinstance(task, NeuralTask):
        pytest.skip(f"{name} has no network; this test is about networks")
    codec = task.tiny_codec(profile)
    return task, codec, task.tiny(codec)


@pytest.mark.parametrize("name", TASKS)
def test_samples_are_records_of_the_task_with_keys_and_targets(name: str) -> None:
    task, _ = made(name)
    rows = task.samples()
    assert len(rows) >= 24
    required = {field.name for field in task.fields if field.required}
    assert all(required <= set(row.fields) for row in rows)
    assert all(row.key == row_key(row.fields) for row in rows)
    assert len({row.key for row in rows}) == len(rows)
    assert all(task.text(row) for row in rows)
    assert all(task.target(row) for row in rows) or not any(task.target(row) for row in rows)


@pytest.mark.parametrize("name", TASKS)
def test_the_rows_that_are_compared_are_always_the_same_ones(name: str) -> None:
    task, _ = made(name)
    rows = task.samples()
    assert task.measured(rows) == [row for row in rows if row in task.measured(rows[::-1])]


@pytest.mark.parametrize("name", TASKS)
def test_advice_is_about_keys_of_the_recipe(name: str) -> None:
    recipe = Recipe.model_validate({"data": {"source": "samples"}})
    task, _ = made(name)
    assert with_values(recipe, task.advice, by="advice").train


@pytest.mark.neural
@pytest.mark.parametrize("name", TASKS)
def test_outcomes_take_the_order_of_the_rows_and_know_what_is_right(name: str) -> None:
    task, codec, net = neural(name)
    rows = task.samples()[:6]
    outputs = local.predict(net, task, codec, rows, task.reply)
    decoded = [task.decode(row, out, codec) for row, out in zip(rows, outputs, strict=True)]
    found = task.outcomes(rows, decoded, [row.key for row in rows])
    assert found.rows == tuple(row.key for row in rows)
    assert found.truths() == [task.target(row) for row in rows]
    assert found.hits.shape == (6,)
    for metric in task.early:
        assert np.isfinite(catalog.part("metric", metric)().value(found, np.ones(6)))
    assert found.take(np.array([4, 1])).rows == (rows[4].key, rows[1].key)


@pytest.mark.parametrize("name", TASKS)
def test_metrics_exist_and_judge_this_kind_of_prediction(name: str) -> None:
    task, _ = made(name)
    for metric in task.metrics:
        assert catalog.part("metric", metric).predicts == task.predicts


@pytest.mark.parametrize("name", TASKS)
def test_the_codec_is_a_pure_function_without_a_base_too(name: str) -> None:
    task, profile = made(name)
    assert task.codec(None, profile) == task.codec(None, profile)


@pytest.mark.neural
@pytest.mark.parametrize("name", TASKS)
def test_encoding_is_a_function_of_seed_epoch_and_row(name: str) -> None:
    task, codec, _ = neural(name)
    row = task.samples()[0]
    assert task.encode(row, codec, None) == task.encode(row, codec, None)
    assert task.encode(row, codec, Draw(3, 1)) == task.encode(row, codec, Draw(3, 1))
    assert all(example.length >= 1 and example.row == row.key for example in task.encode(row, codec, None))


@pytest.mark.neural
@pytest.mark.parametrize("name", TASKS)
def test_padding_order_and_batch_size_change_neither_loss_nor_outputs(name: str) -> None:
    import torch

    task, codec, net = neural(name)
    net.eval()
    rows = task.samples()[:12]
    examples = [example for row in rows for example in task.encode(row, codec, None)]
    with torch.no_grad():
        whole = {k: float(v) for k, v in task.loss(net, task.collate(examples, codec)).items()}
        parts = [task.collate(part, codec) for part in (examples[7:], examples[:7])]
        summed = {term: sum(float(task.loss(net, part)[term]) for part in parts) for term in whole}
        counts = {term: sum(part.counts[term] for part in parts) for term in whole}
    assert summed == pytest.approx(whole, rel=1e-5)
    assert counts == pytest.approx(dict(task.collate(examples, codec).counts))
    together = local.predict(net, task, codec, rows)
    alone = [local.predict(net, task, codec, [row])[0] for row in rows]
    for a, b in zip(together, alone, strict=True):
        assert np.allclose(numbers(a[0]), numbers(b[0]), atol=1e-4)


def numbers(output: Any) -> Any:
    """An output as numbers."""
    if isinstance(output, Answer):
        told = output.likelihood
        return [told.nll, told.tokens, told.right] if told else []
    return output


@pytest.mark.neural
@pytest.mark.parametrize("name", [name for name in TASKS if catalog.part("task", name).predicts == "text"])
def test_answers_stand_in_their_rows_alone_and_together(name: str) -> None:
    task, codec, net = neural(name)
    rows = task.samples()[:5]
    together = local.predict(net, task, codec, rows, task.reply)
    alone = [local.predict(net, task, codec, [row], task.reply)[0] for row in rows]
    for row, a, b in zip(rows, together, alone, strict=True):
        one, other = task.decode(row, a, codec), task.decode(row, b, codec)
        assert (one.text, one.tokens, one.stopped) == (other.text, other.tokens, other.stopped)
        assert one.tokens <= codec.settings["answer_tokens"]


@pytest.mark.neural
@pytest.mark.parametrize("name", [name for name in TASKS if catalog.part("task", name).predicts == "label"])
def test_decoding_gives_probabilities_and_honours_temperature_and_threshold(name: str) -> None:
    task, codec, net = neural(name)
    row = task.samples()[0]
    outputs = local.predict(net, task, codec, [row])[0]
    plain = task.decode(row, outputs, codec)
    flat = task.decode(row, outputs, codec.with_settings(temperature=50.0, threshold=0.99))
    assert plain.probs.sum() == pytest.approx(1.0)
    assert plain.confidence == pytest.approx(plain.probs.max())
    assert flat.confidence < plain.confidence
    assert flat.abstain
    assert not plain.abstain
    assert flat.label == plain.label


@pytest.mark.neural
@pytest.mark.parametrize("name", TASKS)
def test_embeddings_are_finite_vectors_of_one_length(name: str) -> None:
    task, codec, net = neural(name)
    vectors = local.predict(net, task, codec, task.samples()[:5], task.embed)
    shapes = {vector[0].shape for vector in vectors}
    assert len(shapes) == 1
    assert all(np.isfinite(vector[0]).all() for vector in vectors)
