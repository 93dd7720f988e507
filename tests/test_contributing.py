"""The examples of CONTRIBUTING.md: each is one file, found by its folder, and passes the conformance suite."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = re.compile(r"<!-- file: (\w+)/(\w+)\.py -->\n```python\n(.*?)```", re.DOTALL)
LIGHT = ("metric", "check", "form", "augmentation", "approach", "task")
NETWORKED = ("tuning", "objective")


def examples() -> dict[str, tuple[str, str]]:
    """{kind: (file's stem, its text)}."""
    found = EXAMPLE.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    return {kind: (stem, text) for kind, stem, text in found}


@pytest.fixture
def plugin_folder(tmp_path: Path) -> Path:
    for kind, (stem, text) in examples().items():
        path = tmp_path / "plugins" / kind / f"{stem}.py"
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
    return tmp_path / "plugins"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "TUNESMITH_PLUGINS": str(folder),
        "TUNESMITH_HOME": str(folder.parent / "home"),
    }
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=120, env=environment, cwd=ROOT
    )


def conformance(folder: Path, kinds: tuple[str, ...]) -> None:
    suites = [f"tests/conformance/test_{kind}{'es' if kind == 'approach' else 's'}.py" for kind in kinds]
    names = " or ".join(examples()[kind][0].replace("_", "-") for kind in kinds)
    done = run(
        folder, "-m", "pytest", *suites, "-k", f"({names}) and not page", "-q", "-p", "no:cacheprovider"
    )
    assert done.returncode == 0, done.stdout[-3000:]
    for kind in kinds:
        listing = run(folder, "-c", f"from tunesmith import catalog; print(catalog.names({kind!r}))")
        assert examples()[kind][0].replace("_", "-") in listing.stdout


def test_there_is_an_example_of_each_kind() -> None:
    assert set(examples()) == {*LIGHT, *NETWORKED, "reader"}


def test_the_examples_without_a_network_conform(plugin_folder: Path) -> None:
    conformance(plugin_folder, LIGHT)


@pytest.mark.neural
def test_the_examples_with_a_network_conform(plugin_folder: Path) -> None:
    conformance(plugin_folder, NETWORKED)


def test_a_reader_and_a_check_work_from_the_command_line(plugin_folder: Path) -> None:
    rows = [
        f"__label__{label} {text} {number}"
        for number in range(9)
        for label, text in (("a", "one"), ("b", "Two"))
    ]
    data = plugin_folder.parent / "rows.ft"
    data.write_text("\n".join([*rows, "__label__a WHERE IS MY PARCEL", "no label here"]) + "\n", "utf-8")
    done = run(
        plugin_folder, "-m", "tunesmith", "data", "check", str(data), "--json", "--set", "data.max_broken=0.2"
    )
    found = json.loads(done.stdout)
    assert found["rows"] == 19
    assert [finding["count"] for finding in found["findings"] if finding["code"] == "Q901"] == [1]
    assert found["broken"][0]["reason"] == "the line does not begin with __label__"
    assert found["broken"][0]["place"].startswith(f"{data}:20 ")


def test_a_metric_and_an_approach_reach_the_report(plugin_folder: Path) -> None:
    recipe = plugin_folder.parent / "recipe.toml"
    recipe.write_text(
        '[data]\nsource = "none.csv"\n[approach]\nname = "naive-bayes"\nsmoothing = 0.5\n', "utf-8"
    )
    done = run(plugin_folder, "-m", "tunesmith", "train", str(recipe), "--rehearse", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["chosen"] == "naive-bayes"
    assert 0 <= found["test"]["chosen"]["top_two"]["value"] <= 1


def test_a_form_and_an_augmentation_work_from_the_command_line(plugin_folder: Path) -> None:
    data = plugin_folder.parent / "mails.jsonl"
    rows = [
        {"mail_subject": f"Order {n}", "mail_body": f"It is {n} days late.", "mail_queue": queue}
        for n, queue in enumerate(["delivery", "billing"] * 8)
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    done = run(
        plugin_folder, "-m", "tunesmith", "data", "augment", str(data), "--with", "greetings", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["made"] == len(rows)
    shown = run(plugin_folder, "-m", "tunesmith", "data", "show", "mails", "--rows", "17", "--json")
    assert "ticket-mail: " in done.stderr
    last = json.loads(shown.stdout)["shown"][-1]
    assert last["fields"]["text"].endswith("Order 0\nIt is 0 days late.")
