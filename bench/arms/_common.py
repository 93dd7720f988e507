"""What every arm shares: its task, its clock, the hash of what it trained on, and how far its weights moved.

Imports the standard library, numpy and, inside functions, torch; nothing of tunesmith: peers run it as they are.
An arm begins with `import _common` (its folder is on the path) and ends with `clock.say(...)`.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

PHASES = ("import", "load", "prepare", "train")


def task() -> dict[str, Any]:
    """TASK.json, which the runner names as the only argument."""
    return json.loads(Path(sys.argv[1]).read_text("utf-8"))


def peer() -> tuple[Clock, dict[str, Any]]:
    """(clock, task) of an arm that is none of ours: first thing in it, before its libraries are imported."""
    clock, asked = Clock(), task()
    quiet(asked)
    return clock, asked


def imported(clock: Clock, asked: Mapping[str, Any]) -> None:
    """The imports are done: torch takes as many threads as the task says, and the next phase begins."""
    import torch

    torch.set_num_threads(asked["threads"])
    clock.ends("import")


def quiet(asked: Mapping[str, Any]) -> None:
    """Caches of the peer's libraries go into the run's own folder: nothing is known from an earlier run."""
    os.environ["HF_HOME"] = str(Path(asked["out"]) / "hub")
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"


def trainer_arguments(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What every arm on the Trainer of transformers, or on one made of it, is told alike: the work, and no extras."""
    return {
        "output_dir": asked["out"],
        "num_train_epochs": asked["epochs"],
        "learning_rate": asked["rate"],
        "seed": asked["seed"],
        "use_cpu": True,
        "logging_first_step": True,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


class Clock:
    """Seconds by the clock of each phase.  The first begins where the process does, so the interpreter's start counts.

    clock = Clock()            # first thing in the arm
    import torch, trl          # ...
    clock.ends("import")
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = time.time() - _age()

    def ends(self, phase: str) -> float:
        """The phase ends here and the next begins; adds where a phase ends twice.  Returns its seconds."""
        at = time.time()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + at - self.last
        self.last = at
        return self.seconds[phase]

    def skips(self) -> None:
        """What has passed since the last phase belongs to none: saving, judging."""
        self.last = time.time()

    def say(self, **said: Any) -> None:
        """Print the arm's last line: its phases and what it says besides."""
        say(seconds={phase: self.seconds.get(phase, 0.0) for phase in PHASES}, **said)


def say(**said: Any) -> None:
    """Print an arm's last line."""
    print("\n" + json.dumps(said), flush=True)


def _age() -> float:
    """Seconds since this process began."""
    started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf(
        "SC_CLK_TCK"
    )
    return max(0.0, float(Path("/proc/uptime").read_text().split()[0]) - started)


def rows(path: str) -> tuple[list[Any], dict[str, Any]]:
    """(ids of each row, int64; the other columns of the tokens file)."""
    import numpy as np

    with np.load(path) as file:
        columns = {name: file[name] for name in file.files}
    ids, offsets = columns.pop("ids").astype(np.int64), columns.pop("offsets")
    return [ids[a:b] for a, b in itertools.pairwise(offsets)], columns


def sha256(ids: Iterable[Any]) -> str:
    """Of the ids that are trained on, as int64 in row order, one after the other."""
    import numpy as np

    digest = hashlib.sha256()
    for row in ids:
        digest.update(np.ascontiguousarray(row, dtype="<i8").tobytes())
    return digest.hexdigest()


def told(ids: Iterable[Any]) -> dict[str, Any]:
    """What an arm says of the rows that it trained on: {tokens_sha256, rows, real_tokens}."""
    read = list(ids)
    return {"tokens_sha256": sha256(read), "rows": len(read), "real_tokens": sum(map(len, read))}


def stepped(steps: Sequence[Any]) -> dict[str, Any]:
    """What our arms say of the events of their steps: {updates, first_loss, last_loss, gradient_norm}."""
    return {
        "updates": len(steps),
        "first_loss": sum(steps[0].losses.values()),
        "last_loss": sum(steps[-1].losses.values()),
        "gradient_norm": steps[0].grad_norm,
    }


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    """‖after − before‖ ÷ ‖before‖ over the tensors that train, in float64; names as in both."""
    now = {name: each.detach().double() for name, each in after.items() if name in before}
    change = sum(float((now[name] - old.double()).pow(2).sum()) for name, old in before.items())
    size = sum(float(old.double().pow(2).sum()) for old in before.values())
    return (change / size) ** 0.5 if size else change**0.5


def trained(net: Any) -> dict[str, Any]:
    """Copies of the tensors of a network that train."""
    return {name: each.detach().clone() for name, each in net.named_parameters() if each.requires_grad}


def gradient_norm(net: Any) -> float:
    """Of all tensors that train, as they stand."""
    squares = [float(each.grad.double().pow(2).sum()) for each in net.parameters() if each.grad is not None]
    return sum(squares) ** 0.5
