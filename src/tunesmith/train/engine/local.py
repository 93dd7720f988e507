"""The engine of one device: a few primitives that the loop calls and knows nothing beneath."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from tunesmith import doors, machine
from tunesmith.bases import Base
from tunesmith.errors import UsageError
from tunesmith.fields import Record
from tunesmith.parts import (
    Batch,
    Codec,
    Demand,
    Example,
    Group,
    Job,
    Lesson,
    Net,
    NeuralTask,
    Output,
    Tuning,
)
from tunesmith.train.engine import kernels, unusable
from tunesmith.train.engine.optimizer import Optimizer

Compute = Callable[[Net, Batch, Codec], list[Output]]
PREDICT_TOKENS = 4096  # padded tokens that are computed together when predicting


class Local:
    """Weights, gradients and optimiser on one device.

    In bfloat16 the encoder computes in bfloat16 while float32 masters take the updates, so that small steps are not
    rounded away; head, pooling, loss, gradients' sum and optimiser stay in float32.
    """

    def __init__(
        self,
        job: Job,
        net: Net,
        tuning: Tuning,
        lesson: Lesson,
        demands: Mapping[str, Demand],
        dtype: str,
        pace: float = 1.0,
    ) -> None:
        """pace: learning rate of the head ÷ what the tuning says."""
        self._torch = doors.open("torch")
        self._job, self._lesson, self._tuning = job, lesson, tuning
        self._losses = {"": lesson.loss, **{name: demand.loss for name, demand in demands.items()}}
        self.net = net
        groups = [_paced(group, net, pace) for group in tuning.groups(net)]
        whole = {name: p.detach() for group in groups for name, p in group.members}
        if dtype == "bfloat16":
            net.backbone.to(self._torch.bfloat16)
            machine.give_back()
        self._optimizer = Optimizer(net, groups, whole, job.options.weight_decay)

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
        sums = self._losses[batch.owner](self.net, placed(batch, self.net))
        means = {term: total / max(counts[term], 1e-12) for term, total in sums.items()}
        self._torch.stack(list(means.values())).sum().backward()
        self._optimizer.take()
        return {term: float(mean.detach()) for term, mean in means.items()}

    def optim_step(self, rate: float, share: float = 1.0) -> float:
        """Clip, update, forget the gradients; return the gradient norm before clipping.

        share: of all steps, how many were done before this one; groups that open later stay as they are.  A norm that
        is not finite is returned and nothing is updated.
        """
        return self._optimizer.step(rate, share, self._job.options.clip)

    def predict(self, records: Sequence[Record]) -> list[list[Output]]:
        """Outputs of records by the weights as they are now."""
        self._optimizer.settle()
        return predict(self.net, self._lesson, self._job.codec, records)

    def tensors(self) -> dict[str, Any]:
        """Everything that training needs to go on, on the CPU: float32 weights and the optimiser's moments."""
        return _near(self._optimizer.tensors())

    def weights(self) -> dict[str, Any]:
        """The float32 weights that move, as a copy on the CPU."""
        return _near(self._optimizer.weights())

    def load(self, tensors: Mapping[str, Any]) -> None:
        """Put back what `tensors` or `weights` gave.  Raises IntegrityError I304 where names or shapes differ."""
        self._optimizer.load(tensors)

    def delta(self) -> dict[str, Any]:
        """The tuned model's difference from its base, in float32, on the CPU."""
        self.net.float()  # int8 codes are no floating numbers and stay
        self._optimizer.complete()
        return _near(self._tuning.delta(self.net))


def _paced(group: Group, net: Net, pace: float) -> Group:
    """The group, faster by `pace` where it is the head's."""
    head = {id(p) for p in net.head.parameters()}
    return replace(group, scale=group.scale * pace) if {id(p) for _, p in group.members} <= head else group


def _near(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors on the CPU; those that lie there are the same and no copies."""
    return {name: tensor.cpu() for name, tensor in tensors.items()}


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
            batch = placed(lesson.collate([units[unit][1] for unit in part], codec), net)
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


def narrow(net: Net) -> None:
    """Let frozen layers multiply in 8 bits, and a frozen output matrix where it makes logits.

    Raises UsageError C176 where no layer has a frozen matrix for it.
    """
    from tunesmith.nn import int8, parameters

    if not int8.narrow(parameters.layers(net)):
        raise UsageError(
            "C176",
            "there is no matrix that could be multiplied in 8 bits",
            expected="layers that stay as they are, of plain linear maps (not GPT-2's transposed ones, not 4 bits)",
            fixes=("--set tuning.name=lora", "--set train.dtype=float32", "--set train.dtype=bfloat16"),
            where="train.dtype",
        )
    if not parameters.has_own_head(net):
        int8.keep_beside(parameters.output_matrix(net))
    machine.give_back()


def compiled(net: Net) -> None:
    """Let torch compile each layer at its first call.  Raises UsageError C177 where it has no compiler."""
    from tunesmith.nn import compiling

    if not compiling.able(next(net.parameters()).device.type):
        raise UsageError(
            "C177",
            "train.compile is 'on', and torch has no compiler here",
            expected="a C++ compiler (g++ or clang++) on a CPU, Triton on a GPU",
            fixes=("--set train.compile=off",),
            where="train.compile",
        )
    compiling.enable(net)


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
    from tunesmith.nn import shapes_only

    try:
        # no random weights are made that would be thrown away
        with shapes_only.ShapesOnly(), doors.open("torch").device("meta"):
            net = task.build(base, codec)
        weights.load(net, base.folder)
        net.begin(seed, dropout)
    except (ValueError, KeyError, OSError, RuntimeError) as misfit:
        raise unusable.refusal(task, base, str(misfit)) from None
    return net


def placed(batch: Batch, net: Net) -> Batch:
    """The batch with its tensors where the net's numbers lie."""
    from tunesmith.nn import device

    return replace(batch, tensors=device.moved(batch.tensors, net))


def network(job: Job) -> Net:
    """The network of a job as nothing has tuned it: structure, pretrained weights, seeded head, dropout.

    It lies where the recipe trains; one that is only opened, and so has no rows to learn from, lies on the CPU.  Raises
    UsageError C175 where the recipe's device is not there.
    """
    torch = doors.open("torch")
    task = job.task
    assert isinstance(task, NeuralTask)
    machine.set_threads(job.options.threads)
    torch.manual_seed(job.seed)
    place = machine.device(job.options.device) if job.train else "cpu"
    if place == "cpu" and job.options.products != "auto":
        machine.set_products(job.options.products)
    if job.base is not None:
        return pretrained(task, job.base, job.codec, job.seed, job.options.dropout).to(place)
    net = task.tiny(job.codec)
    net.begin(job.seed, job.options.dropout)
    return net.to(place)


def build(job: Job, tuning: Tuning) -> Net:
    """The network of a job, ready to train."""
    kernels.use(job.options.kernels, job.cache)
    net = network(job)
    try:
        return _in_one_pass(tuning.apply(net))
    except ValueError as misfit:
        raise UsageError(
            "C112",
            f"the tuning '{job.recipe.tuning.name}' does not fit this base: {misfit}",
            expected="a tuning whose layers and matrices the base has",
            fixes=("--set tuning.name=full",),
            where="tuning",
        ) from None


def _in_one_pass(net: Net) -> Net:
    from tunesmith.nn import one_pass, passes

    if passes.ready():
        one_pass.enable(net)
    return net
