"""The engine of one device: a few primitives that the loop calls and knows nothing beneath."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tunesmith import doors, machine
from tunesmith.bases import Base
from tunesmith.errors import IntegrityError, UsageError
from tunesmith.fields import Record
from tunesmith.parts import Batch, Codec, Demand, Example, Job, Lesson, Net, NeuralTask, Output, Tuning
from tunesmith.train.engine import unusable

Compute = Callable[[Net, Batch, Codec], list[Output]]
BETAS = (0.9, 0.999)
EPSILON = 1e-8
PREDICT_TOKENS = 4096  # padded tokens that are computed together when predicting


class Local:
    """Weights, gradients and optimiser on one device.

    In bfloat16 the encoder computes in bfloat16 while float32 masters take the updates, so that small steps are not
    rounded away; head, pooling, loss, gradients' sum and optimiser stay in float32.
    """

    def __init__(
        self, job: Job, net: Net, tuning: Tuning, lesson: Lesson, demands: Mapping[str, Demand], dtype: str
    ) -> None:
        self._torch = doors.open("torch")
        self._job, self._lesson, self._tuning = job, lesson, tuning
        self._losses = {"": lesson.loss, **{name: demand.loss for name, demand in demands.items()}}
        self.net = net
        self._groups = tuning.groups(net)
        self._moving = {name: p for group in self._groups for name, p in group.members}
        self._masters = {name: p.detach().clone() for name, p in self._moving.items()}
        if dtype == "bfloat16":
            net.backbone.to(self._torch.bfloat16)
        self._optimizer = self._torch.optim.AdamW(
            [
                {
                    "params": [self._masters[name] for name, _ in group.members],
                    "weight_decay": job.options.weight_decay if group.decay else 0.0,
                }
                for group in self._groups
            ],
            lr=0.0,
            betas=BETAS,
            eps=EPSILON,
            fused=True,
        )

    def total(self, batches: Sequence[Batch]) -> dict[str, float]:
        """The supervised units of each loss term over all micro-batches of a step (and, elsewhere, over all ranks)."""
        terms = {term for batch in batches for term in batch.counts}
        return {term: sum(batch.counts.get(term, 0.0) for batch in batches) for term in sorted(terms)}

    def forward_backward(
        self, batch: Batch, counts: Mapping[str, float], step: int, part: int
    ) -> dict[str, float]:
        """Add a micro-batch's gradient; return its share of each mean loss.

        Dropout is drawn from (seed, step, part): what ran before never changes it.
        """
        self._torch.manual_seed(_seed(self._job.seed, step, part))
        self.net.train()
        sums = self._losses[batch.owner](self.net, batch)
        means = {term: total / max(counts[term], 1e-12) for term, total in sums.items()}
        self._torch.stack(list(means.values())).sum().backward()
        for name, p in self._moving.items():
            if p.grad is not None:
                master = self._masters[name]
                grad = p.grad.float()
                master.grad = grad if master.grad is None else master.grad.add_(grad)
                p.grad = None
        return {term: float(mean.detach()) for term, mean in means.items()}

    def optim_step(self, rate: float, share: float = 1.0) -> float:
        """Clip, update, forget the gradients; return the gradient norm before clipping.

        share: of all steps, how many were done before this one; groups that open later stay as they are.  A norm that
        is not finite is returned and nothing is updated.
        """
        gradients = [m.grad for m in self._masters.values() if m.grad is not None]
        norm = self._torch.nn.utils.get_total_norm(gradients)
        if bool(self._torch.isfinite(norm)):
            self._torch.nn.utils.clip_grads_with_norm_(
                list(self._masters.values()), self._job.options.clip, norm
            )
            for state, group in zip(self._optimizer.param_groups, self._groups, strict=True):
                state["lr"] = rate * group.scale * (share >= group.opens_at)
            self._optimizer.step()
            self._publish()
        for master in self._masters.values():
            master.grad = None
        return float(norm)

    def predict(self, records: Sequence[Record]) -> list[list[Output]]:
        """Outputs of records by the weights as they are now."""
        return predict(self.net, self._lesson, self._job.codec, records)

    def tensors(self) -> dict[str, Any]:
        """Everything that training needs to go on: float32 weights and the optimiser's moments."""
        found = {f"weight/{name}": master for name, master in self._masters.items()}
        for name, master in self._masters.items():
            for key, value in self._optimizer.state.get(master, {}).items():
                found[f"{key}/{name}"] = value
        return found

    def weights(self) -> dict[str, Any]:
        """The float32 weights that move, as a copy."""
        return {f"weight/{name}": master.clone() for name, master in self._masters.items()}

    def load(self, tensors: Mapping[str, Any]) -> None:
        """Put back what `tensors` or `weights` gave.  Raises IntegrityError I304 where names or shapes differ."""
        for name, master in self._masters.items():
            saved = tensors.get(f"weight/{name}")
            if saved is None or saved.shape != master.shape:
                raise IntegrityError(
                    "I304",
                    f"the checkpoint does not fit: '{name}'",
                    expected="a checkpoint of this recipe and base",
                )
            master.copy_(saved)
            moments = {
                k: tensors[f"{k}/{name}"]
                for k in ("step", "exp_avg", "exp_avg_sq")
                if f"{k}/{name}" in tensors
            }
            if moments:
                self._optimizer.state[master] = {key: value.clone() for key, value in moments.items()}
        self._publish()

    def delta(self) -> dict[str, Any]:
        """The tuned model's difference from its base, in float32."""
        self.net.float()
        self._publish()
        return self._tuning.delta(self.net)

    def _publish(self) -> None:
        with self._torch.no_grad():
            self._torch._foreach_copy_(list(self._moving.values()), list(self._masters.values()))


