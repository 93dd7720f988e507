"""What is said of a base that a task's network can't read, and which tasks could."""

from __future__ import annotations

from tunesmith import catalog, doors
from tunesmith.bases import Base
from tunesmith.errors import MissingError, TunesmithError
from tunesmith.parts import NeuralTask, Profile

FAULTS = (TunesmithError, ValueError, KeyError, OSError, RuntimeError)


def refusal(task: NeuralTask, base: Base, why: str) -> MissingError:
    """B205, with the other tasks of the same rows that this base can do."""
    kebab = type(task).__module__.rpartition(".")[2].replace("_", "-")
    return MissingError(
        "B205",
        f"the base '{base.name}' can't be used: {why.splitlines()[0][:200]}",
        expected=f"a model that the installed transformers knows and that can do {kebab}",
        fixes=(*_others(task, base), "--base minilm", "tunesmith doctor"),
        where=str(base.folder),
    )


def _others(task: NeuralTask, base: Base) -> list[str]:
    """Other tasks of the same rows whose network this base can be: each is built without memory."""
    kinds = catalog.parts("task").items()
    alike = [(name, kind) for name, kind in kinds if kind.content == task.content and kind is not type(task)]
    return [
        f"--set task.name={name}"
        for name, kind in alike
        if issubclass(kind, NeuralTask) and _builds(kind(), base)
    ]


def _builds(task: NeuralTask, base: Base) -> bool:
    try:
        with doors.open("torch").device("meta"):
            task.build(base, task.codec(base, Profile(0)))
    except FAULTS:
        return False
    return True
