"""What a thousand answers take: seconds, memory and money, of a machine or of a server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import chat_endpoint
from tunesmith import doors, lifecycle
from tunesmith.advise import answering
from tunesmith.cli import climbed
from tunesmith.errors import UsageError
from tunesmith.lifecycle import climb, picking, spending
from tunesmith.parts import Meter, Predictor, Record

TABLE = """
currency = "EUR"
[[machine]]
name = "{name}"
kind = "cpu"
memory_gb = 8
tflops = 1000
tflops_bfloat16 = 1000
bandwidth_gb_s = 20
watts = 30
{price}
"""


class Far(Predictor):
    """Asks a server: ten tokens read and five written a row."""

    def __init__(self, meter: Meter | None = None, held: int = 0) -> None:
        self.meter, self.held = meter, held

    def outputs(self, records: Sequence[Record]) -> list[list[Any]]:
        if self.meter:
            self.meter.count([(10, 5)] * len(records))
        return [[0] for _ in records]


def tariff(folder: Path, price: str = "price_per_hour = 3.6") -> spending.Tariff:
    (folder / "own.toml").write_text(TABLE.format(name="big", price=price))
    return spending.Tariff(folder / "own.toml")


def spent(predictor: Predictor, by: spending.Tariff, rows: int = 4) -> spending.Spent:
    given = [Record({"text": str(n)}) for n in range(rows)]
    made, found = spending.measured(predictor, lambda: predictor.outputs(given), by)
    assert len(made) == rows and found is not None
    return found


def test_time_is_priced_by_the_users_own_table(tmp_path: Path) -> None:
    found = spent(Far(held=7_000_000), tariff(tmp_path))
    assert found.money == pytest.approx(found.seconds * 0.001) and found.currency == "EUR"
    assert found.memory == 7_000_000
    assert (found.rows, found.tokens) == (4, None) and "big: 3.60 EUR an hour" in found.priced
    assert json.loads(json.dumps(found.to_json()))["cost_per_1000"] == found.money


def test_a_machine_without_a_price_costs_nobody_knows_what(tmp_path: Path) -> None:
    found = spent(Far(), tariff(tmp_path, price=""))
    assert found.money is None and found.priced.startswith("unknown")


@pytest.mark.parametrize(
    ("read", "written", "money", "said"),
    [
        (1.0, 2.0, 0.02, "1 and 2 USD a million"),
        (0.0, 0.0, 0.0, "at 0 and 0 USD a million, as you say"),
        (None, 2.0, None, "unknown: nobody says"),
    ],
)
def test_a_server_is_priced_by_its_tokens(
    read: float | None, written: float | None, money: float | None, said: str
) -> None:
    found = spent(Far(Meter(read, written, answers=9, told=9, read=900, written=900)), spending.Tariff())
    assert found.money == (None if money is None else pytest.approx(money)) and said in found.priced
    assert found.memory is None and found.tokens == (10, 5)  # what was asked before is not counted


def test_a_server_that_tells_no_tokens_has_no_price() -> None:
    class Silent(Far):
        def outputs(self, records: Sequence[Record]) -> list[list[Any]]:
            assert self.meter
            self.meter.count([(0, 3)] * len(records))
            return [[0] for _ in records]

    found = spent(Silent(Meter(1.0, 1.0)), spending.Tariff())
    assert found.money is None and "does not tell how many tokens" in found.priced and found.tokens is None


def test_nothing_asked_takes_nothing() -> None:
    assert spending.measured(Far(), list, spending.Tariff()) == ([], None)


def test_a_rung_without_a_network_holds_the_files_that_it_left() -> None:
    _, found = spending.measured(Far(), lambda: [0], spending.Tariff(), files=123)
    assert found and found.memory == 123


@pytest.mark.skipif(not doors.has("torch"), reason='torch is absent: pip install -e ".[train]"')
def test_a_network_holds_its_numbers_and_the_cache_of_a_full_window(tmp_path: Path) -> None:
    from tunesmith import catalog
    from tunesmith.approaches._tuned import Networked
    from tunesmith.parts import Profile

    task = catalog.part("task", "chat")()
    codec = task.tiny_codec(Profile(1))
    net = task.tiny(codec)
    config, numbers = net.backbone.config, sum(p.nbytes for p in (*net.parameters(), *net.buffers()))
    head = config.hidden_size // config.num_attention_heads
    cache = 2 * 4 * config.num_hidden_layers * config.num_key_value_heads * head * codec.settings["window"]
    assert Networked(net, task, codec).held == numbers + cache


def test_this_machine_needs_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "open", lambda library: pytest.fail(f"{library} is not needed"))
    assert 0 < answering.here().tflops < 1000


def test_a_ladder_without_a_measured_rung_is_refused_with_the_reasons() -> None:
    from tunesmith.recipe.sections import Recipe

    recipe = Recipe.model_validate({"data": {"source": "x"}})
    rungs = [climb.Rung(name, recipe, skipped="needs torch") for name in ("prompt", "retrieve")]
    with pytest.raises(UsageError, match="no rung of the ladder could be measured: needs torch") as caught:
        picking.picked(rungs, "chrf", "simple")
    assert caught.value.code == "C162" and "--endpoint" in caught.value.fixes[1]


# ---- the ladder over a server ------------------------------------------------------------------------------------


def rows(path: Path, count: int = 60) -> Path:
    """Questions with answers, no two alike."""
    asks = (
        "When is it open",
        "What does a tyre cost",
        "Who mends brakes",
        "Where is the shop",
        "Is oil sold",
    )
    lines = [
        {
            "prompt": f"{asks[n % 5]} on day {n * 7919 % 997}?",
            "completion": f"It is number {n * 31 % 89}, sir.",
        }
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_rungs_over_a_server_need_neither_torch_nor_a_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of `up`: measured, priced, bundled, served and proven."""
    has = doors.has
    monkeypatch.setattr(doors, "has", lambda library: library != "torch" and has(library))
    monkeypatch.setattr(climb, "resolve", lambda *_, **__: pytest.fail("no base is needed"))
    with chat_endpoint.serving(lambda messages: "It is number 7, sir.", counts=True) as (url, seen):
        said = {"name": "prompt", "endpoint": url, "model": "far", "price_read": 1, "price_written": 2}
        given = [f"approach.{key}={json.dumps(value)}" for key, value in said.items()]
        path = rows(tmp_path / "shop.jsonl")
        result = lifecycle.run(
            lifecycle.up(str(path), task="chat", home=tmp_path / "home", budget=60, overrides=given)
        )
    ladder = {rung["detail"]: rung for rung in result["ladder"]}
    assert {name for name, rung in ladder.items() if rung["skipped"]} == {
        "tune: LoRA",
        "tune: full",
        "scratch",
    }
    bare, shown = ladder["prompt"]["answering"], ladder["prompt: 4 examples"]["answering"]
    assert bare["memory_bytes"] is None and bare["tokens"][1] == 5 and bare["n"] == shown["n"] > 0
    assert bare["cost_per_1000"] == pytest.approx((bare["tokens"][0] + 2 * 5) / 1000)
    assert shown["cost_per_1000"] > bare["cost_per_1000"]
    assert {each["model"] for each in seen} == {"far"}
    assert "the server's model 'far' is served as it is" in result["verdict"]["sentence"]
    lines = "\n".join(climbed.model_result(result.to_dict()))
    assert "1,000 answers take" in lines and "at the server" in lines and "1 and 2 USD" in lines
