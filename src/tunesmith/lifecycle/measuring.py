"""What an estimate must know of base and rows: configuration, lengths in tokens, what a tuning moves."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from pathlib import Path

from tunesmith import bases, catalog, doors
from tunesmith.advise.estimate import Rows
from tunesmith.advise.moving import Moving
from tunesmith.advise.shapes import Shape
from tunesmith.bases import Base
from tunesmith.data import profile
from tunesmith.errors import NetworkError
from tunesmith.events import Event, Note, Stage
from tunesmith.fields import Record
from tunesmith.inputs.text import TOKENIZER
from tunesmith.lifecycle.datasets import Dataset, opened
from tunesmith.lifecycle.prepare import content_of
from tunesmith.parts import Codec, Draw, Net, NeuralTask, Task
from tunesmith.recipe.sections import Recipe

CONFIG = "config.json"
USUAL_LENGTH = 512  # tokens of a row where nobody says and the base has no smaller window
ENCODED = 4000  # rows that are encoded where there are more, beside the longest
TOP = 256  # of the longest rows, as many as one step may hold
CHARACTERS = 4  # of a token, where there is no tokenizer


def base_of(name: str, *, offline: bool) -> Base:
    """A base of which at least the configuration is at hand: a known name, a folder, its `config.json`, or a hub id (of
    which that one file is fetched).  Its digest is not computed.

    Raises MissingError B201, NetworkError B204.
    """
    path = Path(name).expanduser()
    folder = path.parent if path.name == CONFIG else path
    if (folder / CONFIG).is_file():
        return Base(name, folder, "")
    if name in bases.KNOWN or name.count("/") != 1 or path.is_absolute() or name.startswith((".", "~")):
        return bases.resolve(name, offline=offline)
    hub = doors.open("huggingface_hub")
    try:
        return Base(name, Path(hub.hf_hub_download(name, CONFIG, local_files_only=offline)).parent, "")
    except (OSError, ValueError, hub.errors.HfHubHTTPError) as refusal:
        raise NetworkError(
            "B204",
            f"the configuration of '{name}' could not be had from the hub: {str(refusal).splitlines()[0][:200]}",
            expected="a network, or a copy in the hub's cache",
            fixes=("tunesmith estimate --base DIR", f"hf download {name} {CONFIG}"),
            where=name,
        ) from None


def given(recipe: Recipe, task: Task, base: Base, rows: int, tokens: int) -> Rows:
    """So many rows of one length: what the user says, else the smallest of window, task's limit and 512."""
    limits = (_window(base), int(task.model_dump().get("max_length", 0)), USUAL_LENGTH)
    length = tokens or min(each for each in limits if each)
    held = recipe.data.split.validation
    trained = max(1, round(rows * (1 - held - recipe.data.split.test)))
    learnt = 0.0 if task.classifies else 1.0
    return Rows([length] * trained, learnt, round(rows * held), 2, "given")


def _window(base: Base) -> int:
    inner = base.config.get("text_config") or base.config
    return int(inner.get("max_position_embeddings") or inner.get("n_positions") or 0)


def read(recipe: Recipe, task: Task, base: Base, home: Path) -> Generator[Event, None, Rows]:
    """The rows of the recipe's data, as long as the task makes them with the base's tokenizer."""
    data = recipe.data
    dataset = yield from opened(
        data.source, home, form=data.form, fields=data.fields, content=content_of(recipe)
    )
    yield Stage("lengths", f"{len(dataset.records):,} rows")
    facts = profile.profile(dataset.records, dataset.content)
    known = (base.folder / TOKENIZER).is_file()
    words = 0
    if known:
        lengths, learnt, words = _encoded(recipe, task, task.codec(base, facts), dataset)
    else:
        yield Note("no tokenizer is at hand: four characters are taken for a token")
        lengths, learnt = _by_characters(dataset, base), 0.0 if task.classifies else 1.0
    held = data.split.validation
    kept = _share(lengths, 1 - held - (0 if data.test else data.split.test))
    counted = "tokenizer" if known else "characters"
    return Rows(kept, learnt, round(len(lengths) * held), max(2, len(facts.labels)), counted, words)


