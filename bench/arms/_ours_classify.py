"""What our arms of encoder classifiers share: the recipe, its rows as the product reads them, the job."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunesmith import bases, catalog
from tunesmith.data import mapping, source
from tunesmith.fields import Record
from tunesmith.parts import Job, Profile
from tunesmith.recipe import toml
from tunesmith.recipe.setting import with_values

TABLE = """
base = {base}
[data]
source = {source}
"""


def recipe(task: Mapping[str, Any], approach: Mapping[str, Any]) -> Any:
    """As a user would write it, with what the approach decides."""
    words = {"base": task["weights"], "source": task["text"]}
    sets = {
        "train.batch_size": task["batch"],
        "train.threads": task["threads"],
        "train.seed": task["seed"],
        "train.save_steps": 1_000_000,
        **{f"approach.{key}": value for key, value in approach.items()},
        **task["options"].get("sets", {}),
    }
    if approach["name"] == "tune":
        sets |= {"train.epochs": task["epochs"], "train.peak_lr": task["rate"], "train.dtype": task["dtype"]}
    table = TABLE.format(**{key: json.dumps(value) for key, value in words.items()})
    made = toml.loads(table, overrides=[f"{key}={value}" for key, value in sets.items()])
    return with_values(made, catalog.make("approach", made.approach).resolve(made), by="probe")


def job(task: Mapping[str, Any], made: Any) -> Job:
    """Every row is learnt from, none is held out."""
    found = source.sniff(made.data.source)
    read = mapping.records(found, mapping.read_as(found, content="labelled"))
    rows = [row for row in read if isinstance(row, Record)]
    kind, base = catalog.make("task", made.task), bases.resolve(made.base, offline=True)
    labels = Counter(str(row.fields["label"]) for row in rows)
    codec = kind.codec(base, Profile(rows=len(rows), labels=labels))
    out = Path(task["out"])
    return Job(kind, made, rows, (), codec, base, out / "run", out / "cache", seed=made.train.seed)


def ids(work: Job) -> list[list[int]]:
    """The ids of each row."""
    kind: Any = work.task
    return [row.values["ids"] for each in work.train for row in kind.encode(each, work.codec, None)]


def pretrained(task: Mapping[str, Any]) -> dict[str, Any]:
    """The encoder's tensors as the base has them, without a pooler and without buffers."""
    from safetensors.torch import load_file

    found = load_file(str(Path(task["weights"]) / "model.safetensors"))
    return {
        name: each
        for name, each in found.items()
        if not name.startswith("pooler.") and each.is_floating_point()
    }
