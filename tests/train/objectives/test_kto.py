"""Answers judged one by one: mismatched pairs, one baseline for a whole step, the paper's formula."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from lessons import job, taught, unpaired  # noqa: E402
from tunesmith import catalog  # noqa: E402
from tunesmith.fields import Record  # noqa: E402
from tunesmith.tasks import _language  # noqa: E402
from tunesmith.train import order  # noqa: E402
from tunesmith.train.objectives import _judged, _layout  # noqa: E402

pytestmark = pytest.mark.neural


def moved(net: Any, scale: float = 0.02) -> Any:
    with torch.no_grad():
        for number, p in enumerate(net.parameters()):
            p.add_(scale * torch.randn(p.shape, generator=torch.Generator().manual_seed(number)))
    return net


def sums(net: Any, rows: list[Any]) -> list[float]:
    with torch.no_grad():
        return _layout.answer_sums(net, _layout.tensors(rows, 0, shared=False))[:, 0].tolist()


def test_every_prompt_is_matched_with_the_answer_to_another_one() -> None:
    rows = unpaired()
    found = _judged.partners(rows)
    answers = {str(row.fields["completion"]): row.fields["prompt"] for row in rows}
    assert set(found) == {row.key for row in rows}
    assert all(answers[str(found[row.key])] != row.fields["prompt"] for row in rows)
    assert _judged.partners(rows[::-1]) == found


def test_rows_that_share_one_prompt_have_no_other_answer() -> None:
    rows = [replace(row, fields={**row.fields, "prompt": []}) for row in unpaired()[:3]]
    assert _judged.partners(rows) == {}
    assert _judged.partners([Record({"prompt": [], "completion": []}, key="0")]) == {}


def test_the_loss_is_that_of_the_paper(tmp_path: Path) -> None:
    section = {"name": "kto", "beta": 0.3, "desirable": 1.2, "undesirable": 0.8}
    made = job(tmp_path, section, micro_tokens=0)
    _, net, lesson = taught(made)
    examples = [each for row in made.train for each in lesson.encode(row, made.codec, None)]
    own = [_judged._only(each, 0) for each in examples]
    others = [_judged._only(each, 1) for each in examples]
    before = sums(net, own), sums(net, others)
    moved(net)
    after = sums(net, own), sums(net, others)
    baseline = max(0.0, sum(a - b for a, b in zip(after[1], before[1], strict=True)) / len(own))
    expected = 0.0
    for example, a, b in zip(examples, after[0], before[0], strict=True):
        wanted = example.values["wanted"]
        away = (a - b - baseline) * (1 if wanted else -1)
        expected += (1.2 if wanted else 0.8) * (1 - 1 / (1 + math.exp(-0.3 * away)))
    batch = lesson.collate(examples, made.codec)
    assert float(lesson.loss(net, batch)["answer"]) == pytest.approx(expected, rel=1e-4)


def test_the_baseline_is_of_the_whole_step_and_follows_the_weights(tmp_path: Path) -> None:
    made = job(tmp_path, "kto", micro_tokens=1)
    objective, net, lesson = taught(made)
    _, parts = next(iter(objective.feed(made, lesson, 0)))
    assert len(parts) > 1
    assert len({id(part.tensors["baseline"]) for part in parts}) == 1
    shared = parts[0].tensors["baseline"]
    assert float(shared.of(net)) < 1e-4
    asked: list[int] = []
    plain = net.token_logprobs
    net.token_logprobs = lambda tensors: asked.append(1) or plain(tensors)
    for number in range(1, 9):
        moved(net, 0.02 * number)
    value = shared.of(net)
    first = len(asked)
    assert first == len(parts)
    assert shared.of(net) is value
    assert len(asked) == first
    assert not value.requires_grad
    assert float(value) >= 0.0


def test_unwanted_rows_are_shown_as_prompts_and_wanted_ones_with_their_answer(tmp_path: Path) -> None:
    made = job(tmp_path, "kto")
    objective, _, _ = taught(made)
    for row in made.train:
        turns = objective.shown(row).fields["messages"]
        assert (turns[-1]["role"] == "assistant") is row.fields["label"]


def test_held_out_answers_are_judged_by_whether_they_became_likelier(tmp_path: Path) -> None:
    made = job(tmp_path, "kto")
    _, _, lesson = taught(made)
    row = made.validation[0]
    wanted, unwanted, unseen = (lesson.decode(row, out, made.codec) for out in ([[2.0]], [[-2.0]], []))
    assert (wanted.label, unwanted.label) == ("wanted", "unwanted")
    assert wanted.confidence == pytest.approx(1 / (1 + math.exp(-2)))
    assert unseen.abstain
    found = lesson.outcomes(made.validation, [wanted] * len(made.validation), [1] * len(made.validation))
    assert found.hits.tolist() == [row.fields["label"] for row in made.validation]


def pairs() -> list[Record]:
    """Two answers to each prompt, one wanted and one not, rows in no order."""
    made = [
        {"prompt": row.fields["prompt"], "completion": said, "label": label}
        for row in unpaired()
        for said, label in (
            (row.fields["completion"], True),
            ([{"role": "assistant", "content": "No."}], False),
        )
    ]
    rows = _language.records(made)
    return rows[::2] + rows[1::2]


@pytest.mark.parametrize("micro_tokens", [0, 300])
def test_answers_to_one_prompt_come_in_one_step_and_every_row_once_an_epoch(
    micro_tokens: int, tmp_path: Path
) -> None:
    rows = pairs()
    made = replace(job(tmp_path, "kto", epochs=1, batch_size=8, micro_tokens=micro_tokens), train=rows)
    objective, _, lesson = taught(made)
    steps = [[row for part in parts for row in part.rows] for _, parts in objective.feed(made, lesson, 0)]
    assert len(steps) == objective.steps(made, lesson) == round(len(rows) / 8)
    assert sorted(row for step in steps for row in step) == sorted(row.key for row in rows)
    prompts = {row.key: str(row.fields["prompt"]) for row in rows}
    for step in steps:
        counts = Counter(prompts[row] for row in step)
        assert set(counts.values()) == {2}


def test_without_repeated_prompts_the_order_is_that_of_single_rows(tmp_path: Path) -> None:
    made = job(tmp_path, "kto", micro_tokens=0)
    objective, _, lesson = taught(made)
    plain = [[part.rows for part in parts] for _, parts in order.feed(made, lesson, 0)]
    assert [[part.rows for part in parts] for _, parts in objective.feed(made, lesson, 0)] == plain


def test_held_out_answers_are_judged_from_where_mismatched_ones_are(tmp_path: Path) -> None:
    made = job(tmp_path, {"name": "kto", "beta": 0.5})
    _, net, lesson = taught(made)
    examples = [each for row in made.validation for each in lesson.encode(row, made.codec, None)]
    batch = lesson.collate(examples, made.codec)
    looked_at = [row for part in _judged._looked_at(examples) for row in part]
    assert looked_at == []  # held-out rows carry no mismatched answers
    gained = [
        {**part, "mismatched_reference": part["mismatched_reference"] - 3} for part in lesson.point._parts
    ]
    assert sum(len(part["mismatched_reference"]) for part in gained) == len(made.train)
    with torch.no_grad():
        seen = [float(each[0]) for each in lesson.predict(net, batch, made.codec)]
        lesson.point = _judged.Baseline(gained)
        judged = [float(each[0]) for each in lesson.predict(net, batch, made.codec)]
    assert seen == pytest.approx([0.0] * len(seen), abs=1e-4)
    assert judged == pytest.approx([-0.5 * 3] * len(seen), abs=1e-3)


def test_samples_hold_both_kinds_on_every_side_of_a_rehearsal(tmp_path: Path) -> None:
    made = job(tmp_path, "kto")
    rows = catalog.make("objective", made.recipe.objective).samples(made.task)
    for side in (rows[::2], rows[1::4], rows[3::4]):
        assert {row.fields["label"] for row in side} == {True, False}
