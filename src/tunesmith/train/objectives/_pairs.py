"""What objectives on pairs of answers share: the lesson, the reference, how held-out pairs are judged.

Axes: P pairs; the last axis of [P, 2] is (chosen, rejected).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import numpy as np

from tunesmith import doors
from tunesmith.errors import UsageError
from tunesmith.events import Event, Note
from tunesmith.fields import Record, row_key
from tunesmith.outcomes import Prediction, Predictions, predictions_of
from tunesmith.parts import Batch, Codec, Draw, Example, Job, Lesson, Net, Objective, Output, Task, Tensor
from tunesmith.tasks import _language, _samples
from tunesmith.tasks._language import LanguageTask
from tunesmith.train import order, references
from tunesmith.train.objectives import _layout, _rows

LABELS = ("first", "second")


@dataclass(frozen=True)
class Scored:
    """How likely the answers of some pairs are.

    policy, reference: log-probabilities float32 [P, 2], sums over an answer's tokens; reference is zero for objectives
    that need none.  sizes: tokens of each answer [P, 2].
    """

    policy: Tensor
    reference: Tensor
    sizes: Tensor

    @property
    def means(self) -> Tensor:
        """[P, 2]: the policy's mean log-probability of a token."""
        return self.policy / self.sizes


class PairObjective(Objective, ABC):
    """An objective on a prompt with a better and a worse answer.

    referred: it compares with the net as the run begins.  terms: those of its loss: 'pair' (counted in pairs), 'token'
    (counted in tokens of chosen answers).
    """

    content: ClassVar[str] = "preference"
    referred: ClassVar[bool] = False
    terms: ClassVar[tuple[str, ...]] = ("pair",)

    @abstractmethod
    def sums(self, pairs: Scored) -> dict[str, Tensor]:
        """Each term of the loss as a sum over the pairs."""

    @abstractmethod
    def preference(self, pairs: Scored) -> Tensor:
        """[P]: the logarithm of the odds that the chosen answer is the better one, as the policy has it."""

    @final
    def serves(self, task: Task) -> bool:
        return _rows.serves(task)

    @final
    def shown(self, record: Record) -> Record:
        return _rows.shown(record, [*record.fields["prompt"], *record.fields["chosen"]])

    @final
    def samples(self, task: Task) -> list[Record]:
        """A few dozen pairs written for this project."""
        return _language.records(_samples.preferences())

    @final
    def lesson(self, job: Job, net: Net) -> Generator[Event, None, Lesson]:
        from tunesmith.nn import shared_prompt

        _rows.require_whole(job)
        assert isinstance(job.task, LanguageTask)
        lesson = Pairs(self, job.task)
        yield from prepared(job, lesson)
        longest = max(_layout.longest(each.values["pair"]) for each in examples(job, lesson))
        lesson.shared = shared_prompt.shares(net.backbone.config, longest)
        if self.referred:
            yield from _refer(job, net, lesson)
        return lesson

    @final
    def feed(self, job: Job, lesson: Lesson, step: int) -> Iterator[tuple[float, list[Batch]]]:
        return order.feed(job, lesson, step)

    @final
    def steps(self, job: Job, lesson: Lesson) -> int:
        return order.steps(job, lesson)


