"""A task's own rows with what a teacher says at each learnt token, as a lesson."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from tunesmith import bases, doors
from tunesmith.errors import MissingError, TunesmithError, UsageError
from tunesmith.events import Event, Note, Progress
from tunesmith.fields import Record
from tunesmith.inputs import speaking
from tunesmith.inputs.text import TOKENIZER
from tunesmith.parts import Batch, Codec, Draw, Example, Job, Net, Outcomes, Output, Tensor
from tunesmith.store import files
from tunesmith.tasks._language import LanguageTask
from tunesmith.train import references

ABOUT = "teacher.json"
_OTHER_SEED = 1  # a rehearsal's miniature teacher is not its student


@dataclass(frozen=True, slots=True)
class Ways:
    """How a student learns of its teacher: see `Distill`."""

    temperature: float
    hard: float
    top: int


Known = Mapping[str, Tensor]  # key of a window → [N, 2K + 1] (`nn/divergences.likeliest`)


@dataclass
class Taught:
    """The task itself, but for its loss.  shape: what the student's family does to its logits."""

    task: LanguageTask
    ways: Ways
    known: Known
    shape: Any
    early: ClassVar[tuple[str, ...]] = ("loss", "token_accuracy")

    def encode(self, record: Record, codec: Codec, draw: Draw | None) -> list[Example]:
        return self.task.encode(record, codec, draw)

    def collate(self, examples: Sequence[Example], codec: Codec) -> Batch:
        torch, made = doors.open("torch"), self.task.collate(examples, codec)
        found = [self.known[window(example)] for example in examples if window(example) in self.known]
        told = torch.cat(found) if len(found) == len(examples) else None
        tokens = made.counts["token"]
        return replace(
            made, tensors={**made.tensors, "told": told}, counts={"token": tokens, "teacher": tokens}
        )

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        from tunesmith.nn import divergences

        states, targets, weights = divergences.supervised(net, batch.tensors)
        told, ways = batch.tensors["told"], self.ways
        count = (told.shape[1] - 1) // 2
        hard, soft = divergences.soft_sums(
            divergences.logits_of(net, self.shape),
            states,
            targets,
            told[:, :count].long(),
            told[:, count:-1],
            told[:, -1],
            weights,
            ways.temperature,
            net.backbone.config.vocab_size,
        )
        return {"token": ways.hard * hard, "teacher": (1 - ways.hard) * ways.temperature**2 * soft}

    def predict(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        return self.task.predict(net, batch, codec)

    def decode(self, record: Record, outputs: Sequence[Output], codec: Codec) -> Any:
        return self.task.decode(record, outputs, codec)

    def outcomes(
        self, records: Sequence[Record], decoded: Sequence[Any], groups: Sequence[str | int]
    ) -> Outcomes:
        return self.task.outcomes(records, decoded, groups)


def window(example: Example) -> str:
    """The identity of a window: its tokens and which of them are learnt."""
    values = example.values
    learnt = [bool(weight) for weight in values["weights"]]
    return hashlib.sha256(f"{list(values['ids'])} {learnt}".encode()).hexdigest()[:32]


def shape(net: Net) -> Any:
    """What a net's family does to its logits."""
    from tunesmith.nn import readout

    return readout.of(net.backbone)


def known(job: Job, teacher: str, ways: Ways) -> Generator[Event, None, Known]:
    """What the teacher says of every window of the training rows: stored by an earlier run, or asked for.

    Raises MissingError C152, UsageError C153 and C154.
    """
    made = [each for row in job.train for each in job.task.encode(row, job.codec, None)]
    wanted = {window(example): example for example in made}
    if teacher and (Path(teacher).expanduser() / ABOUT).is_file():
        return _stored(job, Path(teacher).expanduser(), ways, wanted)
    base = _teacher(job, teacher)
    about = {"teacher": base.digest if base else "miniature", **asdict(ways), "hard": None}
    about |= {"codec": references.codec_digest(job.codec), "windows": sorted(wanted)}
    name = hashlib.sha256(files.canonical_json(about)).hexdigest()[:40]
    folder = job.cache / "teachers" / name

    def make() -> Generator[Event, None, Mapping[str, Tensor]]:
        return (yield from _asked(job, _net(job, base), ways, wanted))

    told = yield from references.kept(folder, make, {ABOUT: {**about, "windows": len(wanted)}})
    yield Note(f"what the teacher says stands in {folder}")
    return told


def _stored(job: Job, folder: Path, ways: Ways, wanted: Mapping[str, Example]) -> Known:
    files.verify(folder)
    about = files.read_json(folder / ABOUT)
    found: Known = doors.open("safetensors.torch").load_file(folder / references.TENSORS)
    same = (about["temperature"], about["top"]) == (ways.temperature, ways.top)
    lacking = len(wanted.keys() - found.keys())
    if lacking or not same:
        raise UsageError(
            "C154",
            f"the stored logits lack {lacking} of {len(wanted)} windows"
            if lacking
            else f"the logits were stored at temperature {about['temperature']:g} with top = {about['top']}",
            expected="logits of these rows, as this base, window and template make them into tokens",
            fixes=("--set objective.teacher=FOLDER_OF_THE_TEACHER",),
            where=str(folder),
        )
    return found


def _teacher(job: Job, teacher: str) -> bases.Base | None:
    """The teacher's folder, its tokens being the student's; None in a rehearsal, where a miniature teaches."""
    if job.base is None:
        return None
    try:
        base = bases.resolve(teacher or "no teacher", offline=True)
    except TunesmithError as lacking:
        raise MissingError(
            "C152",
            f"the teacher '{teacher}' can't be read: {lacking.found}",
            expected="a folder with config.json, tokenizer.json and model.safetensors, or one of stored logits",
            fixes=("--set objective.teacher=DIR",),
            where="objective.teacher",
        ) from None
    theirs, own = _words((base.folder / TOKENIZER).read_bytes()), _words(job.codec.files[TOKENIZER])
    if theirs != own:
        odd = next(iter(sorted(own.items() ^ theirs.items())))[0]
        raise UsageError(
            "C153",
            f"the teacher '{base.name}' has other tokens than the base: {odd!r} is not the same in both",
            expected=f"the same {len(own)} tokens under the same numbers",
            fixes=("--set objective.teacher=DIR   (of the base's own family)", "tunesmith data synth FILE"),
            where="objective.teacher",
        )
    return base


def _words(tokenizer: bytes) -> dict[str, int]:
    """Every token with its number."""
    return doors.open("tokenizers").Tokenizer.from_str(tokenizer.decode("utf-8")).get_vocab()


def _net(job: Job, base: bases.Base | None) -> Net:
    from tunesmith.nn import decoder, pretrained

    if base is None:
        doors.open("torch").manual_seed(job.seed + _OTHER_SEED)
        net = decoder.tiny(speaking.vocabulary(job.codec))
    else:
        net = decoder.structure(base.config)
        pretrained.load(net, base.folder)
    net.begin(job.seed, 0.0)
    return net.eval()


def _asked(
    job: Job, net: Net, ways: Ways, wanted: Mapping[str, Example]
) -> Generator[Event, None, Mapping[str, Tensor]]:
    """The teacher's likeliest words at the learnt tokens of each window."""
    from tunesmith.nn import divergences

    words, torch = net.backbone.config.vocab_size, doors.open("torch")
    found: dict[str, Tensor] = {}
    begun = time.monotonic()
    logits = divergences.logits_of(net, shape(net))
    for part in references.batches(list(wanted.values())):
        batch = job.task.collate(part, job.codec)  # pyright: ignore[reportAttributeAccessIssue]
        with torch.no_grad():
            states, _, _ = divergences.supervised(net, batch.tensors)
            told = divergences.likeliest(logits, states, min(ways.top, words), ways.temperature, words)
        learnt = (batch.tensors["weights"][:, 1:] != 0).sum(1).tolist()
        found |= zip(map(window, part), told.split(learnt), strict=True)
        yield Progress("teacher", len(found), len(wanted), time.monotonic() - begun)
    return {name: rows.contiguous() for name, rows in found.items()}
