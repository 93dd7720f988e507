"""Checkpoints: a sealed folder each, written whole or not at all; a damaged one is set aside and named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith import doors
from tunesmith.errors import IntegrityError
from tunesmith.store import files

KEEP = 2  # newest step checkpoints that stay; the best one stays beside them
BEST = "best"


@dataclass(frozen=True)
class Checkpoint:
    """tensors: name → tensor (weights and optimiser).  state: canonical JSON (step, history, …)."""

    tensors: Mapping[str, Any]
    state: Mapping[str, Any]


def save(folder: Path, name: str, checkpoint: Checkpoint) -> str:
    """Write checkpoint `name` under `folder`; return its digest.  Older step checkpoints beyond two are removed."""
    staging = folder / f".{name}.staging"
    files.remove(staging)
    files.make_folder(staging)
    torch_files = doors.open("safetensors.torch")
    files.write_with(
        staging / "tensors.safetensors", lambda path: torch_files.save_file(dict(checkpoint.tensors), path)
    )
    files.write_json(staging / "state.json", checkpoint.state)
    digest = files.seal(staging)
    goal = folder / name
    if goal.exists():
        old = files.set_aside(goal, "old")
        files.move_folder(staging, goal)
        files.remove(old)
    else:
        files.move_folder(staging, goal)
    _retire(folder)
    return digest


def load(folder: Path, name: str) -> Checkpoint:
    """Read a checkpoint after checking every file.  Raises IntegrityError naming the file."""
    path = folder / name
    files.verify(path)
    tensors = doors.open("safetensors.torch").load_file(path / "tensors.safetensors")
    return Checkpoint(tensors, files.read_json(path / "state.json"))


def newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest whole step checkpoint (None: there is none) and, for each damaged one, what was found.

    A damaged checkpoint is renamed, never deleted.
    """
    problems: list[str] = []
    for path in reversed(_steps(folder)):
        try:
            return load(folder, path.name), problems
        except IntegrityError as damage:
            aside = files.set_aside(path, "damaged")
            problems.append(f"{damage.where}: {damage.found}; set aside as {aside.name}")
    return None, problems


def recover_best(folder: Path) -> Checkpoint | None:
    """The checkpoint of the best evaluation, or None where there is none yet.

    A crash between the two renames of `save` leaves the old one under another name: it is put back.
    """
    if not (folder / BEST).is_dir():
        left = sorted(folder.glob(f"{BEST}.old-*"))
        if not left:
            return None
        files.move_folder(left[0], folder / BEST)
    return load(folder, BEST)


def step_name(step: int) -> str:
    """The name of the checkpoint of a step; names sort by step."""
    return f"step-{step:08d}"


def _steps(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-????????") if path.is_dir())


def _retire(folder: Path) -> None:
    for path in _steps(folder)[:-KEEP]:
        files.remove(path)
