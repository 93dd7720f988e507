"""THE contracts: the only page that a contributor must read.

A part is one file with one public final class that implements one of these.  A class here is abstract, a class there
is final; nothing is in between.  The fields of a part (pydantic) are its section of the recipe.  Names of axes in
shapes: B rows, T tokens, C classes, D features.

Rungs without torch use the same Task as those with it; nothing on this page imports torch.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from tunesmith.events import Event
from tunesmith.fields import Broken, Field, Record, Way
from tunesmith.findings import SHOWN, Finding, Place
from tunesmith.section import Section

if TYPE_CHECKING:
    import torch

    from tunesmith.bases import Base
    from tunesmith.recipe.sections import Recipe, Train

    Tensor = torch.Tensor
else:
    Tensor = Any

Net = Any  # a torch.nn.Module with `backbone` and `head`; what else it has is between a task and its network
Output = np.ndarray  # what a model says of one example before decoding: for labels, float32 logits [C]


# ---- plain values -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a dataset version: rows, label counts, quantiles of text length in characters."""

    rows: int
    labels: Mapping[str, int] = field(default_factory=dict)
    lengths: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Codec:
    """What turns records into numbers and back; saved whole in the bundle (`codec.json` and `files`).

    settings: JSON values (labels, sizes, and after calibration temperature and threshold).
    files: name → content of what the encoding needs besides (tokenizer.json); empty for rungs that read text.
    """

    settings: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)

    def with_settings(self, **changes: Any) -> Codec:
        """A copy with some settings replaced."""
        return Codec({**self.settings, **changes}, self.files)


@dataclass(frozen=True, slots=True)
class Example:
    """One encoded training or prediction unit.  length: its cost in units of padding (tokens)."""

    row: str
    values: Mapping[str, Any]
    length: int


