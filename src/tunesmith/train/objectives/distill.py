"""Learns what a larger model says at each token, beside the rows' own words."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import ClassVar

from pydantic import Field

from tunesmith.events import Event
from tunesmith.fields import Record
from tunesmith.parts import Batch, Job, Lesson, Net, Objective, Task
from tunesmith.tasks._language import LanguageTask
from tunesmith.train import order
from tunesmith.train.objectives import _taught


class Distill(Objective):
    """Distillation of token probabilities (Hinton et al. 2015, arXiv 1503.02531): hard · loss + (1 − hard) · T² ·
    KL(teacher ‖ student) at the temperature T, each a mean over learnt tokens.

    The teacher reads every row once, before the first step; of each token its `top` likeliest words are stored, all
    others count as one word.  The folder of what is stored can be named as the teacher of other runs, which then need
    no teacher in memory.
    """

    content: ClassVar[str] = ""

    teacher: str = Field(
        "", description="folder of a larger model with the same tokens, or of logits that a run stored"
    )
    temperature: float = Field(2.0, gt=0, description="above 1: unlikely words count more")
    hard: float = Field(0.1, ge=0, lt=1, description="share of the rows' own words in the loss")
    top: int = Field(32, ge=1, description="likeliest words of the teacher that are stored of each token")

    def serves(self, task: Task) -> bool:
        return isinstance(task, LanguageTask)

    def shown(self, record: Record) -> Record:
        return record

    def lesson(self, job: Job, net: Net) -> Generator[Event, None, Lesson]:
        assert isinstance(job.task, LanguageTask)
        ways = _taught.Ways(self.temperature, self.hard, self.top)
        known = yield from _taught.known(job, self.teacher, ways)
        return _taught.Taught(job.task, ways, known, _taught.shape(net))

    def feed(self, job: Job, lesson: Lesson, step: int) -> Iterator[tuple[float, list[Batch]]]:
        return order.feed(job, lesson, step)

    def steps(self, job: Job, lesson: Lesson) -> int:
        return order.steps(job, lesson)
