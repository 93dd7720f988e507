"""Pairs of answers: both layouts agree, references are computed once, held-out pairs are judged fairly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from lessons import job, net_of, taught  # noqa: E402
from miniature import fit, weights  # noqa: E402
from tunesmith import catalog  # noqa: E402
from tunesmith.data.checking import last  # noqa: E402
from tunesmith.errors import UsageError  # noqa: E402
from tunesmith.events import Note, Progress  # noqa: E402
from tunesmith.nn import preference_losses  # noqa: E402
from tunesmith.tasks import _language  # noqa: E402
from tunesmith.train.engine import local  # noqa: E402
from tunesmith.train.objectives import _pairs, _rows  # noqa: E402

pytestmark = pytest.mark.neural
OBJECTIVES = [
    "dpo",
    {"name": "dpo", "loss": "ipo"},
    {"name": "dpo", "label_smoothing": 0.2},
    {"name": "dpo", "length_normalised": True},
    "orpo",
    "simpo",
]


def asked_reference(events: Any) -> int:
    return sum(isinstance(event, Progress) and event.stage == "reference" for event in events)


def moved(net: Any) -> Any:
    """The same net a little further, so that it is not its own reference."""
    with torch.no_grad():
        for number, p in enumerate(net.parameters()):
            p.add_(0.02 * torch.randn(p.shape, generator=torch.Generator().manual_seed(number)))
    return net


@pytest.mark.parametrize("section", OBJECTIVES, ids=str)
def test_gradients_of_the_shared_prompt_are_those_of_two_sequences(section: Any, tmp_path: Path) -> None:
    made = job(tmp_path, section)
    _, net, lesson = taught(made)
    assert lesson.shared
    moved(net)
    found = []
    for shared in (True, False):
        lesson.shared = shared
        net.zero_grad()
        examples = [each for row in made.train for each in lesson.encode(row, made.codec, None)]
        batch = lesson.collate(examples, made.codec)
        assert ("blocks" in batch.tensors) is shared
        terms = lesson.loss(net, batch)
        torch.stack(list(terms.values())).sum().backward()
        values = {name: float(term.detach()) for name, term in terms.items()}
        found.append((values, {name: p.grad.clone() for name, p in net.named_parameters()}))
    (one, first), (two, second) = found
    assert one == pytest.approx(two, rel=1e-5)
    for name, gradient in first.items():
        assert float((gradient - second[name]).norm()) <= 1e-5 * float(second[name].norm()), name


def test_log_probabilities_are_those_of_the_plain_model(tmp_path: Path) -> None:
    made = job(tmp_path, "simpo")
    _, net, lesson = taught(made)
    (example,) = lesson.encode(made.train[0], made.codec, None)
    scored = lesson.scored(net, lesson.collate([example], made.codec))
    row = example.values["pair"]
    for number, said in enumerate(row.answers):
        ids = torch.tensor([[*row.prompt, *said.ids]])
        logprobs = net.backbone(input_ids=ids).logits[0].log_softmax(-1)
        places = range(len(row.prompt), ids.shape[1])
        plain = sum(float(logprobs[at - 1, ids[0, at]]) for at in places)
        assert float(scored.policy[0, number].detach()) == pytest.approx(plain, rel=1e-5)
        assert float(scored.sizes[0, number]) == len(said.ids)


def test_as_the_run_begins_policy_and_reference_are_the_same(tmp_path: Path) -> None:
    made = job(tmp_path, "dpo")
    _, net, lesson = taught(made)
    outputs = local.predict(net, lesson, made.codec, made.train)
    assert max(abs(float(each[0][0])) for each in outputs) < 1e-4


def test_the_reference_is_computed_once_and_read_by_other_runs(tmp_path: Path) -> None:
    assert asked_reference(fit(job(tmp_path, "dpo"))) > 0
    other = {"name": "dpo", "beta": 0.7, "loss": "ipo"}
    assert asked_reference(fit(job(tmp_path, other, epochs=1))) == 0


@pytest.mark.parametrize("change", ["rows", "weights", "window", "template"])
def test_a_reference_of_something_else_is_never_taken(change: str, tmp_path: Path) -> None:
    made = job(tmp_path, "dpo")
    objective, net, _ = taught(made)
    if change == "rows":
        made = replace(made, train=made.train[1:])
    if change == "weights":
        moved(net)
    if change == "window":
        made = replace(made, codec=made.codec.with_settings(window=100))
    if change == "template":
        plain = "{% for m in messages %}{{ m.role }}: {{ m.content }}[SEP]{% endfor %}"
        made = replace(made, codec=made.codec.with_settings(template=plain))
    assert asked_reference(objective.lesson(made, net)) > 0


def test_a_damaged_reference_is_set_aside_and_computed_again_with_the_same_bits(tmp_path: Path) -> None:
    fit(job(tmp_path, "dpo"))
    before = weights(job(tmp_path, "dpo"))
    (kept,) = (tmp_path / "cache" / "references").glob("*/tensors.safetensors")
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(bytes(content))
    events = fit(job(tmp_path / "again", "dpo"))
    assert weights(job(tmp_path / "again", "dpo")) == before
    folder = replace(job(tmp_path, "dpo"), folder=tmp_path / "third")
    events = fit(folder)
    assert any(isinstance(event, Note) and "computed again" in event.text for event in events)
    assert weights(folder) == before


def test_which_answer_stands_first_is_decided_by_the_row_alone(tmp_path: Path) -> None:
    made = job(tmp_path, "dpo")
    labels = [_pairs.chosen_label(row) for row in made.train + made.validation]
    assert set(labels) == set(_pairs.LABELS)
    for row in made.train:
        sure, wrong, unsure = (_pairs.decided(row, odds) for odds in (3.0, -3.0, None))
        assert sure.label == _pairs.chosen_label(row) != wrong.label
        assert sure.confidence == pytest.approx(1 / (1 + np.exp(-3.0)))
        assert sure.probs.sum() == pytest.approx(1.0)
        assert unsure.abstain
        assert unsure.probs.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("name", ["dpo", "simpo", "orpo"])
def test_what_was_learnt_is_what_is_preferred(name: str, tmp_path: Path) -> None:
    section = {"name": name, "weight": 5.0} if name == "orpo" else name
    made = job(tmp_path, section, epochs=10)
    few = replace(made, train=made.train[:6], validation=made.train[:6])
    measured = [event.scores for event in fit(few) if type(event).__name__ == "Measured"]
    assert measured[-1]["accuracy"] > 0.9


# ---- prompts and answers as tokens ------------------------------------------------------------------------------


def pair(prompt: str, chosen: str, rejected: str) -> Any:
    def said(text: str) -> list[dict[str, str]]:
        return [{"role": "assistant", "content": text}]

    fields = {
        "prompt": [{"role": "user", "content": prompt}],
        "chosen": said(chosen),
        "rejected": said(rejected),
    }
    return _language.records([fields])[0]


def asked(made: Any, row: Any, **settings: Any) -> Any:
    codec = made.codec.with_settings(**settings)
    answers = [row.fields["chosen"], row.fields["rejected"]]
    return _rows.asked(made.task, codec, row.fields["prompt"], answers, None)


def test_what_both_answers_begin_with_is_learnt_in_both(tmp_path: Path) -> None:
    made = job(tmp_path, "dpo")
    found = asked(made, pair("Where?", "In the shop.", "In the sea."))
    one, two = found.answers
    same = [a == b for a, b in zip(one.ids, two.ids, strict=False)]
    assert same[:7] == [True] * 7  # "In the " belongs to the answers, not to the prompt
    assert min(one.weights) == min(two.weights) == 1.0


@pytest.mark.parametrize("policy", ["left", "right", "drop"])
def test_a_row_longer_than_the_window_is_cut_alike_for_both_answers(policy: str, tmp_path: Path) -> None:
    made = job(tmp_path, "dpo")
    row = pair("Where is it? " * 9, "In the shop.", "At home.")
    whole = asked(made, row, window=0)
    found = asked(made, row, window=60, truncation=policy)
    if policy != "left":
        assert found is None  # the prompt alone is longer
        return
    assert len(found.prompt) + max(len(said.ids) for said in found.answers) == 60
    assert found.answers == whole.answers
    assert found.cut > 0
    tail = len(found.prompt) - 1
    assert found.prompt[-tail:] == whole.prompt[-tail:]


def test_answers_are_cut_at_their_end_where_that_is_wished(tmp_path: Path) -> None:
    made = job(tmp_path, "dpo")
    row = pair("Where?", "In the shop behind the house.", "No.")
    found = asked(made, row, window=len(asked(made, row, window=0).prompt) + 8, truncation="right")
    assert [len(said.ids) for said in found.answers] == [8, 8]


def test_rows_without_room_are_counted_and_none_left_is_an_error(tmp_path: Path) -> None:
    made = job(tmp_path, "dpo")
    objective, net, _ = taught(made)
    shortest = replace(made, codec=made.codec.with_settings(window=60))
    notes = [event.text for event in objective.lesson(shortest, net) if isinstance(event, Note)]
    assert any("are left out" in text for text in notes)
    with pytest.raises(UsageError) as refused:
        last(objective.lesson(replace(made, codec=made.codec.with_settings(window=5)), net))
    assert refused.value.code == "C151"


@pytest.mark.parametrize("name", ["dpo", "simpo", "orpo", "kto"])
def test_pairs_are_not_divided_into_windows(name: str, tmp_path: Path) -> None:
    made = job(tmp_path, name)
    made = replace(made, codec=made.codec.with_settings(truncation="split"))
    with pytest.raises(UsageError) as refused:
        last(catalog.make("objective", made.recipe.objective).lesson(made, net_of(made)))
    assert refused.value.code == "C150"


@pytest.mark.parametrize("name", ["dpo", "simpo", "orpo", "kto"])
def test_answers_to_conversations_and_to_plain_prompts_can_be_preferred(name: str) -> None:
    objective = catalog.part("objective", name)()
    served = {task for task in catalog.names("task") if objective.serves(catalog.part("task", task)())}
    assert served == {"chat", "completion"}


def test_smoothing_that_nothing_reads_is_refused() -> None:
    with pytest.raises(ValueError, match="no effect"):
        catalog.part("objective", "dpo")(loss="ipo", label_smoothing=0.1)


def test_a_window_that_slides_gets_two_sequences(tmp_path: Path) -> None:
    made = job(tmp_path, "simpo")
    net = net_of(made)
    net.backbone.config.model_type, net.backbone.config.sliding_window = "mistral", 16
    objective = catalog.make("objective", made.recipe.objective)
    assert last(objective.lesson(made, net)).shared is False
    assert preference_losses.margin(torch.zeros(1, 2), torch.zeros(1, 2)).tolist() == [0.0]
