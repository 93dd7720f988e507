"""What every objective must do: a feed that begins anywhere, a loss that is a sum, the same bits after any stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from lessons import job, served, taught  # noqa: E402
from miniature import fit, weights  # noqa: E402
from tunesmith import catalog  # noqa: E402
from tunesmith.errors import Interrupted  # noqa: E402
from tunesmith.events import Measured, Step  # noqa: E402
from tunesmith.store import files  # noqa: E402

pytestmark = pytest.mark.neural
OBJECTIVES = catalog.names("objective")


def losses(made: Any) -> list[float]:
    return [sum(event.losses.values()) for event in fit(made) if isinstance(event, Step)]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_feed_begun_in_the_middle_is_the_rest_of_the_whole_feed(name: str, tmp_path: Path) -> None:
    made = job(tmp_path, name)
    objective, _, lesson = taught(made)
    whole = [(epoch, [b.rows for b in parts]) for epoch, parts in objective.feed(made, lesson, 0)]
    assert len(whole) == objective.steps(made, lesson)
    for start in (1, 5, len(whole) - 1, len(whole)):
        rest = [(epoch, [b.rows for b in parts]) for epoch, parts in objective.feed(made, lesson, start)]
        assert rest == whole[start:]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_loss_is_a_sum_and_its_terms_are_counted(name: str, tmp_path: Path) -> None:
    made = job(tmp_path, name)
    objective, net, lesson = taught(made)
    _, parts = next(iter(objective.feed(made, lesson, 0)))
    terms = lesson.loss(net, parts[0])
    assert set(terms) == set(parts[0].counts)
    assert all(value.ndim == 0 and value.requires_grad for value in terms.values())
    assert all(count > 0 for count in parts[0].counts.values())


@pytest.mark.parametrize("name", OBJECTIVES)
def test_micro_batches_change_neither_losses_nor_gradients(name: str, tmp_path: Path) -> None:
    found = []
    for budget in (0, 1, 300):
        made = job(tmp_path, name, micro_tokens=budget)
        objective, net, lesson = taught(made)
        _, parts = next(iter(objective.feed(made, lesson, 0)))
        counts = {term: sum(part.counts[term] for part in parts) for term in parts[0].counts}
        sums = dict.fromkeys(counts, 0.0)
        for part in parts:
            terms = lesson.loss(net, part)
            torch.stack([terms[term] / counts[term] for term in terms]).sum().backward()
            sums = {term: sums[term] + float(terms[term].detach()) for term in sums}
        gradients = {key: p.grad for key, p in net.named_parameters() if p.grad is not None}
        found.append((len(parts), sums, counts, gradients))
    assert found[0][0] == 1 <= found[2][0] < found[1][0]  # all rows together, some, each alone
    for _, sums, counts, gradients in found[1:]:
        assert sums == pytest.approx(found[0][1], rel=1e-5)
        assert counts == pytest.approx(found[0][2])
        for key, gradient in gradients.items():
            whole = found[0][3][key]
            assert float((gradient - whole).norm()) <= 1e-5 * float(whole.norm()) + 1e-9, key


@pytest.mark.parametrize("name", OBJECTIVES)
def test_twenty_steps_on_the_same_rows_lower_the_loss(name: str, tmp_path: Path) -> None:
    made = job(tmp_path, name)
    few = job(tmp_path, name, train=made.train[:4], batch_size=4, epochs=20, micro_tokens=0, warmup=0.0)
    found = losses(few)
    assert len(found) == 20
    assert sum(found[-3:]) < 0.97 * sum(found[:3])


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("tuning", ["full", {"name": "lora", "rank": 4}], ids=["full", "lora"])
def test_a_resumed_run_ends_with_the_same_bits_without_its_cache_too(
    name: str, tuning: Any, tmp_path: Path
) -> None:
    whole, half = tmp_path / "whole", tmp_path / "half"
    fit(job(whole, name, tuning=tuning))
    made, taken = job(half, name, tuning=tuning), 0
    with pytest.raises(Interrupted):
        for event in catalog.part("approach", "tune")().fit(made):
            taken += isinstance(event, Step)
            if taken == 4:
                made.stop.set()
    if (half / "cache").exists():
        files.remove(half / "cache")
    fit(job(half, name, tuning=tuning, resume=True))
    assert weights(made) == weights(job(whole, name))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_held_out_rows_are_judged_by_metrics_that_exist(name: str, tmp_path: Path) -> None:
    made = job(tmp_path, name)
    _, _, lesson = taught(made)
    measured = [event for event in fit(made) if isinstance(event, Measured)]
    assert measured
    assert set(measured[-1].scores) == {"score", *lesson.early}
    assert len(lesson.early) == 2


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_row_is_shown_as_the_task_reads_it(name: str, tmp_path: Path) -> None:
    made = job(tmp_path, name)
    objective = catalog.make("objective", made.recipe.objective)
    task = catalog.part("task", served(objective))()
    for row in made.train:
        seen = objective.shown(row)
        assert seen.key == row.key
        assert {field.name for field in task.fields if field.required} <= set(seen.fields)
        assert task.text(seen)
