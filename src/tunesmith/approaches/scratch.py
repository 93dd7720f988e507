"""Trains a language model from nothing: its own tokenizer, its own size, random weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from tunesmith import bases, catalog, doors, machine
from tunesmith.approaches._tuned import untuned
from tunesmith.approaches.tune import Tune, probed
from tunesmith.bases import Base
from tunesmith.errors import DataError, UsageError
from tunesmith.events import Event, Note
from tunesmith.inputs import vocabulary
from tunesmith.inputs.text import TOKENIZER
from tunesmith.model import read_codec, write_codec
from tunesmith.parts import Approach, Codec, Job, Predictor, Profile, Task
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files

PEAK_LR = 1.5e-3  # Kaplan et al. (2020) give 0.0016 for 100 thousand parameters, 0.001 for 10 million
_TUNE = Tune(head="random")


class Scratch(Approach):
    """A base with random weights is made, then trained by the ordinary loop; what it leaves is a base itself."""

    refits: ClassVar = False
    library: ClassVar = "torch"
    trains: ClassVar = True
    vocabulary: int = Field(1024, ge=vocabulary.FEWEST, description="tokens of its own tokenizer, at most")
    window: int = Field(512, ge=16, description="tokens that it sees at once")
    layers: int = Field(0, ge=0, description="layers; 0: as many as the data pays for")
    width: int = Field(0, ge=0, multiple_of=32, description="width of a layer; 0: as the data pays for")

    def serves(self, task: Task) -> bool:
        """What it makes is a causal model."""
        return task.predicts == "text" and task.decoder is not False

    def resolve(self, recipe: Recipe) -> dict[str, Any]:
        return {**probed(recipe.train), "train.peak_lr": recipe.train.peak_lr or PEAK_LR}

    def seconds(self, job: Job, *, probe: bool) -> float:
        return _TUNE.seconds(self._started(job)[0] if probe else job, probe=probe)

    def shorter(self, recipe: Recipe, share: float) -> Mapping[str, Any] | None:
        return _TUNE.shorter(recipe, share)

    def fit(self, job: Job) -> Iterator[Event]:
        made, said = self._started(job)
        yield Note(said)
        yield from _TUNE.fit(made)
        assert made.base is not None
        _leave(made, made.base.folder)

    def open(self, folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe) -> Predictor:
        own = Base("scratch", folder, files.sha256(folder / bases.WEIGHTS))
        return untuned(folder, task, read_codec(folder), own, recipe)

    def _started(self, job: Job) -> tuple[Job, str]:
        """(the job on a base that knows nothing, what that is).  Deterministic, so that a resumed run has it again."""
        _require_full(job)
        machine.set_threads(job.options.threads)
        texts = _texts(job)
        tokenizer = vocabulary.learnt(texts, self.vocabulary)
        size, tokens = vocabulary.counted(tokenizer, texts)
        folder, said = self._write(job, tokenizer, size, tokens)
        base = Base("scratch", folder, files.sha256(folder / bases.WEIGHTS))
        options = job.options.model_copy(update={"peak_lr": job.options.peak_lr or PEAK_LR})
        recipe = job.recipe.model_copy(update={"train": options})
        codec = job.task.codec(base, Profile(len(job.train)))
        return replace(job, base=base, codec=codec, recipe=recipe), said

    def _write(self, job: Job, tokenizer: bytes, size: int, tokens: float) -> tuple[Path, str]:
        """Write the base that knows nothing into the run's folder."""
        from tunesmith.nn import fresh

        layers, width = fresh.shape(tokens, job.options.epochs)
        layers, width = self.layers or layers, self.width or width
        names = {
            "pad_token_id": vocabulary.PAD,
            "bos_token_id": vocabulary.BEGIN,
            "eos_token_id": vocabulary.END,
        }
        ids = {key: vocabulary.SPECIALS.index(word) for key, word in names.items()}
        config = fresh.config(layers, width, vocabulary=size, window=self.window, **ids)
        folder = job.folder / "start"
        files.write(folder / TOKENIZER, tokenizer)
        files.write_json(folder / "tokenizer_config.json", vocabulary.about(self.window))
        files.write_json(folder / "config.json", config)
        _save(folder, fresh.weights(config, job.seed))
        numbers = fresh.parameters(layers, width) + size * width
        return folder, (
            f"from scratch: {layers} layers of width {width}, {size:,} tokens, about {numbers:,} parameters "
            f"for about {tokens:,.0f} tokens of text"
        )


def _texts(job: Job) -> list[str]:
    """Every text of the training rows, and the general ones.  Raises DataError Q503 where there is none."""
    objective = catalog.make("objective", job.recipe.objective)
    content, document = (catalog.part("content", name)() for name in (job.task.content, "document"))
    found = [text for row in map(objective.shown, job.train) for _, text in content.passages(row)]
    found += [text for row in job.general for _, text in document.passages(row)]
    if any(text.strip() for text in found):
        return found
    raise DataError(
        "Q503",
        "there is nothing to learn from: no training row has a text",
        expected="texts",
        fixes=("tunesmith data check FILE",),
        where=job.recipe.data.source,
    )


def _require_full(job: Job) -> None:
    if job.recipe.tuning.name == "full":
        return
    raise UsageError(
        "C161",
        f"the tuning '{job.recipe.tuning.name}' leaves random weights as they are",
        expected="the tuning 'full', which moves all of them",
        fixes=("--set tuning.name=full", "--set approach.name=tune"),
        where="tuning.name",
    )


def _leave(job: Job, start: Path) -> None:
    """Turn what the loop left into a base: the trained weights under the names of Hugging Face, and all it needs."""
    delta = job.model / "delta.safetensors"
    trained = doors.open("safetensors.torch").load_file(delta)
    for name in ("config.json", TOKENIZER, "tokenizer_config.json"):
        files.copy(start / name, job.model / name)
    _save(job.model, {name.removeprefix("backbone."): each for name, each in trained.items()})
    write_codec(job.model, job.codec)
    files.remove(delta)
    files.remove(start)


def _save(folder: Path, tensors: Mapping[str, Any]) -> None:
    save_file = doors.open("safetensors.torch").save_file
    files.write_with(folder / bases.WEIGHTS, lambda path: save_file(dict(tensors), path, {"format": "pt"}))