def _encoded(recipe: Recipe, task: Task, codec: Codec, dataset: Dataset) -> tuple[list[int], float, int]:
    """(tokens of each example, share of them that is learnt, how many different ones there are); of many rows some, and
    the longest of all."""
    draw, objective = Draw(recipe.train.seed, 0), catalog.make("objective", recipe.objective)
    some, longest = _some(dataset, recipe.train.batch_size)
    lengths: list[int] = []
    learnt, seen = 0.0, set[int]()
    for record in some:
        for example in task.encode(objective.shown(record), codec, draw):
            lengths.append(example.length)
            learnt += sum(weight > 0 for weight in example.values.get("weights", ()))
            seen.update(example.values.get("ids", ()))
    share = learnt / max(sum(lengths), 1)
    # the words of a text grow about as the square root of its length (Heaps' law)
    words = round(len(seen) * math.sqrt(len(dataset.records) / max(len(some), 1)))
    if not longest:
        return lengths, share, words
    more = [e.length for r in longest for e in task.encode(objective.shown(r), codec, draw)]
    return [*more, *(lengths * -(-len(dataset.records) // len(some)))[: len(dataset.records)]], share, words


def _some(dataset: Dataset, longest: int) -> tuple[Sequence[Record], Sequence[Record]]:
    """(rows at even distances, those with the most characters), all rows and none where they are few."""
    records = dataset.records
    if len(records) <= ENCODED:
        return records, ()
    order = sorted(range(len(records)), key=lambda row: -len(dataset.content.text(records[row])))
    step = -(-len(records) // ENCODED)
    return [records[row] for row in range(0, len(records), step)], [records[r] for r in order[:longest]]


def _by_characters(dataset: Dataset, base: Base) -> list[int]:
    window = _window(base) or USUAL_LENGTH
    texts = (dataset.content.text(each) + (dataset.content.target(each) or "") for each in dataset.records)
    return [min(window, 1 + len(text) // CHARACTERS) for text in texts]


def _share(lengths: Sequence[int], share: float) -> list[int]:
    """Of the lengths, from the longest on, as many as are trained on: the longest may be among them."""
    ordered = sorted(lengths, reverse=True)
    wanted = max(1, round(len(ordered) * share))
    top = ordered[: min(wanted, TOP)]
    rest, left = ordered[len(top) :], wanted - len(top)
    return [*top, *(rest[at * len(rest) // left] for at in range(left))]


# ---- tunings that no formula counts -----------------------------------------------------------------------------


def built(shape: Shape, base: Base, recipe: Recipe) -> Moving:
    """What a tuning moves, by applying it to a network without memory."""
    torch = doors.open("torch")
    task = catalog.make("task", recipe.task)
    assert isinstance(task, NeuralTask)
    codec = Codec({"labels": ["a", "b"], "window": shape.window, "max_length": shape.window, "pad_id": 0})
    with torch.device("meta"):
        net = task.build(base, codec)
        own = {id(p) for p in net.parameters()}
        net = catalog.make("tuning", recipe.tuning).apply(net)
    return _seen(net, own, shape)


def _seen(net: Net, own: set[int], shape: Shape) -> Moving:
    from tunesmith.nn import parameters

    moves = [p for p in net.parameters() if p.requires_grad]
    layers = list(parameters.layers(net))
    live = [any(p.requires_grad for p in layer.parameters()) for layer in layers]
    whole = [all(p.requires_grad for p in layer.parameters() if id(p) in own) for layer in layers]
    inside = {id(p) for layer in layers for p in layer.parameters()}
    added = sum(p.numel() for p in moves if id(p) not in own)
    tables = [p for p in moves if id(p) not in inside and id(p) in own and p.numel() >= shape.embedding]
    below = any(
        id(p) not in inside and id(p) not in own for p in moves
    )  # a soft prompt stands before all layers
    return Moving(
        whole=sum(p.numel() for p in moves if id(p) in own),
        added=added,
        top=whole[::-1].index(False) if False in whole else len(whole),
        reach=len(layers)
        if tables or below
        else len(live) - (live.index(True) if True in live else len(live)),
        tables=bool(tables),
        output=bool(tables) and shape.decoder,
        # each map may keep its input; an added one of that rank beside each would have so many parameters
        adapted=frozenset(range(len(shape.matrices))) if added and not below else frozenset(),
        rank=round(added / max(1, len(layers) * sum(m.inputs + m.outputs for m in shape.matrices))),
    )