@dataclass(frozen=True)
class Batch:
    """Named tensors, the row keys, and for each loss term how many supervised units it sums over."""

    tensors: Mapping[str, Any]
    rows: tuple[str, ...]
    counts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one record.

    labels and probs ([C], calibrated, sum 1) are parallel; confidence is the probability of `label`; abstain: the
    confidence is under the threshold that was chosen on rows not trained on.
    """

    label: str
    labels: tuple[str, ...]
    probs: np.ndarray
    confidence: float
    abstain: bool


class Draw:
    """Randomness keyed by (seed, epoch, row): the same whatever ran before, so order and resume never change it."""

    def __init__(self, seed: int, epoch: int) -> None:
        self.seed, self.epoch = seed, epoch

    def of(self, row: str) -> np.random.Generator:
        """The generator of one row."""
        return np.random.default_rng([self.seed, self.epoch, int(row[:15] or "0", 16)])


@dataclass(frozen=True)
class Job:
    """All that a fit is given.  Records carry the task's fields; `folder` is the run's own folder.

    validation may be empty: then nothing is stopped early and the last weights are kept.
    deadline: `time.monotonic()` seconds at which a fit should have ended, or None.  stop: set by whoever wants the
    fit to save what it has and end.
    """

    task: Task
    recipe: Recipe
    train: Sequence[Record]
    validation: Sequence[Record]
    codec: Codec
    base: Base | None
    folder: Path
    cache: Path
    seed: int = 0
    deadline: float | None = None
    resume: bool = False
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def options(self) -> Train:
        """The `[train]` section."""
        return self.recipe.train

    @property
    def model(self) -> Path:
        """Where a fit leaves the files that `Approach.open` reads."""
        return self.folder / "model"


# ---- data -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dialect:
    """What sniffing a file found: its columns in order and how it is written (encoding, delimiter, header, sheet)."""

    columns: tuple[str, ...]
    details: Mapping[str, Any] = field(default_factory=dict)


class Reader(ABC):
    """Reads one file format.  Streams: memory does not grow with the file (XLSX excepted)."""

    suffixes: ClassVar[tuple[str, ...]]  # lower case, with the dot and without .gz
    marks: ClassVar[tuple[bytes, ...]] = ()  # what a file of the format starts with, whatever its name

    @abstractmethod
    def sniff(self, path: Path) -> Dialect:
        """Columns and form of a file, from its first megabyte.  Raises DataError (F0xx) naming the place."""

    @abstractmethod
    def read(self, path: Path, dialect: Dialect) -> Iterator[Record | Broken]:
        """Each row in file order, as a Record (fields by column name) or as Broken; never raises for a row."""


class Content(ABC):
    """What a row holds once its form is understood: the one shape that checks, versions, splits and tasks read.

    fields: those of a record (beside `fields.CONTEXT`).  offers: which of the methods below mean something here:
    'labels' (of few classes), 'turns' (a conversation), 'tags', 'spans'; a check names what it wants of them.
    """

    fields: ClassVar[tuple[Field, ...]]
    offers: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def text(self, record: Record) -> str:
        """What a model is given, as plain text; '' where it is missing."""

    @abstractmethod
    def target(self, record: Record) -> str | None:
        """What a model should answer, as plain text; None where the row does not say."""

    @abstractmethod
    def labels(self, record: Record) -> tuple[str, ...]:
        """The classes that the row is given, none where it has no label."""

    @abstractmethod
    def turns(self, record: Record) -> list[Mapping[str, Any]]:
        """The messages of the row in order, each with role and content; none where it is no conversation."""

    @abstractmethod
    def passages(self, record: Record) -> list[tuple[Way, str]]:
        """Every text that somebody wrote, with where it stands (`fields.put` replaces it): what is private or
        damaged stands there, and nowhere else."""

    @abstractmethod
    def samples(self) -> list[dict[str, Any]]:
        """Fields of a few records, written for this project."""


class Form(ABC):
    """One way in which files hold a content: the keys of a row and what they mean.

    content: the name of the content that it is read into.  keys: what a row has; the required ones tell the form.
    guesses: whether columns of any name may be keys, judged by what they hold; else a key is found by its name only.
    """

    content: ClassVar[str]
    keys: ClassVar[tuple[Field, ...]]
    guesses: ClassVar[bool] = False

    @abstractmethod
    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The content's fields from a row that has the names of `keys`.

        A missing text or label is '' (a check speaks of it); a row whose shape is wrong raises ValueError, which says
        what is wrong and what would be right.
        """

    @abstractmethod
    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The row that `parse` reads.  Raises ValueError where this form can't hold the fields; what it merely leaves
        out, whoever converts finds by parsing the row again."""

    @abstractmethod
    def samples(self) -> list[dict[str, Any]]:
        """A few rows of this form, written for this project."""


@dataclass(frozen=True, slots=True)
class Case:
    """Rows and the evidence about them: what `Check.planted` gives."""

    rows: list[Record]
    evidence: Mapping[str, Any]


class Check(ABC):
    """One judgement of rows, in one pass, mergeable so that it scales out.

    code: stable, see `docs/reference/codes.md`.  wants: what of a content it judges (`Content.offers`); it is left out
    for contents without.  needs: evidence beside 'content' (the row's Content), computed once and handed in by name.

    Evidence about each row is an array parallel to the rows that are given (`ROW_EVIDENCE`): 'twins' int64 [B]
    (cluster of near-duplicates), 'sides' str [B] ('train', 'validation', 'test' or ''), 'embeddings' float32 [B, D],
    'out_of_fold' float32 [B, C] (probabilities from models that did not see the row), 'personal' object [B]
    (frozenset of the kinds of personal data in its texts), 'names' object [B] (frozenset of 'name', 'address',
    'organisation': what a token classifier sees), 'toxicity' float32 [B] (probability).  Evidence about the whole:
    'held_out' (normalised texts of the test file), 'benchmark' (`inputs.overlap.Overlap`: texts that training must
    not know), 'classes' (the labels of out_of_fold's columns), 'test_labels' (label → rows on the test side),
    'template' (`inputs.templates.Template`: the base's tokenizer and chat template), 'sources' ([{name, sha256,
    licence?}] of the files), 'curve' ([(rows, score, low, high)] of a learning curve).
    """

    code: ClassVar[str]
    wants: ClassVar[frozenset[str]] = frozenset()
    needs: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def start(self) -> Any:
        """An empty state."""

    @abstractmethod
    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        """The state after some more rows, which come in file order."""

    @abstractmethod
    def merge(self, first: Any, second: Any) -> Any:
        """The state as if one pass had seen the rows of both, first's rows first."""

    @abstractmethod
    def findings(self, state: Any) -> list[Finding]:
        """What is wrong; an empty list when nothing is."""

    @abstractmethod
    def planted(self) -> tuple[Case, Case]:
        """Rows with the fault, and their clean twin without it: for tests and docs."""


