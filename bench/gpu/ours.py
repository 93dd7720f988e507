"""tunesmith's engine: the loop's own primitives on a network, a tuning and a lesson of the product."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.gpu import arm, clock, work


class Learner:
    """One set of moving weights with its engine and lesson."""

    def __init__(self, course: arm.Course, net: Any, lesson: Any, tuning: Any, job: Any) -> None:
        from tunesmith.train.engine import local

        dtype = "bfloat16" if course.device == "cuda" else "float32"
        self.engine = local.Local(job, net, tuning, lesson, {}, dtype)
        self._lesson, self._course, self._job = lesson, course, job
        self.start = {name: tensor.clone() for name, tensor in self.engine.weights().items()}

    def step(self, examples: Sequence[Any], number: int) -> tuple[float, float]:
        """(mean loss, gradient norm) of a step."""
        from tunesmith.train import order

        parts = [
            self._lesson.collate(part, self._job.codec)
            for part in order.micro(examples, self._course.row.micro_tokens)
        ]
        counts = self.engine.total(parts)
        losses = [
            sum(self.engine.forward_backward(part, counts, number, index).values())
            for index, part in enumerate(parts)
        ]
        return sum(losses), self.engine.optim_step(1e-4)

    def moved(self) -> float:
        """Relative change of the weights that move (of those that are not zero at the start)."""
        pairs = [(now, self.start[name]) for name, now in self.engine.weights().items()]
        changed = sum(float((now - then).square().sum()) for now, then in pairs)
        return (changed / max(sum(float(then.square().sum()) for _, then in pairs), 1e-12)) ** 0.5


def main() -> None:
    """Train the row and say what was measured."""
    course = arm.course()
    import torch

    course.ends("import")
    net, job = _network(course), _job(course)
    course.ends("load")
    lesson = _lesson(course, net, job)
    learners = _learners(course, net, lesson, job)
    examples = [_examples(course, course.step(number)) for number in range(course.steps)]
    course.ends("prepare")
    if course.row.pairs:
        _refer(lesson, net, job, [each for step in examples for each in step])
        course.ends("reference")
    if course.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    marks, losses, norms = clock.Clock(course.device), [], []
    marks.mark()
    for number, step in enumerate(examples):
        for each in learners:
            loss, norm = each.step(step, number)
            losses.append(loss)
            norms.append(norm)
        marks.mark()
    course.ends("train")
    course.say(
        "ours" + (" compiled" if course.compiles else ""),
        marks,
        work.sequences(course.drawn),
        first_loss=losses[0],
        last_loss=losses[-1],
        gradient_norm=norms[0],
        moved=learners[0].moved(),
        peak_memory=clock.peak_memory(course.device),
        adapters=len(learners),
        ended=time.strftime("%Y-%m-%d %H:%M"),
    )


def _network(course: arm.Course) -> Any:
    """The product's network over the weights of all arms: whole weights that move are float32, frozen ones bfloat16."""
    import torch
    import transformers

    from tunesmith.nn import decoder

    narrow = course.device == "cuda" and not course.row.full
    dtype = torch.bfloat16 if narrow else torch.float32
    net = decoder.CausalLM(transformers.AutoModelForCausalLM.from_pretrained(course.base, dtype=dtype))
    net.to(course.device)
    net.begin(0, 0.0)
    return net


def _job(course: arm.Course) -> Any:
    from tunesmith import catalog
    from tunesmith.parts import Codec, Job
    from tunesmith.recipe.sections import Recipe

    tables = {
        "data": {"source": "drawn"},
        "task": "completion",
        "tuning": "full" if course.row.full else "lora",
    }
    recipe = Recipe.model_validate(
        tables | {"train": {"dropout": 0.0, "micro_tokens": course.row.micro_tokens}}
    )
    codec = Codec({"pad_id": 0, "window": course.row.longest})
    return Job(catalog.make("task", recipe.task), recipe, (), (), codec, None, Path(), Path())


def _lesson(course: arm.Course, net: Any, job: Any) -> Any:
    if not course.row.pairs:
        return job.task
    from tunesmith import catalog
    from tunesmith.nn import shared_prompt
    from tunesmith.train.objectives._pairs import Pairs

    lesson = Pairs(catalog.part("objective", "dpo")(), job.task)
    lesson.shared = shared_prompt.shares(net.backbone.config, course.row.longest)
    return lesson


def _learners(course: arm.Course, net: Any, lesson: Any, job: Any) -> list[Learner]:
    """One, or one for each adapter: networks that share every tensor of the base."""
    from tunesmith import catalog
    from tunesmith.nn import sharing

    made = []
    for _ in range(course.row.adapters):
        tuning = catalog.make("tuning", job.recipe.tuning)
        own = net if course.row.adapters == 1 else sharing.twin(net)
        tuned = tuning.apply(own)
        if own is not net:
            sharing.part(tuned, net)
        if course.compiles:
            from tunesmith.nn import compiling

            if not compiling.able(course.device):
                raise SystemExit("cannot: torch has no compiler for this device here")
            compiling.enable(tuned)
        made.append(Learner(course, tuned, lesson, tuning, job))
    return made


def _examples(course: arm.Course, drawn: list[dict[str, list[int]]]) -> list[Any]:
    from tunesmith.parts import Example
    from tunesmith.train.objectives import _layout
    from tunesmith.train.objectives._rows import Asked, Said

    if not course.row.pairs:
        return [
            Example(
                str(index),
                {
                    "ids": each["prompt"] + each["answer"],
                    "weights": [0.0] * len(each["prompt"]) + [1.0] * len(each["answer"]),
                },
                len(each["prompt"]) + len(each["answer"]),
            )
            for index, each in enumerate(drawn)
        ]
    pairs = [
        Asked(
            tuple(each["prompt"]),
            tuple(Said(tuple(each[name]), (1.0,) * len(each[name])) for name in ("answer", "rejected")),
        )
        for each in drawn
    ]
    return [
        Example(
            work.digest([list(pair.prompt), list(pair.answers[0].ids)]),
            {"pair": pair},
            _layout.length(pair, shared=True),
        )
        for pair in pairs
    ]


def _refer(lesson: Any, net: Any, job: Any, examples: list[Any]) -> None:
    """What the network says of every pair before the first step; all of it counts as a part of its own."""
    import torch

    from tunesmith.nn import device
    from tunesmith.train import references
    from tunesmith.train.objectives import _layout

    net.eval()
    for part in references.batches(examples):
        with torch.no_grad():
            sums = _layout.answer_sums(net, device.moved(lesson.collate(part, job.codec).tensors, net))
        for each, value in zip(part, sums.float().cpu().numpy(), strict=True):
            lesson.reference[each.row] = value


if __name__ == "__main__":
    main()
