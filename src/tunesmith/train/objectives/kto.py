"""Learns from answers that were found good or bad, each by itself (KTO)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from tunesmith.events import Event
from tunesmith.fields import Record
from tunesmith.parts import Batch, Job, Lesson, Net, Objective, Task
from tunesmith.tasks import _language, _samples
from tunesmith.tasks._language import LanguageTask
from tunesmith.train import order
from tunesmith.train.objectives import _judged, _prompts, _rows


class Kto(Objective):
    """Kahneman-Tversky optimisation (Ethayarajh et al. 2024, arXiv 2402.01306).

    The reference is the net as the run begins.  The divergence from it, around which answers are valued, is estimated
    as in the paper from mismatched pairs: each prompt of a step with the answer of another row, the mean of
    log policy − log reference, never below zero, without gradient.  Which answer that is, is fixed for a run (that of
    the next row in the order of keys that has another prompt), so that the reference of these pairs is computed once
    too; the mean is over the whole step, however it is divided into micro-batches.

    Answers to one prompt come in one step: what they share cancels out of the gradient, and what tells the wanted from
    the unwanted one is left.
    """

    content: ClassVar[str] = "unpaired"
    usual: ClassVar[bool] = True
    rate: ClassVar[float] = 0.125  # with more it is too sure of itself: measured, bench/preferences.py

    beta: float = Field(0.1, gt=0, description="how much moving away from the reference costs")
    desirable: float = Field(1.0, gt=0, description="weight of answers that are wanted")
    undesirable: float = Field(1.0, gt=0, description="weight of answers that are not wanted")

    def serves(self, task: Task) -> bool:
        return _rows.serves(task)

    def shown(self, record: Record) -> Record:
        """A row that is not wanted is shown as its prompt alone: no answer is the right one."""
        fields = record.fields
        said = fields["completion"] if fields["label"] else []
        return _rows.shown(record, [*fields["prompt"], *said])

    def samples(self, task: Task) -> list[Record]:
        """A few dozen judged answers written for this project: of two pairs the better, of the next the worse one."""
        made = []
        for number, pair in enumerate(_samples.preferences()):
            wanted = number % 3 > 0
            said = pair["chosen" if wanted else "rejected"]
            made.append({"prompt": pair["prompt"], "completion": said, "label": wanted})
        return _language.records(made)

    def lesson(self, job: Job, net: Net) -> Generator[Event, None, Lesson]:
        _rows.require_whole(job)
        assert isinstance(job.task, LanguageTask)
        lesson = _judged.Judged(
            job.task, self.beta, self.desirable, self.undesirable, _judged.partners(job.train)
        )
        yield from _judged.prepare(job, net, lesson)
        return lesson

    def feed(self, job: Job, lesson: Lesson, step: int) -> Iterator[tuple[float, list[Batch]]]:
        for epoch, parts in order.feed(*_prompts.together(job, lesson), step):
            whole = _judged.Baseline([part.tensors for part in parts])
            yield epoch, [replace(part, tensors={**part.tensors, "baseline": whole}) for part in parts]

    def steps(self, job: Job, lesson: Lesson) -> int:
        return order.steps(*_prompts.together(job, lesson))
