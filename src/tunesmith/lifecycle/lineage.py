"""What a run was made from and on, and what is no longer as it was."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from tunesmith import machine
from tunesmith.events import Event, Note
from tunesmith.lifecycle.prepare import Prepared
from tunesmith.store import runs


def of(prepared: Prepared) -> dict[str, Any]:
    """The hashes, versions and counts that decide a run's bits; parent is the model version that it follows."""
    return {
        "name": prepared.name,
        "parent": prepared.recipe.parent,
        "digests": dict(prepared.digests),
        "versions": machine.versions(),
        "threads": prepared.recipe.train.threads,
        "cores": machine.physical_cores(),
    }


def again(run_: runs.Run) -> str:
    """The command that goes on with an interrupted run, in the words of the verb that began it."""
    verb = verb_of(run_)
    if verb == "up":  # it begins its ladder anew
        return f"tunesmith up {shlex.quote(run_.recipe.data.source)}"
    return f"tunesmith {verb} --resume {run_.id}"


def verb_of(run_: runs.Run) -> str:
    """Which verb began a run."""
    return str(run_.lineage.get("verb", "train"))


def differences(run_: runs.Run) -> Iterator[Event]:
    """What is not as it was when the run began: then its bits may differ from an uninterrupted run's."""
    before, after = run_.lineage["versions"], machine.versions()
    changed = [
        f"{name} {before.get(name)} → {after[name]}" for name in after if after[name] != before.get(name)
    ]
    if run_.lineage["cores"] != machine.physical_cores():
        changed.append(f"cores {run_.lineage['cores']} → {machine.physical_cores()}")
    if changed:
        yield Note("not bit-equal to the uninterrupted run, because: " + ", ".join(changed), "warning")
