"""Answers judged one by one: mismatched pairs, one baseline for a whole step, the paper's formula."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from lessons import job, taught, unpaired  # noqa: E402
from tunesmith.fields import Record  # noqa: E402
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
