"""Answers that were found good or bad, as a lesson: each is valued against what the model says of mismatched ones.

Axes: A answers; the last axis of a reference [A, 2] is (the row's own answer, the mismatched one).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from tunesmith import doors
from tunesmith.events import Event
from tunesmith.fields import Record
from tunesmith.outcomes import Prediction, Predictions, predictions_of
from tunesmith.parts import Batch, Codec, Draw, Example, Job, Net, Output, Tensor
from tunesmith.tasks._language import LanguageTask
from tunesmith.train import references
from tunesmith.train.objectives import _layout, _pairs, _rows

LABELS = ("unwanted", "wanted")
LOOKED_AT = 64  # training rows whose mismatched answers say where held-out answers are judged from


@dataclass
class Judged:
    """An answer is one example; a training row also carries another row's answer to its own prompt.

    others: row key → that answer.  reference: row key → log-probabilities [2] by the net as the run began.  point: the
    divergence on always the same training rows: from there held-out answers are judged, as those of a step are from its
    own.
    """

    early: ClassVar[tuple[str, ...]] = ("log_loss", "accuracy")
    task: LanguageTask
    beta: float
    desirable: float
    undesirable: float
    others: Mapping[str, _rows.Turns]
    reference: dict[str, np.ndarray] = field(default_factory=dict)
    known: dict[str, list[Example]] = field(default_factory=dict)
    point: Baseline | None = None

    def encode(self, record: Record, codec: Codec, draw: Draw | None) -> list[Example]:
        """None where an answer has no room in the window."""
        if record.key not in self.known:
            self.known[record.key] = self._encoded(record, codec)
        return self.known[record.key]

    def _encoded(self, record: Record, codec: Codec) -> list[Example]:
        fields, other = record.fields, self.others.get(record.key)
        answers = [fields["completion"], *([other] if other else [])]
        row = _rows.asked(self.task, codec, fields["prompt"], answers, fields.get("tools"))
        if row is None:
            return []
        return [Example(record.key, {"row": row, "wanted": bool(fields["label"])}, _layout.longest(row))]

    def collate(self, examples: Sequence[Example], codec: Codec) -> Batch:
        """Tensors of the rows' own answers; `mismatched`: those of the others, with their reference."""
        torch, pad = doors.open("torch"), codec.settings["pad_id"]
        nothing = np.zeros(2, np.float32)
        reference = torch.from_numpy(np.stack([self.reference.get(each.row, nothing) for each in examples]))
        paired = [at for at, each in enumerate(examples) if len(each.values["row"].answers) > 1]
        others = [_only(examples[at], 1) for at in paired]
        tensors = {
            **_layout.tensors([_only(each, 0) for each in examples], pad, shared=False),
            "wanted": torch.tensor([each.values["wanted"] for each in examples]),
            "reference": reference[:, 0],
            "mismatched": _layout.tensors(others, pad, shared=False) if others else None,
            "mismatched_reference": reference[paired, 1],
        }
        return Batch(tensors, tuple(example.row for example in examples), {"answer": float(len(examples))})

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        from tunesmith.nn import preference_losses

        baseline = batch.tensors.get("baseline") or Baseline([batch.tensors])
        value = baseline.of(net)
        moved = _alone(net, batch.tensors) - batch.tensors["reference"]
        weights = self.beta, self.desirable, self.undesirable
        return {"answer": preference_losses.kto_sum(moved, batch.tensors["wanted"], value, *weights)}

    def predict(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        """For each answer the log-odds float32 [1] that it is wanted: its implicit reward above the point."""
        moved = _alone(net, batch.tensors) - batch.tensors["reference"]
        moved = moved - self.point.of(net) if self.point else moved
        return list((self.beta * moved).float().cpu().numpy()[:, None])

    def decode(self, record: Record, outputs: Sequence[Output], codec: Codec) -> Prediction:
        odds = float(outputs[0][0]) if outputs else 0.0
        wanted = float(1 / (1 + np.exp(-odds)))
        probs = np.array([1 - wanted, wanted])
        return Prediction(LABELS[int(odds > 0)], LABELS, probs, float(probs.max()), not outputs)

    def outcomes(
        self, records: Sequence[Record], decoded: Sequence[Any], groups: Sequence[str | int]
    ) -> Predictions:
        """Whether an answer is wanted: it has gained more than mismatched ones have."""
        truths = [LABELS[bool(record.fields["label"])] for record in records]
        return predictions_of(decoded, truths, [record.key for record in records], groups)


class Baseline:
    """The divergence between policy and reference over all micro-batches of a step: one number, without gradient.

    It is computed when it is first asked for, and again once the weights have changed.
    """

    def __init__(self, parts: Sequence[Mapping[str, Any]]) -> None:
        self._parts = [part for part in parts if part["mismatched"] is not None]
        self._known: tuple[int, Tensor] | None = None

    def of(self, net: Net) -> Tensor:
        """max(0, mean of log policy − log reference of the mismatched pairs)."""
        written = sum(p._version for p in net.parameters())  # torch counts the writes to a tensor
        if self._known is None or self._known[0] != written:
            self._known = written, self._estimate(net)
        return self._known[1]

    def _estimate(self, net: Net) -> Tensor:
        from tunesmith.nn import device

        torch = doors.open("torch")
        total, count = torch.zeros((), device=device.of(net)), 0
        with torch.no_grad(), references.as_it_is(net):
            for part in (device.moved(each, net) for each in self._parts):
                gained = _alone(net, part["mismatched"]) - part["mismatched_reference"]
                total, count = total + gained.sum(), count + len(gained)
        return (total / max(1, count)).clamp(min=0)


def partners(rows: Sequence[Record]) -> dict[str, _rows.Turns]:
    """For each row the answer of the next one in the order of keys that has another prompt, where there is one."""
    ordered = sorted({row.key: row for row in rows}.values(), key=lambda row: row.key)
    prompts = [row.fields["prompt"] for row in ordered]
    found: dict[str, _rows.Turns] = {}
    for at, row in enumerate(ordered):
        later = ((at + step) % len(ordered) for step in range(1, len(ordered)))
        other = next((index for index in later if prompts[index] != prompts[at]), None)
        if other is not None:
            found[row.key] = ordered[other].fields["completion"]
    return found


def prepare(job: Job, net: Net, lesson: Judged) -> Iterator[Event]:
    """Encode every row and compute the reference, or read it from the cache."""
    yield from _pairs.prepared(job, lesson)

    def compute(part: list[Example]) -> Tensor:
        from tunesmith.nn import device

        tensors = device.moved(lesson.collate(part, job.codec).tensors, net)
        found = doors.open("torch").zeros(len(part), 2)
        found[:, 0] = _alone(net, tensors).cpu()
        paired = [at for at, each in enumerate(part) if len(each.values["row"].answers) > 1]
        if paired:
            found[paired, 1] = _alone(net, tensors["mismatched"]).cpu()
        return found

    rows = _pairs.examples(job, lesson)
    # which answers are mismatched depends on the training rows
    trained = sorted(lesson.others)
    lesson.reference = yield from _pairs.referred(job, net, rows, compute, trained=trained)
    lesson.point = Baseline([lesson.collate(part, job.codec).tensors for part in _looked_at(rows)])


def _looked_at(rows: Sequence[Example]) -> Iterator[list[Example]]:
    """The first rows by key that carry a mismatched answer, in batches of like length."""
    paired = sorted((each for each in rows if len(each.values["row"].answers) > 1), key=lambda each: each.row)
    return references.batches(paired[:LOOKED_AT])


def _alone(net: Net, tensors: Mapping[str, Any]) -> Tensor:
    """Log-probability of the one answer of each row [A]."""
    return _layout.answer_sums(net, tensors)[:, 0]


def _only(example: Example, answer: int) -> _rows.Asked:
    row: _rows.Asked = example.values["row"]
    return _rows.Asked(row.prompt, (row.answers[answer],))
