"""The task's own loss on the task's own rows."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from tunesmith.events import Event
from tunesmith.fields import Record
from tunesmith.parts import Batch, Job, Lesson, Net, NeuralTask, Objective, Task
from tunesmith.train import order


class Supervised(Objective):
    """Every epoch sees every row once; classification, instruction tuning and the like are this on their own tasks."""

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask)

    def shown(self, record: Record) -> Record:
        return record

    def lesson(self, job: Job, net: Net) -> Generator[Event, None, Lesson]:
        assert isinstance(job.task, NeuralTask)
        yield from ()
        return job.task

    def feed(self, job: Job, lesson: Lesson, step: int) -> Iterator[tuple[float, list[Batch]]]:
        return order.feed(job, lesson, step)

    def steps(self, job: Job, lesson: Lesson) -> int:
        return order.steps(job, lesson)
