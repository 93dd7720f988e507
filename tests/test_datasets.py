"""The verbs on data sets from Python."""

from __future__ import annotations

import inspect
from pathlib import Path

from data.rows import sentences
from tunesmith import datasets
from tunesmith.cli.main import COMMANDS

ROWS = "".join(
    f"{text},{label}\n" for text, label in zip(sentences(40), ("billing", "bug") * 20, strict=True)
)


def test_a_data_set_from_python(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "asks.csv"
    path.write_text("text,label\n" + ROWS + ",bug\n")
    assert datasets.fix(path, ignore={"D104": "meant"}, licence="MIT")["rows"] == 40
    assert datasets.diff(path, "asks")["counts"] == {"came": 0, "went": 1, "changed": 0}
    assert sum(datasets.split("asks")["sides"].values()) == 40
    assert datasets.show("asks", rows=3, where=["label=bug"])["matching"] == 20
    assert datasets.stats("asks")["labels"]["bug"]["rows"] == 20
    assert datasets.export("asks", tmp_path / "out", by_side=True)["files"]
    assert "MIT" in datasets.card("asks")["card"]
    assert datasets.sample("asks", 6)["version"] == "asks-sample@1"
    assert datasets.merge("asks", "asks-sample", name="both")["rows"] == 46
    assert datasets.lineage("asks")["parents"][0]["version"] == "asks@1"
    assert datasets.undo("asks")["version"] == "asks@1"
    assert [each["version"] for each in datasets.ls()][:2] == ["asks@1", "asks@2"]


def test_every_function_is_a_command_too() -> None:
    verbs = [
        name
        for name, each in inspect.getmembers(datasets, inspect.isfunction)
        if each.__module__ == datasets.__name__
    ]
    assert len(verbs) == 12
    assert all(f"data {verb}" in COMMANDS for verb in verbs)