ROW_EVIDENCE = frozenset(("twins", "sides", "embeddings", "out_of_fold", "personal", "names", "toxicity"))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one row: a word for its kind, and how values would have to change (path, new value)."""

    kind: str = ""
    edits: tuple[tuple[Way, Any], ...] = ()


@dataclass(slots=True)
class Tally:
    """The rows that a check found faulty: of how many, the first few places, all ids, kinds and edits."""

    rows: int = 0
    count: int = 0
    places: list[Place] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    edits: list[tuple[str, str, Any]] = field(default_factory=list)

    def add(self, place: Place, fault: Fault) -> None:
        """Count one faulty row."""
        self.count += 1
        self.ids.append(place.id)
        self.kinds[fault.kind] += 1
        self.edits += [(place.id, "/".join(map(str, path)), value) for path, value in fault.edits]
        if len(self.places) < SHOWN:
            self.places.append(place)

    def joined(self, other: Tally) -> Tally:
        """This and what was counted after it."""
        return Tally(
            self.rows + other.rows,
            self.count + other.count,
            (self.places + other.places)[:SHOWN],
            self.ids + other.ids,
            self.kinds + other.kinds,
            self.edits + other.edits,
        )


class RowCheck(Check):
    """A check that judges each row by itself."""

    @abstractmethod
    def fault(self, row: Record, index: int, evidence: Mapping[str, Any]) -> Fault | None:
        """What is wrong with a row, or None.  index: its place in evidence about rows."""

    @abstractmethod
    def finding(self, tally: Tally) -> Finding:
        """The finding about the faulty rows, of which there is at least one."""

    @final
    def start(self) -> Tally:
        return Tally()

    @final
    def update(self, state: Tally, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Tally:
        state.rows += len(rows)
        for index, row in enumerate(rows):
            if fault := self.fault(row, index, evidence):
                state.add(row.place, fault)
        return state

    @final
    def merge(self, first: Tally, second: Tally) -> Tally:
        return first.joined(second)

    @final
    def findings(self, state: Tally) -> list[Finding]:
        return [self.finding(state)] if state.count else []


class Augmentation(Section, ABC):
    """One way to write a text anew so that what it means, and so its label, stays.

    needs: what the user must give for it: 'base' (a model's folder, name or hub id), 'endpoint' (an OpenAI-shaped
    server), or nothing.
    """

    needs: ClassVar[str] = ""

    @abstractmethod
    def vary(self, texts: Sequence[str], draws: Sequence[np.random.Generator], given: Any) -> list[str]:
        """Each text written anew with its own randomness; the same text where this way has nothing to change.

        given: the `Base` or the `endpoints.Endpoint` that `needs` asks for.
        """

    @abstractmethod
    def samples(self) -> list[str]:
        """A few texts that it changes, written for this project."""


# ---- tasks ------------------------------------------------------------------------------------------------------


class Task(Section, ABC):
    """Everything known about one kind of problem.  Train, evaluate, serve and monitor use the same one."""

    content: ClassVar[str]  # the name of what its records hold (`data/contents`)
    fields: ClassVar[tuple[Field, ...]]  # that content's
    metrics: ClassVar[tuple[str, ...]]  # names of metric files; the first is the main score
    predicts: ClassVar[str]  # "label": what approaches and metrics need to know

    @abstractmethod
    def codec(self, base: Base | None, profile: Profile) -> Codec:
        """Labels, sizes and (with a base) the tokenizer; a pure function of its arguments."""

    @abstractmethod
    def text(self, record: Record) -> str:
        """The record's input as plain text, for rungs and checks that read text themselves."""

    @abstractmethod
    def target(self, record: Record) -> str | None:
        """What should be predicted, or None where the record does not say."""

    @abstractmethod
    def encode(self, record: Record, codec: Codec, draw: Draw | None) -> list[Example]:
        """One record as none, one or many examples; draw is None outside training."""

    @abstractmethod
    def decode(self, record: Record, outputs: Sequence[Output], codec: Codec) -> Prediction:
        """Join the outputs of a record's examples into one calibrated prediction."""

    @abstractmethod
    def samples(self) -> list[Record]:
        """A few dozen records written for this project: documentation, tests, rehearsal."""


class NeuralTask(Task, ABC):
    """A task that a network can learn.  Torch is imported inside bodies only.

    coupled: rows of a batch see each other (contrastive losses), so a batch may not be split.
    """

    coupled: ClassVar[bool] = False

    @abstractmethod
    def build(self, base: Base, codec: Codec) -> Net:
        """The network's structure, without loading weights (it works on the meta device)."""

    @abstractmethod
    def tiny(self, codec: Codec) -> Net:
        """A random miniature of the same shape, for rehearsal and tests."""

    @abstractmethod
    def tiny_codec(self, profile: Profile) -> Codec:
        """The codec that goes with `tiny`: no base model is needed."""

    @abstractmethod
    def collate(self, examples: Sequence[Example], codec: Codec) -> Batch:
        """Pad examples into tensors and count the supervised units of each loss term."""

    @abstractmethod
    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        """Each loss term as a sum over its units; whoever calls divides once by the global count."""

    @abstractmethod
    def predict(self, net: Net, batch: Batch) -> list[Output]:
        """One output per example, in float32."""

    @abstractmethod
    def embed(self, net: Net, batch: Batch) -> list[np.ndarray]:
        """One float32 vector [D] per example, for a linear layer to learn from while the network stays as it is."""


