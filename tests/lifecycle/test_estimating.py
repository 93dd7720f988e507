"""`estimate` as a user meets it: from a recipe, from a base and rows, with a probe, as JSON and as lines."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from baseshapes import SMOLLM_135M
from tunesmith import doors, lifecycle
from tunesmith.cli import main
from tunesmith.errors import MissingError, UsageError
from tunesmith.lifecycle import estimating

SHARED = Path(os.environ.get("TUNESMITH_SHARED", "../shared"))
STORIES = SHARED / "models" / "stories260k-llama"


@pytest.fixture
def shape(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(SMOLLM_135M))
    return folder


def estimated(**given: Any) -> dict[str, Any]:
    return lifecycle.run(estimating.estimated(given.pop("recipe", None), **given)).to_dict()


def test_a_base_of_which_only_the_configuration_is_there(shape: Path, tmp_path: Path) -> None:
    found = estimated(base=str(shape), rows=1000, tokens=256, home=tmp_path)
    assert found["parameters"] == found["moving"] == 134_515_008
    assert found["rows"]["count"] == 700
    assert found["memory"]["peak_bytes"] > 16 * 134_515_008
    assert found["machines"][0]["machine"] == "this machine"
    assert json.loads(json.dumps(found, default=str)) == found


def test_the_file_itself_may_be_named(shape: Path, tmp_path: Path) -> None:
    given = {"rows": 1000, "home": tmp_path}
    one = estimated(base=str(shape), **given)
    two = estimated(base=str(shape / "config.json"), **given)
    assert one["memory"]["components"] == two["memory"]["components"]


def test_lora_moves_less_than_a_hundredth(shape: Path, tmp_path: Path) -> None:
    found = estimated(
        base=str(shape), rows=1000, overrides=["tuning.name=lora", "tuning.rank=2"], home=tmp_path
    )
    assert found["moving"] < 0.01 * found["parameters"]
    assert "adapters" in {each["name"] for each in found["memory"]["components"]}


@pytest.mark.parametrize("tuning", ["adapter", "ia3", "prompt"])
def test_a_tuning_that_no_formula_knows_is_built_without_memory(
    tuning: str, shape: Path, tmp_path: Path
) -> None:
    pytest.importorskip("peft")
    found = estimated(base=str(shape), rows=1000, overrides=[f"tuning.name={tuning}"], home=tmp_path)
    assert 0 < found["moving"] < 0.1 * found["parameters"]


def test_it_counts_by_a_formula_without_torch(
    shape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = estimated(base=str(shape), rows=1000, home=tmp_path)
    monkeypatch.setattr(doors, "has", lambda library: False)
    found = estimated(base=str(shape), rows=1000, home=tmp_path)
    assert (built["counted"], found["counted"]) == ("meta", "formula")
    assert found["parameters"] == built["parameters"]


def test_neither_recipe_nor_rows_is_an_error() -> None:
    with pytest.raises(UsageError, match="A905"):
        estimated(base="minilm")


def test_an_absent_base_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="B201"):
        estimated(base=str(tmp_path / "none"), rows=10)


def test_a_recipe_with_data_is_measured_in_tokens(tmp_path: Path) -> None:
    if not STORIES.is_dir():
        pytest.skip("the shared model is absent")
    rows = [
        {"prompt": "Once upon a time", "completion": f"there was a cat {n}. " * (n % 9 + 1)}
        for n in range(60)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'task = "completion"\nbase = "{STORIES.resolve()}"\n[data]\nsource = "{tmp_path / "rows.jsonl"}"\n'
        '[train]\nbatch_size = 4\nepochs = 1\nthreads = 1\ndtype = "float32"\n'
    )
    found = estimated(recipe=str(recipe), home=tmp_path / "home", probe=True)
    assert found["rows"]["counted"] == "tokenizer"
    assert 0.5 < found["rows"]["learnt"] < 1
    assert found["rows"]["longest_tokens"] > found["rows"]["mean_tokens"] > 5
    pace = found["probe"]["seconds_per_step"]
    assert 0 < pace["low"] < pace["value"] < pace["high"] and pace["n"] >= 10
    assert found["probe"]["peak_bytes"] > 1e8
    assert not list((tmp_path / "home" / "probes").iterdir())


def test_the_command_tells_tables_and_json(
    shape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(main.COMMANDS, "estimate", "estimate.estimate")
    given = ["estimate", "--base", str(shape), "--rows", "100", "--home", str(tmp_path)]
    assert main.run(given) == 0
    told = capsys.readouterr().out
    for word in ("134,515,008", "optimizer moments", "Machines", "h100-80", "prices are examples"):
        assert word in told
    assert main.run([*given, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"] == 134_515_008
    assert main.run(["estimate", "--base", "minilm"]) == 2
    assert "A905" in capsys.readouterr().err


def _disk(found: dict[str, Any]) -> dict[str, float]:
    return {each["name"]: each["bytes"] for each in found["disk"]}


FROZEN = ("tuning.name=lora", "tuning.layers=2", "train.epochs=4", "train.dtype=float32")


def test_what_frozen_layers_say_is_kept_on_disk_and_computed_once(shape: Path, tmp_path: Path) -> None:
    def asked(*more: str) -> dict[str, Any]:
        return estimated(
            base=str(shape), rows=1000, tokens=64, overrides=[*FROZEN, *more], home=tmp_path / "home"
        )

    found, each_time = asked(), asked("train.reuse=off")
    assert _disk(found)["frozen layers"] == 850 * 64 * 576 * 4  # training and validation rows
    assert "frozen layers" not in _disk(each_time) or not _disk(each_time)["frozen layers"]
    least, before = (each["machines"][0]["cost"]["seconds"][0] for each in (found, each_time))
    assert least < 0.6 * before
    assert not _disk(asked("train.epochs=1")).get("frozen layers")
    assert _disk(asked("train.epochs=1", "train.reuse=on"))["frozen layers"]
    assert not _disk(asked("tuning.layers=0")).get("frozen layers")  # the lowest layer moves


def test_a_regularizer_is_counted(shape: Path, tmp_path: Path) -> None:
    def peak(name: str) -> float:
        found = estimated(
            base=str(shape), rows=100, tokens=64, overrides=[f"regularizer.name={name}"], home=tmp_path
        )
        return found["memory"]["peak_bytes"]

    plain, l2sp, ewc = peak("none"), peak("l2sp"), peak("ewc")
    assert plain + 4 * 134_515_008 < l2sp
    assert ewc - l2sp == 4 * 134_515_008
