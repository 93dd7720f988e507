"""Start a server as a user would, prove it, and keep or stop it; ask the command line for the golden rows too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith.errors import CapacityError, TunesmithError, UsageError
from tunesmith.home import home_folder
from tunesmith.model import Model
from tunesmith.registry import Registry
from tunesmith.serve import asking, parity

START_SECONDS = 120.0
TOKEN = "TUNESMITH_API_KEY"  # noqa: S105 - the name of a variable


def start(ref: str, home: Path, port: int) -> tuple[subprocess.Popen[str], str]:
    """(process, address) of a server child that has proven itself ready; it ends when this process does.

    Raises what the child said (a taken port, say), CapacityError V405 where it takes too long.
    """
    process = subprocess.Popen(
        [
            *_tunesmith(),
            "serve",
            ref,
            "--home",
            str(home),
            "--port",
            str(port),
            "--json",
            "--until-stdin-closes",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_quiet(),
    )
    assert process.stdout is not None and process.stderr is not None
    said: deque[str] = deque(maxlen=200)
    drain = threading.Thread(target=said.extend, args=(process.stderr,), daemon=True)
    drain.start()  # a full pipe would block the server
    line = process.stdout.readline()
    if line:
        return process, json.loads(line)["endpoint"]
    code = process.wait(timeout=START_SECONDS)
    drain.join(timeout=5)
    raise _child_error("".join(said), code)


def stop(process: subprocess.Popen[str]) -> None:
    """End a server child: it drains and leaves when its standard input closes."""
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def opener(home: Path | str | None) -> Callable[[str], Model]:
    """Opens registered models by name alone: what is put on a running server is never a path."""

    def open_(ref: str) -> Model:
        version = Registry(home_folder(home)).find(ref)
        return Model.load(version.folder, name=version.ref, digest=version.digest)

    return open_


def prove(model: Model, bundle: Path, address: str) -> list[str]:
    """What any face gets wrong of the golden rows: the reloaded bundle, the command line, the server."""
    problems = [f"library: {line}" for line in model.parity(_library(bundle), exact=True)]
    problems += [f"command line: {line}" for line in model.parity(_command_line(bundle, model), exact=True)]
    return problems + [
        f"server: {line}" for line in parity.prove(address, model, token=os.environ.get(TOKEN, ""))
    ]


def require(problems: Sequence[str]) -> None:
    """Raise IntegrityError V404 where a face disagrees."""
    if problems:
        raise parity.disagrees(problems)


def _library(bundle: Path) -> list[Mapping[str, Any]]:
    model = Model.load(bundle)
    return [prediction.to_json() for prediction in model.predict(asking.records(model))]


def _command_line(bundle: Path, model: Model) -> list[Mapping[str, Any]]:
    lines = "".join(json.dumps(dict(record.fields)) + "\n" for record in asking.records(model))
    done = subprocess.run(
        [*_tunesmith(), "predict", str(bundle), "-", "--json"],
        input=lines,
        capture_output=True,
        text=True,
        env=_quiet(),
        timeout=START_SECONDS,
    )
    if done.returncode:
        raise _child_error(done.stderr, done.returncode)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _tunesmith() -> list[str]:
    return [sys.executable, "-m", "tunesmith"]


def _quiet() -> dict[str, str]:
    return {**os.environ, "TUNESMITH_NO_PROGRESS": "1", "HF_HUB_OFFLINE": "1"}


def _child_error(said: str, code: int | None) -> TunesmithError:
    """The error that a child printed as its last JSON line, raised here as if it were ours."""
    for line in reversed(said.splitlines()):
        try:
            value = json.loads(line)["error"]
        except (ValueError, KeyError, TypeError):
            continue
        error = UsageError(
            value["code"], value["found"], expected=value["expected"], fixes=tuple(value["fixes"])
        )
        error.where = value["where"]
        return error
    return CapacityError(
        "V405",
        f"a child process ended with exit code {code}: {said.strip().splitlines()[-1] if said.strip() else 'silent'}",
        expected="a server that answers",
        fixes=("tunesmith doctor",),
    )


def wait(process: subprocess.Popen[str]) -> None:
    """Stay until the server ends or the user presses Ctrl-C."""
    while process.poll() is None:
        time.sleep(0.3)
