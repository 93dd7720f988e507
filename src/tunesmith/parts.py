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
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, final

import numpy as np

from tunesmith.events import Event
from tunesmith.fields import Broken, Field, Record, Way
from tunesmith.findings import SHOWN, Finding, Place
from tunesmith.outcomes import Answer as Answer
from tunesmith.outcomes import Answers as Answers
from tunesmith.outcomes import Likelihood as Likelihood
from tunesmith.outcomes import Outcomes as Outcomes
from tunesmith.outcomes import Prediction as Prediction
from tunesmith.outcomes import Predictions as Predictions
from tunesmith.section import Section

if TYPE_CHECKING:
    import torch

    from tunesmith.bases import Base
    from tunesmith.recipe.sections import Recipe, Train

    Tensor = torch.Tensor
else:
    Tensor = Any

Net = Any  # a torch.nn.Module with `backbone` and `head`; what else it has is between a task and its network
Output = Any  # what a model says of one example before decoding: float32 logits [C] of labels, an `Answer` in words


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
    """Named tensors, the row keys, and for each loss term how many supervised units it sums over.

    owner: whose loss it is: '' of what is learnt, else the name of the regularizer that added it.
    """

    tensors: Mapping[str, Any]
    rows: tuple[str, ...]
    counts: Mapping[str, float]
    owner: str = ""


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

    validation may be empty: then nothing is stopped early and the last weights are kept.  general: rows that are no
    part of the task's data, for regularizers that keep what the base knows.
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
    general: Sequence[Record] = ()

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


