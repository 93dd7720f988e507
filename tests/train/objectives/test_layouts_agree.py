"""What an objective asks of the weights is what one plain sequence for each answer would: cut rows, uneven parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from lessons import job, taught  # noqa: E402
from tunesmith.nn import preference_losses  # noqa: E402
from tunesmith.train import order  # noqa: E402
from tunesmith.train.objectives._pairs import Scored  # noqa: E402

pytestmark = pytest.mark.neural
WINDOW = 75  # of the miniature's tokens: some prompts are cut, others are whole
PAIRED = ["dpo", {"name": "dpo", "loss": "ipo"}, {"name": "dpo", "label_smoothing": 0.2}, "orpo", "simpo"]
Sums = dict[str, Any]


def learnt(folder: Path, section: Any) -> tuple[Any, Any, Any, list[Any]]:
    """(job, net that has moved from its reference, lesson, examples of rows of which some are cut)."""
    made = job(folder, section)
    made = replace(made, codec=made.codec.with_settings(window=WINDOW))
    _, net, lesson = taught(made)
    with torch.no_grad():
        for number, p in enumerate(net.parameters()):
            p.add_(0.02 * torch.randn(p.shape, generator=torch.Generator().manual_seed(number)))
    examples = [each for row in made.train for each in lesson.encode(row, made.codec, None)]
    rows = [each.values.get("pair") or each.values["row"] for each in examples]
    assert 0 < sum(row.cut > 0 for row in rows) < len(rows)
    assert all(len(row.prompt) + max(len(said.ids) for said in row.answers) <= WINDOW for row in rows)
    return made, net, lesson, examples


def plain(net: Any, prompt: Any, said: Any) -> Any:
    """Log-probability of one answer, by one sequence and the model's own forward."""
    ids = torch.tensor([[*prompt, *said.ids]])
    logprobs = net.backbone(input_ids=ids).logits[0, :-1].log_softmax(-1)
    picked = logprobs[torch.arange(len(prompt) - 1, ids.shape[1] - 1), ids[0, len(prompt) :]]
    return (picked * torch.tensor(said.weights)).sum()


def of_parts(net: Any, lesson: Any, made: Any, parts: list[list[Any]], **more: Any) -> Sums:
    """Loss terms over micro-batches; their gradients stay in the net."""
    total: Sums = {}
    for part in parts:
        batch = lesson.collate(part, made.codec)
        batch = replace(batch, tensors={**batch.tensors, **more})
        terms = lesson.loss(net, batch)
        torch.stack(list(terms.values())).sum().backward()
        total = {name: total.get(name, 0.0) + float(term.detach()) for name, term in terms.items()}
    return total


def uneven(examples: list[Any]) -> list[list[Any]]:
    """Micro-batches by a budget, and so of unequal numbers of rows."""
    parts = order.micro(examples, 3 * WINDOW)
    assert len({len(part) for part in parts}) > 1
    return parts


def compare(net: Any, ours: Sums, theirs: Sums) -> None:
    """ours: with its gradients in the net.  theirs: terms whose gradients are still to come."""
    gradients = {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}
    net.zero_grad()
    torch.stack(list(theirs.values())).sum().backward()
    assert ours == pytest.approx({name: float(term.detach()) for name, term in theirs.items()}, rel=1e-5)
    assert gradients
    for name, p in net.named_parameters():
        if p.grad is not None:
            assert float((gradients[name] - p.grad).norm()) <= 1e-5 * float(p.grad.norm()), name


@pytest.mark.parametrize("section", PAIRED, ids=str)
def test_pairs_that_share_a_prompt_are_as_two_sequences_each(section: Any, tmp_path: Path) -> None:
    made, net, lesson, examples = learnt(tmp_path, section)
    assert lesson.shared
    ours = of_parts(net, lesson, made, uneven(examples))
    pairs = [each.values["pair"] for each in examples]
    policy = torch.stack(
        [torch.stack([plain(net, row.prompt, said) for said in row.answers]) for row in pairs]
    )
    none = torch.zeros(2).numpy()
    reference = torch.stack([torch.tensor(lesson.reference.get(each.row, none)) for each in examples])
    sizes = torch.tensor([[said.size for said in row.answers] for row in pairs])
    compare(net, ours, lesson.objective.sums(Scored(policy, reference, sizes)))


def test_judged_answers_are_as_a_sequence_each(tmp_path: Path) -> None:
    section = {"name": "kto", "desirable": 1.3, "undesirable": 0.7}
    made, net, lesson, examples = learnt(tmp_path, section)
    parts = uneven(examples)
    from tunesmith.train.objectives import _judged

    whole = _judged.Baseline([lesson.collate(part, made.codec).tensors for part in parts])
    ours = of_parts(net, lesson, made, parts, baseline=whole)
    rows = [each.values["row"] for each in examples]
    reference = torch.stack([torch.tensor(lesson.reference[each.row]) for each in examples])
    asked = [[plain(net, row.prompt, said) for said in row.answers] for row in rows]
    paired = [at for at, said in enumerate(asked) if len(said) > 1]
    far = torch.stack([asked[at][1].detach() for at in paired]) - reference[paired, 1]
    moved = torch.stack([said[0] for said in asked]) - reference[:, 0]
    wanted = torch.tensor([each.values["wanted"] for each in examples])
    loss = preference_losses.kto_sum(moved, wanted, far.mean().clamp(min=0), 0.1, 1.3, 0.7)
    compare(net, ours, {"answer": loss})