def predict(
    net: Net, lesson: Lesson, codec: Codec, records: Sequence[Record], compute: Compute | None = None
) -> list[list[Output]]:
    """What `compute` (by default the lesson's predict) gives for each example of each record, in the records' order.

    Examples of like length are computed together.
    """
    asked: Compute = compute or lesson.predict
    encoded = [lesson.encode(record, codec, None) for record in records]
    units = [(row, example) for row, group in enumerate(encoded) for example in group]
    outputs: list[list[tuple[int, Output]]] = [[] for _ in records]
    order = sorted(range(len(units)), key=lambda unit: units[unit][1].length)
    with inference(net):
        for part in _parts(order, [example for _, example in units]):
            batch = lesson.collate([units[unit][1] for unit in part], codec)
            for unit, output in zip(part, asked(net, batch, codec), strict=True):
                outputs[units[unit][0]].append((unit, output))
    return [[output for _, output in sorted(row, key=lambda pair: pair[0])] for row in outputs]


def _parts(order: Sequence[int], examples: Sequence[Example]) -> Iterator[list[int]]:
    part: list[int] = []
    for unit in order:
        if part and (len(part) + 1) * examples[unit].length > PREDICT_TOKENS:
            yield part
            part = []
        part.append(unit)
    if part:
        yield part


@contextmanager
def inference(net: Net) -> Iterator[None]:
    """No gradients, no dropout."""
    torch = doors.open("torch")
    net.eval()
    with torch.inference_mode():
        yield


def _seed(*keys: int) -> int:
    digest = hashlib.sha256(np.array(keys, np.int64).tobytes()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def pretrained(task: NeuralTask, base: Base, codec: Codec, seed: int = 0, dropout: float = 0.0) -> Net:
    """The task's network with the base's weights and a seeded head.

    Raises MissingError B205 where the base is none that it can read.
    """
    from tunesmith.nn import pretrained as weights

    try:
        with doors.open("torch").device("meta"):  # no random weights are made that would be thrown away
            net = task.build(base, codec)
        weights.load(net, base.folder)
        net.begin(seed, dropout)
    except (ValueError, KeyError, OSError, RuntimeError) as misfit:
        raise unusable.refusal(task, base, str(misfit)) from None
    return net


def network(job: Job) -> Net:
    """The network of a job as nothing has tuned it: structure, pretrained weights, seeded head, dropout."""
    torch = doors.open("torch")
    task = job.task
    assert isinstance(task, NeuralTask)
    machine.set_threads(job.options.threads)
    torch.manual_seed(job.seed)
    if job.base is not None:
        return pretrained(task, job.base, job.codec, job.seed, job.options.dropout)
    net = task.tiny(job.codec)
    net.begin(job.seed, job.options.dropout)
    return net


def build(job: Job, tuning: Tuning) -> Net:
    """The network of a job, ready to train."""
    net = network(job)
    try:
        return tuning.apply(net)
    except ValueError as misfit:
        raise UsageError(
            "C112",
            f"the tuning '{job.recipe.tuning.name}' does not fit this base: {misfit}",
            expected="a tuning whose layers and matrices the base has",
            fixes=("--set tuning.name=full",),
            where="tuning",
        ) from None
