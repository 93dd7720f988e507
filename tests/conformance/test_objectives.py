"""What every objective must do: a feed that is a function of (seed, epoch) and can begin anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from miniature import job
from tunesmith import catalog
from tunesmith.data.checking import last

pytestmark = pytest.mark.neural
OBJECTIVES = catalog.names("objective")


def taught(name: str, folder: Path) -> tuple[Any, Any, Any, Any]:
    """(objective, job, net, lesson) on the samples of a task that it serves."""
    objective, made = catalog.part("objective", name)(), job(folder)
    net = made.task.tiny(made.codec)
    return objective, made, net, last(objective.lesson(made, net))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_feed_begun_in_the_middle_is_the_rest_of_the_whole_feed(name: str, tmp_path: Path) -> None:
    objective, made, _, lesson = taught(name, tmp_path)
    whole = [(epoch, [b.rows for b in parts]) for epoch, parts in objective.feed(made, lesson, 0)]
    assert len(whole) == objective.steps(made, lesson)
    for start in (1, 5, len(whole) - 1, len(whole)):
        rest = [(epoch, [b.rows for b in parts]) for epoch, parts in objective.feed(made, lesson, start)]
        assert rest == whole[start:]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_loss_is_a_sum_and_its_terms_are_counted(name: str, tmp_path: Path) -> None:
    objective, made, net, lesson = taught(name, tmp_path)
    _, parts = next(iter(objective.feed(made, lesson, 0)))
    terms = lesson.loss(net, parts[0])
    assert set(terms) == set(parts[0].counts)
    assert all(value.ndim == 0 and value.requires_grad for value in terms.values())
    assert all(count > 0 for count in parts[0].counts.values())