@dataclass
class Pairs:
    """A pair is one example.  shared: whether the prompt is computed once for both answers.

    reference: row key → log-probabilities [2] by the net as the run began.
    """

    early: ClassVar[tuple[str, ...]] = ("log_loss", "accuracy")
    objective: PairObjective
    task: LanguageTask
    shared: bool = False
    reference: dict[str, np.ndarray] = field(default_factory=dict)
    known: dict[str, _rows.Asked | None] = field(default_factory=dict)

    def encode(self, record: Record, codec: Codec, draw: Draw | None) -> list[Example]:
        """None where a pair has no room in the window.  Rows are made into tokens once."""
        if record.key not in self.known:
            fields = record.fields
            answers = [fields["chosen"], fields["rejected"]]
            self.known[record.key] = _rows.asked(
                self.task, codec, fields["prompt"], answers, fields.get("tools")
            )
        row = self.known[record.key]
        if row is None:
            return []
        return [Example(record.key, {"pair": row}, _layout.length(row, shared=self.shared))]

    def collate(self, examples: Sequence[Example], codec: Codec) -> Batch:
        rows = [example.values["pair"] for example in examples]
        tensors = _layout.tensors(rows, codec.settings["pad_id"], shared=self.shared)
        nothing = np.zeros(2, np.float32)
        reference = np.stack([self.reference.get(each.row, nothing) for each in examples])
        counts = {"pair": float(len(rows)), "token": float(tensors["sizes"][:, 0].sum())}
        return Batch(
            {**tensors, "reference": doors.open("torch").from_numpy(reference)},
            tuple(example.row for example in examples),
            {term: counts[term] for term in self.objective.terms},
        )

    def scored(self, net: Net, batch: Batch) -> Scored:
        """How likely the answers of a batch are."""
        tensors = batch.tensors
        return Scored(_layout.answer_sums(net, tensors), tensors["reference"], tensors["sizes"])

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        return self.objective.sums(self.scored(net, batch))

    def predict(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        """For each pair the log-odds float32 [1] that the chosen answer is the better one."""
        return list(self.objective.preference(self.scored(net, batch)).float().cpu().numpy()[:, None])

    def decode(self, record: Record, outputs: Sequence[Output], codec: Codec) -> Prediction:
        return decided(record, float(outputs[0][0]) if outputs else None)

    def outcomes(
        self, records: Sequence[Record], decoded: Sequence[Any], groups: Sequence[str | int]
    ) -> Predictions:
        """Which answer is better: guessing is right half of the time."""
        rows = [record.key for record in records]
        return predictions_of(decoded, [chosen_label(record) for record in records], rows, groups)


def chosen_label(record: Record) -> str:
    """Where the better answer stands: 'first' or 'second', decided by the row's key alone."""
    return LABELS[int((record.key or row_key(record.fields))[-1], 16) % 2]


def decided(record: Record, log_odds: float | None) -> Prediction:
    """Which answer is taken for the better one.  log_odds: of the chosen one; None where nobody could look: a guess."""
    chosen = LABELS.index(chosen_label(record))
    odds = np.array([0.0, 0.0] if log_odds is None else [log_odds / 2, -log_odds / 2], np.float64)
    probs = np.exp(odds - odds.max())
    probs = (probs / probs.sum())[[chosen, 1 - chosen]]
    best = int(probs.argmax())
    return Prediction(LABELS[best], LABELS, probs, float(probs[best]), log_odds is None)


def prepared(job: Job, lesson: Lesson) -> Iterator[Event]:
    """Encode every row once and say what the window left out.  Raises UsageError C151 where nothing is left."""
    left = {
        side: [row for row in rows if not lesson.encode(row, job.codec, None)] for side, rows in _sides(job)
    }
    if len(left["training"]) == len(job.train):
        raise UsageError(
            "C151",
            f"none of {len(job.train)} rows can be learnt with a window of {job.codec.settings['window']} tokens",
            expected="answers that are not empty and leave room for a token of their prompt",
            fixes=("--set task.truncation=left", "tunesmith data show FILE --as-model --base BASE"),
            where="data",
        )
    for side, rows in _sides(job):
        if left[side]:
            yield Note(f"{len(left[side])} of {len(rows)} {side} rows are left out: no room in the window")


def _sides(job: Job) -> list[tuple[str, Sequence[Record]]]:
    return [("training", job.train), ("validation", job.validation)]


def examples(job: Job, lesson: Lesson) -> list[Example]:
    """Every row that has room, once."""
    found = [each for _, rows in _sides(job) for row in rows for each in lesson.encode(row, job.codec, None)]
    return list({example.row: example for example in found}.values())


def _refer(job: Job, net: Net, lesson: Pairs) -> Iterator[Event]:
    """Log-probabilities by the net as the run begins: read from the cache, or computed and kept there."""
    rows = examples(job, lesson)

    def compute(part: list[Example]) -> Tensor:
        from tunesmith.nn import device

        return _layout.answer_sums(net, device.moved(lesson.collate(part, job.codec).tensors, net))

    lesson.reference = yield from referred(job, net, rows, compute, pairs=lesson.shared)


def referred(
    job: Job, net: Net, rows: Sequence[Example], compute: Any, **more: Any
) -> Generator[Event, None, dict[str, Any]]:
    """row key → what `compute` finds of it [K] with the net as it is, kept by weights, rows and codec."""
    keys = [example.row for example in rows]
    frame = f"{type(job.task).__module__} {job.task.model_dump_json()}"
    name = references.key(net, job.codec, keys, frame=frame, **more)

    def make() -> Generator[Event, None, Mapping[str, Tensor]]:
        with references.as_it_is(net):
            return (yield from references.each_row("reference", rows, compute))

    made = yield from references.kept(job.cache / "references" / name, make)
    return references.by_row(keys, made)