# ---- models -----------------------------------------------------------------------------------------------------


class Predictor(ABC):
    """A fitted model in memory: what serving holds."""

    @abstractmethod
    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        """For each record the outputs of its examples, in float32; a row's output depends on its batch's make-up only
        by rounding (1e-5)."""


class Approach(Section, ABC):
    """How a model comes to be.

    refits: cheap enough to be fitted again on folds and on training + validation rows.
    based: it starts from a base model.  library: the optional library that it needs ("" = none).
    """

    refits: ClassVar[bool]
    based: ClassVar[bool] = False
    library: ClassVar[str] = ""

    @abstractmethod
    def serves(self, task: Task) -> bool:
        """Whether this approach can do this task."""

    @abstractmethod
    def resolve(self, recipe: Recipe) -> Mapping[str, Any]:
        """Values for what the recipe leaves open ('train.dtype': 'bfloat16'), probed on this machine once: they are
        written into the resolved recipe and never asked for again."""

    @abstractmethod
    def seconds(self, job: Job, *, probe: bool) -> float:
        """An estimate of the seconds that `fit` would take here.

        probe: measure it on a few rows, which may itself take some seconds; without, a rule of thumb must do.
        """

    @abstractmethod
    def shorter(self, recipe: Recipe, share: float) -> Mapping[str, Any] | None:
        """Values that bring the time to `share` (< 1) of what it is, or None where nothing sensible does."""

    @abstractmethod
    def fit(self, job: Job) -> Iterator[Event]:
        """Fit and leave everything that `open` needs in `job.model`."""

    @abstractmethod
    def open(self, folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Predictor:
        """The predictor from the files that `fit` left; the same from a run folder and from a bundle."""


# ---- training ---------------------------------------------------------------------------------------------------


class Tuning(Section, ABC):
    """Which numbers may move.  peak_lr: the learning rate where the recipe names none."""

    peak_lr: ClassVar[float]

    @abstractmethod
    def apply(self, net: Net) -> Net:
        """Freeze, unfreeze, wrap: after this the parameters with requires_grad are the ones that move."""

    @abstractmethod
    def groups(self, net: Net) -> list[tuple[str, list[tuple[str, Tensor]], float]]:
        """(name, named parameters, learning-rate scale) of every parameter that moves, in a stable order."""

    @abstractmethod
    def delta(self, net: Net) -> dict[str, Tensor]:
        """What differs from the base: all that must be saved to have the tuned model again."""

    @abstractmethod
    def load(self, net: Net, delta: Mapping[str, Tensor]) -> None:
        """Put a saved delta into a net that went through `apply`.  Raises ValueError on a misfit."""


class Objective(Section, ABC):
    """What is minimised, on which batches."""

    @abstractmethod
    def feed(self, job: Job, step: int) -> Iterator[tuple[float, list[Batch]]]:
        """(epoch after this step, micro-batches of one optimiser step), from `step` on: a function of (seed, epoch)."""

    @abstractmethod
    def steps(self, job: Job) -> int:
        """How many optimiser steps a whole run takes."""

    @abstractmethod
    def loss(self, job: Job, net: Net, batch: Batch) -> dict[str, Tensor]:
        """Each loss term as a sum over its units."""


# ---- evaluation -------------------------------------------------------------------------------------------------


class Metric(ABC):
    """One score.  `evaluate/intervals.py` alone resamples; a metric only has to honour weights.

    better: +1 when more is better, -1 when less is.  probabilistic: it judges probabilities, which mean something
    only where they are calibrated.
    """

    better: ClassVar[int] = 1
    probabilistic: ClassVar[bool] = False
    predicts: ClassVar[str] = "label"

    @abstractmethod
    def value(self, predictions: Predictions, weights: np.ndarray) -> float:
        """The score with row weights [B] (how often each row counts); NaN where it is undefined."""


@dataclass(frozen=True)
class Predictions:
    """Predictions of many rows as arrays.  probs: [B, C] calibrated; guess, truth: class indices [B].

    truth is -1 where a row's label is none of `labels`: such a row counts as wrong.
    groups: [B] ids of rows that belong together (near-duplicates, one customer): resampled as one.
    """

    labels: tuple[str, ...]
    probs: np.ndarray
    guess: np.ndarray
    truth: np.ndarray
    groups: np.ndarray
    rows: tuple[str, ...]
