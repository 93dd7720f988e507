"""What an estimate must know of base and rows: configuration, lengths in tokens, what a tuning moves."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith import bases, catalog, doors
from tunesmith.advise.estimate import Rows
from tunesmith.advise.moving import Moving
from tunesmith.advise.sizes import Shape
from tunesmith.bases import Base
from tunesmith.data import profile
from tunesmith.errors import MissingError, NetworkError, TunesmithError
from tunesmith.events import Event, Note, Stage
from tunesmith.fields import Record
from tunesmith.lifecycle.datasets import Dataset, opened
from tunesmith.lifecycle.prepare import content_of
from tunesmith.parts import Codec, Draw, NeuralTask, Task
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files

USUAL_LENGTH = 512  # tokens of a row where nobody says and the base has no smaller window
ENCODED = 4000  # rows that are encoded: the longest by characters, and as many by chance
CHARACTERS = 4  # of a token, where there is no tokenizer


def config(base: str, *, offline: bool) -> Mapping[str, Any]:
    """A base's `config.json`: of a known name, a folder, the file itself, or a hub id (that one file is fetched).

    Raises MissingError B201, NetworkError B204.
    """
    path = Path(base).expanduser()
    file = path / "config.json" if path.is_dir() else path
    if file.suffix == ".json" and file.is_file():
        return files.read_json(file)
    if base in bases.KNOWN or base.count("/") != 1 or path.is_absolute() or base.startswith((".", "~")):
        return bases.resolve(base, offline=offline).config
    hub = doors.open("huggingface_hub")
    try:
        return json.loads(Path(hub.hf_hub_download(base, "config.json", local_files_only=offline)).read_text())
    except (OSError, ValueError, hub.errors.HfHubHTTPError) as refusal:
        raise NetworkError(
            "B204",
            f"the configuration of '{base}' could not be had from the hub: {str(refusal).splitlines()[0][:200]}",
            expected="a network, or a copy in the hub's cache",
            fixes=("--base DIR/config.json", f"hf download {base} config.json"),
            where=base,
        ) from None


def given(recipe: Recipe, task: Task, settings: Mapping[str, Any], rows: int, tokens: int) -> Rows:
    """So many rows of one length: what the user says, else the smallest of window, task's limit and 512."""
    limits = (_window(settings), int(task.model_dump().get("max_length", 0)), USUAL_LENGTH)
    length = tokens or min(each for each in limits if each)
    held = recipe.data.split.validation
    trained = max(1, round(rows * (1 - held - recipe.data.split.test)))
    learnt = 0.0 if task.classifies else 1.0
    return Rows([length] * trained, learnt, round(rows * held), 2, "given")


def _window(settings: Mapping[str, Any]) -> int:
    inner = settings.get("text_config") or settings
    return int(inner.get("max_position_embeddings") or inner.get("n_positions") or 0)


def read(
    recipe: Recipe, task: Task, settings: Mapping[str, Any], home: Path
) -> Generator[Event, None, Rows]:
    """The rows of the recipe's data, as long as the task makes them with the base's tokenizer."""
    data = recipe.data
    dataset = yield from opened(
        data.source, home, form=data.form, fields=data.fields, content=content_of(recipe)
    )
    yield Stage("lengths", f"{len(dataset.records):,} rows")
    total = len(dataset.records)
    held = data.split.validation
    share = 1 - held - (0 if data.test else data.split.test)
    facts = profile.profile(dataset.records, dataset.content)
    codec = _codec(recipe, task, facts)
    if codec is None:
        yield Note("no tokenizer is at hand: four characters are taken for a token")
        lengths, learnt = _by_characters(dataset, settings), 0.0 if task.classifies else 1.0
    else:
        lengths, learnt = _encoded(recipe, task, codec, dataset)
    kept = _share(lengths, share)
    counted = "tokenizer" if codec else "characters"
    return Rows(kept, learnt, round(total * held), max(2, len(facts.labels)), counted)


def _codec(recipe: Recipe, task: Task, facts: Any) -> Codec | None:
    """The task's codec, where the base's tokenizer is at hand."""
    folder = Path(recipe.base).expanduser()
    try:
        base = (
            Base(recipe.base, folder, "")
            if (folder / "tokenizer.json").is_file()
            else bases.resolve(recipe.base, offline=True)
        )
        return task.codec(base, facts)
    except (MissingError, NetworkError):
        return None


def _encoded(recipe: Recipe, task: Task, codec: Codec, dataset: Dataset) -> tuple[list[int], float]:
    """(tokens of each example, share of them that is learnt); of many rows the longest and some by chance."""
    draw, objective = Draw(recipe.train.seed, 0), catalog.make("objective", recipe.objective)
    lengths: list[int] = []
    learnt = 0.0
    chosen = _some(dataset)
    for record in chosen:
        for example in task.encode(objective.shown(record), codec, draw):
            lengths.append(example.length)
            learnt += sum(weight > 0 for weight in example.values.get("weights", ()))
    scale = len(dataset.records) / max(len(chosen), 1)
    return lengths * max(1, round(scale)), learnt / max(sum(lengths), 1)


def _some(dataset: Dataset) -> Sequence[Record]:
    records = dataset.records
    if len(records) <= ENCODED:
        return records
    order = sorted(range(len(records)), key=lambda row: -len(dataset.content.text(records[row])))
    step = -(-len(records) // (ENCODED // 2))
    return [records[row] for row in {*order[: ENCODED // 2], *range(0, len(records), step)}]


def _by_characters(dataset: Dataset, settings: Mapping[str, Any]) -> list[int]:
    window = _window(settings) or USUAL_LENGTH
    texts = (dataset.content.text(each) + (dataset.content.target(each) or "") for each in dataset.records)
    return [min(window, 1 + len(text) // CHARACTERS) for text in texts]


def _share(lengths: Sequence[int], share: float) -> list[int]:
    """The longest row, and as many of the others as are trained on."""
    ordered = sorted(lengths, reverse=True)
    wanted = max(1, round(len(ordered) * share))
    return [ordered[round(at * (len(ordered) - 1) / max(wanted - 1, 1))] for at in range(wanted)]


def built(shape: Shape, settings: Mapping[str, Any], recipe: Recipe) -> Moving:
    """What a tuning moves, by applying it to a network without memory."""
    torch = doors.open("torch")
    task = catalog.make("task", recipe.task)
    assert isinstance(task, NeuralTask)
    codec = Codec({"labels": ["a", "b"], "window": shape.window, "max_length": shape.window, "pad_id": 0})
    with torch.device("meta"):
        net = task.build(_Configured(settings), codec)  # pyright: ignore[reportArgumentType]
        net = catalog.make("tuning", recipe.tuning).apply(net)
    return _seen(net, shape)
