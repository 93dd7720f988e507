"""Who answers under `retrieve`: the base, a server, or a tuned model whose bundle is kept inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tunesmith.approaches._speakers import Remote, Turns, behind
from tunesmith.approaches._tuned import untuned
from tunesmith.bases import Base
from tunesmith.errors import UsageError
from tunesmith.inputs import chat, speaking
from tunesmith.model import Model
from tunesmith.parts import Codec, Job, Speaker, Task
from tunesmith.recipe.sections import Recipe
from tunesmith.registry import Registry
from tunesmith.store import files

BASE = "prompt"
INSIDE = "over"  # the folder of the model's bundle within ours


def keep(over: str, job: Job) -> None:
    """Copy the model's bundle into the job's model folder, so that it is there wherever that goes.

    Raises MissingError N501, N502 (no such model), UsageError C160 (it does not answer in words).
    """
    if over == BASE:
        return
    source = Path(over) if Path(over).is_dir() else Registry(job.cache.parent).find(over).folder
    model = Model.load(source)
    if not isinstance(model.predictor, Speaker) or model.task.content != job.task.content:
        raise UsageError(
            "C160",
            f"{over} is a model of the task {model.recipe.task.name}",
            expected=f"a model of {job.recipe.task.name}, which answers in words",
            fixes=("--set approach.over=prompt", "tunesmith models ls"),
            where="approach.over",
        )
    for path in sorted(each for each in source.rglob("*") if each.is_file()):
        files.copy(path, job.model / INSIDE / path.relative_to(source))


def opened(
    section: Any, folder: Path, task: Task, codec: Codec, base: Base | None, recipe: Recipe
) -> tuple[Speaker, Codec]:
    """(who answers, the codec by which it reads).  section: the approach with its fields over, endpoint and model."""
    if section.over != BASE:
        model = Model.load(folder / INSIDE)
        assert isinstance(model.predictor, Speaker)
        return model.predictor, model.codec
    if section.remote:
        return behind(section, codec), codec
    return untuned(folder, task, codec, base, recipe), codec


def room(codec: Codec, speaker: Speaker) -> Callable[[Turns], bool]:
    """Whether turns leave the answer its room in the window; always where nobody knows the window."""
    window = codec.settings.get("window", 0)
    if not window or isinstance(speaker, Remote):
        return lambda turns: True
    space = max(window - codec.settings["answer_tokens"], window - window // 2)
    rules = chat.template(codec)

    def fits(turns: Turns) -> bool:
        if codec.settings["frame"] == "chat":
            return chat.length(rules, turns) <= space
        return len(chat.asked_plainly(rules, speaking.lines(turns))) <= space

    return fits