class Lesson(Protocol):
    """What is learnt from rows: how a row becomes numbers, what is minimised, how held-out rows are judged meanwhile.

    A neural task is one: its own.  An objective on other rows (pairs of answers, say) brings another.
    early: names of the metrics that are computed on held-out rows while training goes on; the first decides, the second
    breaks ties.
    """

    early: ClassVar[tuple[str, ...]]

    def encode(self, record: Record, codec: Codec, draw: Draw | None) -> list[Example]:
        """One record as none, one or many examples; draw is None outside training."""
        ...

    def collate(self, examples: Sequence[Example], codec: Codec) -> Batch:
        """Pad examples into tensors and count the supervised units of each loss term."""
        ...

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        """Each loss term as a sum over its units; whoever calls divides once by the global count."""
        ...

    def predict(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        """One output per example, in float32."""
        ...

    def decode(self, record: Record, outputs: Sequence[Output], codec: Codec) -> Prediction | Answer:
        """Join the outputs of a record's examples into what is said of the record."""
        ...

    def outcomes(
        self,
        records: Sequence[Record],
        decoded: Sequence[Prediction | Answer],
        groups: Sequence[str | int],
    ) -> Outcomes:
        """What was said of many records, with what would have been right; all three are parallel."""
        ...


class Task(Section, ABC):
    """Everything known about one kind of problem.  Train, evaluate, serve and monitor use the same one.

    metrics: names of metric files; the first is the main score.  predicts: 'label' or 'text' (`outcomes.py`).
    advice: values of the recipe that suit the task where the user names none.  usual: it is what `up` takes for rows
    of its content where no task is named.  classifies: it says one of few labels of `text`, so rungs that read text
    themselves can do it too.  evidence: what checks of its rows must be told beside them (`Check.needs`).  decoder:
    whether its bases are causal models (True), see both sides of a word (False), or are of either kind (None).
    """

    content: ClassVar[str]  # the name of what its records hold (`data/contents`)
    fields: ClassVar[tuple[Field, ...]]  # that content's
    metrics: ClassVar[tuple[str, ...]]
    predicts: ClassVar[str]
    advice: ClassVar[Mapping[str, Any]] = {}
    usual: ClassVar[bool] = True
    classifies: ClassVar[bool] = False
    evidence: ClassVar[frozenset[str]] = frozenset()
    early: ClassVar[tuple[str, ...]] = ()
    decoder: ClassVar[bool | None] = None

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
    def decode(self, record: Record, outputs: Sequence[Output], codec: Codec) -> Prediction | Answer:
        """Join the outputs of a record's examples into what is said of the record: a calibrated `Prediction`, or an
        `Answer`."""

    @abstractmethod
    def outcomes(
        self,
        records: Sequence[Record],
        decoded: Sequence[Prediction | Answer],
        groups: Sequence[str | int],
    ) -> Outcomes:
        """What was said of many records, with what would have been right; all three are parallel."""

    @abstractmethod
    def measured(self, rows: Sequence[Record]) -> list[Record]:
        """The rows on which models are compared: all, or always the same few where each takes long."""

    @abstractmethod
    def samples(self) -> list[Record]:
        """A few dozen records written for this project: documentation, tests, rehearsal."""


class NeuralTask(Task, ABC):
    """A task that a network can learn: a `Lesson`.  Torch is imported inside bodies only.

    coupled: rows of a batch see each other (contrastive losses), so a batch may not be split.  at_once: asked in words,
    its network answers by the outputs of one record that holds the text; else it goes on from it, token by token.
    """

    coupled: ClassVar[bool] = False
    at_once: ClassVar[bool] = False

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
    def predict(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        """One output per example, in float32: what the early metrics read.  A task that answers in words gives the
        likelihood of the row's own answer."""

    @abstractmethod
    def reply(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        """One output per example: all that evaluation and faces show.  A task that answers in words generates them
        here; for others it is what `predict` gives."""

    @abstractmethod
    def survey(self, rows: Iterable[Sequence[Example]], codec: Codec) -> Iterator[Event]:
        """What there is to say, before the first step, of how training rows became numbers: each is given by its
        examples.  Raises DataError where a network would learn nothing from them."""

    @abstractmethod
    def embed(self, net: Net, batch: Batch, codec: Codec) -> list[np.ndarray]:
        """One float32 vector [D] per example, for a linear layer to learn from while the network stays as it is."""


class Scores(Protocol):
    """A task whose network can say how likely a continuation is: what preference objectives need."""

    def asked(self, prompt: Prompt, codec: Codec, wish: Wish) -> list[int]:
        """The tokens to which an answer is written."""
        ...

    def conversation(
        self, turns: Sequence[Mapping[str, Any]], codec: Codec, tools: Any = None
    ) -> list[Tokens]:
        """The windows of a conversation as the model sees it."""
        ...


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text as a model sees it.

    ids: [T].  weights: [T] what each token counts in the loss: 0 for what is only read, 1 (or its turn's weight) for
    what is learnt.  cut: tokens that the window left out, of which cut_learnt would have been learnt.
    """

    ids: Sequence[int]
    weights: Sequence[float]
    cut: int = 0
    cut_learnt: int = 0


# ---- models -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Meter:
    """What a server was asked for.

    read, written: tokens of the `told` answers of which it says so, out of all `answers`.  price_read, price_written:
    money for a million of each, None where nobody says.
    """

    price_read: float | None = None
    price_written: float | None = None
    answers: int = 0
    told: int = 0
    read: int = 0
    written: int = 0

    def count(self, used: Iterable[tuple[int, int]]) -> None:
        """Put answers on it: tokens read and written for each; a server that tells none read tells nothing."""
        for read, written in used:
            self.answers += 1
            self.told += read > 0
            self.read += read
            self.written += written if read else 0


class Predictor(ABC):
    """A fitted model in memory: what serving holds.

    held: bytes that it needs there to answer one text: its numbers, and what it keeps of a text as long as its window;
    0 where that is little.  meter: what it asked a server for, None where it answers itself.
    """

    held: int = 0
    meter: Meter | None = None

    @abstractmethod
    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        """For each record the outputs of its examples, in float32; a row's output depends on its batch's make-up only
        by rounding (1e-5)."""


Prompt = str | Sequence[Mapping[str, Any]]  # a text to go on from, or messages to answer


@dataclass(frozen=True, slots=True)
class Wish:
    """How an answer is to be written.

    temperature 0: always the likeliest token.  top_p: only the likeliest tokens that hold this share.  stop: texts that
    end the answer and are not part of it.  seed: the same wish with the same seed gives the same text.  alternatives:
    how many rival tokens are told for each position.  schema: JSON Schema that the text must fit, or None.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int = 0
    alternatives: int = 0
    schema: Mapping[str, Any] | None = None
    tools: Any = None


@dataclass(frozen=True, slots=True)
class Piece:
    """The next bit of an answer.

    text: may be '' while a letter is incomplete.  rivals: (text, logprob) of the likeliest tokens at this place.
    end: '' while it goes on, 'stop' where it ended by itself, 'length' at the limit; the last piece alone has one, and
    sources: documents that the answer was given (`Answer.sources`).
    """

    text: str
    token: int = -1
    logprob: float = 0.0
    rivals: tuple[tuple[str, float], ...] = ()
    end: str = ""
    sources: tuple[str, ...] = ()


class Speaker(Predictor, ABC):
    """A predictor that answers in words."""

    @abstractmethod
    def stream(self, prompt: Prompt, wish: Wish) -> Iterator[Piece]:
        """The answer, piece by piece; closing the iterator ends the work.  Two streams of one speaker may be open
        together, each in a thread of its own or in turns."""

    @abstractmethod
    def length(self, prompt: Prompt, wish: Wish) -> int:
        """Tokens of the prompt as the model sees it; 0 where nobody knows."""


class Approach(Section, ABC):
    """How a model comes to be.

    refits: cheap enough to be fitted again on folds and on training + validation rows.
    based: it starts from a base model.  library: the optional library that it needs ("" = none).  trains: it moves
    weights of a network: tuning, objective and regularizer are read.
    """

    refits: ClassVar[bool]
    based: ClassVar[bool] = False
    library: ClassVar[str] = ""
    trains: ClassVar[bool] = False

    @property
    def remote(self) -> bool:
        """Whether a server answers: then neither the base nor the library is needed."""
        return False

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


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that move alike.

    scale: learning rate ÷ the run's.  decay: whether weight decay pulls at them.  opens_at: share of the steps after
    which they begin to move (gradual unfreezing).
    """

    name: str
    members: list[tuple[str, Tensor]]
    scale: float = 1.0
    decay: bool = False
    opens_at: float = 0.0


class Tuning(Section, ABC):
    """Which numbers may move.

    peak_lr: the learning rate where the recipe names none.  adds: it leaves the base's weights alone and adds tensors
    beside them, so that several models share one base in memory.  measurable: `change` tells how far the base's tensors
    are moved, which regularizers that hold weights in place must know.
    """

    peak_lr: ClassVar[float]
    adds: ClassVar[bool] = False
    measurable: ClassVar[bool] = True

    @property
    def room(self) -> int:
        """Tokens of the base's window that it takes from every row."""
        return 0

    @abstractmethod
    def serves(self, task: Task) -> bool:
        """Whether it can tune this task's network."""

    @abstractmethod
    def apply(self, net: Net) -> Net:
        """Freeze, unfreeze, wrap: after this the parameters with requires_grad are the ones that move."""

    @abstractmethod
    def groups(self, net: Net) -> list[Group]:
        """Every parameter that moves, in a stable order."""

    @abstractmethod
    def delta(self, net: Net) -> dict[str, Tensor]:
        """What differs from the base: all that must be saved to have the tuned model again.  It shares memory with the
        net: who keeps it while the net moves on takes copies."""

    @abstractmethod
    def load(self, net: Net, delta: Mapping[str, Tensor]) -> None:
        """Put a saved delta into a net that went through `apply`.  Raises ValueError on a misfit."""

    @abstractmethod
    def change(self, net: Net, start: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        """(name of a tensor of the base, how far it is moved, with gradient) for regularizers that hold weights in
        place.  start: copies of `delta` as the run began.  What has no counterpart in the base is left out."""

    @abstractmethod
    def merge(self, net: Net) -> Net:
        """The net with what was added folded into the base's own tensors: structure and names are the base's again.
        Raises ValueError where that can't be (a soft prompt, a non-linear adapter)."""

    @abstractmethod
    def card(self, net: Net, base: str) -> dict[str, Any] | None:
        """PEFT's `adapter_config.json` for `delta`, or None where PEFT has no form for it."""

    @final
    def attach(self, net: Net, delta: Mapping[str, Tensor]) -> Net:
        """A net of its own, tuned by a saved delta, that shares with `net` every tensor that the tuning leaves alone.

        net: as its base is, not tuned; it stays so.  Nets that hang on one base have no state in common, so they
        answer in any order and in threads of their own.  Raises ValueError on a misfit.
        """
        from tunesmith.nn import sharing

        attached = self.apply(sharing.twin(net))
        sharing.part(attached, net)
        self.load(attached, delta)
        return attached.eval()


class Objective(Section, ABC):
    """What is minimised, on which batches.

    content: the name of what its rows hold, '' for the task's own.  usual: it is what `up` takes for rows of its
    content where none is named.  rate: the share of the tuning's learning rate that suits it, where the recipe names
    no rate.
    """

    content: ClassVar[str] = ""
    usual: ClassVar[bool] = False
    rate: ClassVar[float] = 1.0

    @abstractmethod
    def serves(self, task: Task) -> bool:
        """Whether it can teach this task."""

    def samples(self, task: Task) -> list[Record]:
        """Rows of its content for a rehearsal: the task's own, unless it learns from others."""
        return task.samples()

    @abstractmethod
    def shown(self, record: Record) -> Record:
        """A row of its content as the task reads it: for evaluation and serving."""

    @abstractmethod
    def lesson(self, job: Job, net: Net) -> Generator[Event, None, Lesson]:
        """What is learnt.  Called once before the first step, while the net is as the run begins: whatever must be
        known of that net (reference log-probabilities) is computed here, or read from `job.cache`."""

    @abstractmethod
    def feed(self, job: Job, lesson: Lesson, step: int) -> Iterator[tuple[float, list[Batch]]]:
        """(epoch after this step, micro-batches of one optimiser step), from `step` on: a function of (seed, epoch)."""

    @abstractmethod
    def steps(self, job: Job, lesson: Lesson) -> int:
        """How many optimiser steps a whole run takes."""


class Demand(Protocol):
    """What the weights are also asked, at each step."""

    def batches(self, step: int) -> list[Batch]:
        """Micro-batches that come with this step, each with the regularizer's name as `owner`."""
        ...

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        """Each of its loss terms as a sum over the units that the batch counts."""
        ...


class Regularizer(Section, ABC):
    """What the weights are also asked, so that they keep what they knew.

    general: it needs rows that are no part of the data (`Job.general`).  measures: it asks the tuning how far the
    base's tensors are moved (`Tuning.change`).  keeps: what it holds in float32 while training: 'start' (a copy of what
    moves as the run begins), 'fisher' (a number for each of the base's weights that is moved).
    """

    general: ClassVar[bool] = False
    measures: ClassVar[bool] = False
    keeps: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def demand(self, job: Job, net: Net, tuning: Tuning) -> Generator[Event, None, Demand]:
        """Called once before the first step, while the net is as the run begins (Fisher information, say)."""


# ---- evaluation -------------------------------------------------------------------------------------------------


class Metric(ABC):
    """One score.  `evaluate/intervals.py` alone resamples; a metric only has to honour weights.

    better: +1 when more is better, -1 when less is.  probabilistic: it judges probabilities, which mean something
    only where they are calibrated.  predicts: what it judges, 'label' (`Predictions`) or 'text' (`Answers`).  share: it
    is a share of rows, so its interval is never narrower than Wilson's where all rows agree.
    """

    better: ClassVar[int] = 1
    probabilistic: ClassVar[bool] = False
    predicts: ClassVar[str] = "label"
    share: ClassVar[bool] = False

    @abstractmethod
    def value(self, predictions: Any, weights: np.ndarray) -> float:
        """The score with row weights [B] (how often each row counts); NaN where it is undefined."""

    def scored(self, predictions: Any) -> np.ndarray:
        """Which rows the score rests on: booleans [B]; all, unless it passes over some."""
        return np.ones(len(predictions.rows), bool)

    def parted(self, one: Any, other: Any) -> np.ndarray:
        """Rows in which two models differ for this score: booleans [B]; those that only one of them has right."""
        return one.hits != other.hits


class TextMetric(Metric, ABC):
    """A score of texts that is a function of sums over rows: each row is looked at once, resampling only adds."""

    predicts: ClassVar[str] = "text"

    @abstractmethod
    def statistics(self, answers: Answers) -> np.ndarray:
        """float64 [B, S]: what each row adds; zeros for a row that says nothing of this score."""

    @abstractmethod
    def combine(self, sums: np.ndarray) -> float:
        """The score from the weighted sums [S] over rows; NaN where it is undefined."""

    @final
    def value(self, predictions: Answers, weights: np.ndarray) -> float:
        table = self._table(predictions)
        return self.combine(weights @ table) if len(table) else float("nan")

    @final
    def scored(self, predictions: Answers) -> np.ndarray:
        table = self._table(predictions)
        return np.array(table.any(axis=1), bool) if len(table) else np.zeros(0, bool)

    @final
    def parted(self, one: Answers, other: Answers) -> np.ndarray:
        return np.array((self._table(one) != self._table(other)).any(axis=1), bool)

    @final
    def _table(self, predictions: Answers) -> np.ndarray:
        return predictions.once(f"{type(self).__module__}.{type(self).__name__}", self.statistics)


# ---- leaving the house ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Origin:
    """A model with weights of its own, as its bundle tells before a tensor is read.

    base: the model from which it was tuned, or the model itself where it was trained from nothing; then `tuning` is
    None.  codec: what its network was taught with.
    """

    name: str
    folder: Path
    task: NeuralTask
    codec: Codec
    recipe: Recipe
    base: Base
    tuning: Tuning | None

    def merged(self, net: Net) -> Net:
        """Its network with what was learnt in the tensors of the base.  The modules of `net` are taken; the tensors
        that it shares with others stay as they are.  Raises ValueError where what was added can't be folded in."""
        return (net if self.tuning is None else self.tuning.merge(net)).eval()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a model can't have a form: a code, what is the case, what was needed."""

    code: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class Gap:
    """How far a tensor in an export is from what was to be written.

    worst: the largest difference in units of what the form allows, so that more than 1 is wrong.
    """

    name: str
    worst: float


@dataclass(frozen=True)
class Witness:
    """An export as a program reads it that knows nothing of what wrote it.

    by: which program.  Each of the others is None where the program can't tell.
    logits: token ids [T] → float32 [T, V].  peer: the same of the trained network with its numbers rounded as the form
    rounds them, None where it rounds nothing.  rounding: the largest difference in nats that this may make to a
    log-probability.  says: (token ids, how many) → the likeliest next tokens, with the one that ends the answer.
    reads: (a text or messages, tools, whether the assistant is to speak next) → token ids, None for what it never
    writes.  gaps: every tensor that was read again.
    """

    by: str
    logits: Callable[[Sequence[int]], np.ndarray] | None = None
    peer: Callable[[Sequence[int]], np.ndarray] | None = None
    rounding: float = 0.0
    says: Callable[[Sequence[int], int], list[int]] | None = None
    reads: Callable[[Prompt, Any, bool], list[int] | None] | None = None
    gaps: tuple[Gap, ...] = ()


class Export(Section, ABC):
    """One form in which a model that answers in words leaves for other programs.

    library: the optional library that it needs ('' = none).
    """

    library: ClassVar[str] = ""

    @abstractmethod
    def obstacle(self, origin: Origin) -> Obstacle | None:
        """Why the model can't have this form, found without its weights; None where it can."""

    @abstractmethod
    def write(self, origin: Origin, net: Net, folder: Path) -> Net:
        """Write the form's files; the network whose numbers they hold.  net: tuned, in evaluation mode, given away (it
        may be merged in place)."""

    @abstractmethod
    def witnesses(self, origin: Origin, net: Net, folder: Path) -> Iterator[Witness]:
        """Who reads the files here.  net: what `write` gave.  At least one of them tells logits, and one reads the
        words, unless nothing on this machine can."""
