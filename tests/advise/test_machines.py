"""The table of machines, and what a run costs on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from baseshapes import LLAMA_7B, SMOLLM_135M
from tunesmith.advise import cost, estimate, fitting, machines, sizes
from tunesmith.advise.estimate import Question, Rows
from tunesmith.advise.machines import Machine
from tunesmith.advise.moving import Moving, moving
from tunesmith.errors import UsageError
from tunesmith.recipe.sections import Data, Part, Recipe, Train

ONE = """
[[machine]]
name = "mine"
kind = "gpu"
memory_gb = 24
tflops = 30
tflops_bfloat16 = 120
bandwidth_gb_s = 300
watts = 100
"""


def question(config: dict, tuning: str = "full", rows: int = 1000, length: int = 512) -> Question:
    shape = sizes.shape(config, counted="formula")
    options = {"full": {}, "lora": {"rank": 16, "targets": "linear"}}

    def count(recipe: Recipe) -> Moving:
        found = moving(shape, recipe.tuning.name, options[recipe.tuning.name])
        assert found is not None
        return found

    recipe = Recipe(
        data=Data(source=""), tuning=Part(name=tuning), train=Train(epochs=1, micro_tokens=4096, dropout=0.0)
    )
    return Question(recipe, shape, Rows([length] * rows, 0.5, 100, 2, "given"), count, kept=2)


def test_the_built_in_table_is_whole_and_dated() -> None:
    found = machines.table()
    assert {"cpu", "gpu"} == {each.kind for each in found.machine}
    assert all(each.price_per_hour and each.priced for each in found.machine)
    assert "example" in found.note


def test_a_table_of_ones_own_replaces_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ONE)
    (only,) = machines.table(path).machine
    assert (only.name, only.price_per_hour, only.speed("bfloat16")) == ("mine", None, 120e12)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[machine", "table"),
        ("", "machine"),
        (ONE.replace("24", "-1"), "memory_gb"),
        (ONE + "colour = 1", "colour"),
        (ONE.replace('"gpu"', '"tpu"'), "kind"),
    ],
)
def test_a_wrong_table_is_an_error_with_its_place(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        machines.table(path)
    assert caught.value.code == "A904"
    assert word in caught.value.found
    assert str(path) == caught.value.where


def test_an_absent_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="A904"):
        machines.table(tmp_path / "none.toml")


def machine(name: str) -> Machine:
    return next(each for each in machines.table().machine if each.name == name)


def test_time_is_a_range_and_faster_machines_need_less() -> None:
    asked = question(SMOLLM_135M)
    spans = [
        cost.seconds(estimate.plan(asked, each), estimate.length(asked), each)
        for each in (machine("cpu-16"), machine("l4"), machine("h100-80"))
    ]
    assert all(low < high for low, high in spans)
    assert spans[0] > spans[1] > spans[2]


def test_operations_are_six_for_each_parameter_and_token() -> None:
    asked = question(LLAMA_7B)
    plan, run = estimate.plan(asked, machine("h200-141")), estimate.length(asked)
    tokens = 1000 * 512
    assert cost.operations(plan, run) == pytest.approx(6 * 6.74e9 * tokens, rel=0.15)
    lora = question(LLAMA_7B, "lora")
    less = cost.operations(estimate.plan(lora, machine("h200-141")), run)
    assert less == pytest.approx(4 * 6.74e9 * tokens, rel=0.2)


def test_energy_and_money_follow_from_the_hours() -> None:
    found = cost.spent(machine("l4"), (3600.0, 7200.0))
    assert found["kwh"] == [0.072, 0.144]
    assert found["money"] == [0.7, 1.4]


def test_a_probe_of_this_machine_narrows_the_range_on_cpus_only() -> None:
    asked, probed = question(SMOLLM_135M), cost.Probed((1.0, 2.0), 0.5, 18, 0)
    for name, narrower in (("cpu-16", True), ("l4", False)):
        each = machine(name)
        plan, run = estimate.plan(asked, each), estimate.length(asked)
        plain, tried = cost.seconds(plan, run, each), cost.seconds(plan, run, each, probed)
        assert (tried[1] / tried[0] < plain[1] / plain[0]) is narrower


def test_the_mildest_change_that_fits_is_said() -> None:
    asked = question(LLAMA_7B)
    small, large = fitting.on(asked, machine("l4")), fitting.on(asked, machine("mi300x-192"))
    assert large["fits"] and large["way"]["sets"] == []
    assert not small["fits"]
    assert "--set tuning.name=lora" in small["way"]["sets"]
    assert small["way"]["needs_bytes"] <= 0.94 * small["memory_bytes"] < small["needs_bytes"]
    assert small["cost"]["seconds"][0] > 0


def test_where_nothing_fits_the_finding_names_a_size_that_would() -> None:
    asked = question(LLAMA_7B)
    found = fitting.on(asked, machine("cpu-2"))
    (finding,) = fitting.no_room(asked, [found])
    assert finding.code == "A902" and finding.severity == "error"
    assert finding.fix and "smaller base" in finding.fix.effect
    (milder,) = fitting.no_room(asked, [fitting.on(asked, machine("l4"))])
    assert milder.severity == "warning" and milder.fix and "tuning.name=lora" in milder.fix.command


@pytest.mark.parametrize(("parameters", "rows"), [(1e9, 1000), (7e9, 10_000)])
def test_the_rows_that_a_base_wants_are_the_rule_of_thumb(parameters: float, rows: int) -> None:
    assert estimate.wanted_rows(parameters) == rows


def test_too_few_rows_are_a_finding() -> None:
    found = estimate.too_few(question(LLAMA_7B, rows=500))
    assert found and found.code == "A901" and found.numbers["wanted"] > 9000
    assert found.fix and "M parameters" in found.fix.command
    assert estimate.too_few(question(SMOLLM_135M, rows=500)) is None


def test_disk_counts_checkpoints_that_stay_and_one_in_writing() -> None:
    found = {
        each.name: each.bytes for each in cost.disk(estimate.plan(question(SMOLLM_135M), machine("l4")), 2)
    }
    assert found["checkpoints"] == 3 * 12 * 134_515_008
