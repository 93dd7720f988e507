"""`up`: the whole life in one verb, the promised JSON, the same sides again, and rows that are added later."""

from __future__ import annotations

from pathlib import Path

import pytest

import tinybase
from tunesmith import lifecycle
from tunesmith.lifecycle import judging
from tunesmith.model import Model
from tunesmith.registry import Registry

KEYS = {
    *(
        "task",
        "data",
        "metrics",
        "ladder",
        "chosen",
        "chosen_reason",
        "test",
        "verdict",
        "gate",
        "model",
        "bundle",
        "report",
        "run",
    ),
    *("endpoint", "serve_command"),
}


def up(data: Path, home: Path, **options: object) -> lifecycle.ModelResult:
    return lifecycle.run(lifecycle.up(str(data), home=home, **{"budget": 0.1, **options}))  # type: ignore[arg-type]


def sides(home: Path, result: lifecycle.ModelResult) -> dict[str, str]:
    from tunesmith.data.split import load_split
    from tunesmith.store import files

    return dict(
        load_split(home, files.read_json(Path(result["bundle"]) / "lineage.json")["digests"]["split"]).sides
    )


def test_the_result_is_the_promised_object_and_the_bundle_predicts(tmp_path: Path) -> None:
    result = up(tinybase.table(tmp_path / "rows.csv"), tmp_path / "home")
    value = result.to_dict()
    assert set(value) == KEYS
    assert set(value["data"]) == {"version", "rows", "splits", "findings"}
    assert set(value["data"]["splits"]) == {"train", "validation", "test"}
    assert [rung["approach"] for rung in value["ladder"]] == [
        "majority",
        "linear",
        "features",
        "tune",
        "tune",
    ]
    assert all(
        set(rung) == {"approach", "detail", "scores", "seconds", "bytes", "answering", "skipped"}
        for rung in value["ladder"]
    )
    assert all(rung["skipped"] for rung in value["ladder"][2:])
    assert set(value["test"]) >= {"chosen", "majority", "linear"}
    assert set(value["test"]["chosen"]["macro_f1"]) == {"value", "low", "high", "n"}
    assert value["verdict"]["outcome"] == "better"
    assert value["endpoint"] is None
    model = result.load()
    assert model.predict_texts(["my parcel is late"])[0].label == "delivery"
    assert Path(value["report"]).read_text().startswith("<!doctype html>")
    assert "<script" not in Path(value["report"]).read_text()
    assert "better" in result._repr_html_()


def test_doing_it_again_gives_the_same_data_version_split_and_predictions(tmp_path: Path) -> None:
    data = tinybase.table(tmp_path / "rows.csv")
    first, second = up(data, tmp_path / "home"), up(data, tmp_path / "home")
    assert first["data"]["version"] == second["data"]["version"]
    assert sides(tmp_path / "home", first) == sides(tmp_path / "home", second)
    assert [v.ref for v in Registry(tmp_path / "home").models()] == ["rows@1", "rows@2"]
    one, two = Model.load(first["bundle"]), Model.load(second["bundle"])
    assert one.golden() == two.golden()


def test_rows_that_are_added_later_move_no_old_row(tmp_path: Path) -> None:
    data = tinybase.table(tmp_path / "rows.csv", 150)
    before = sides(tmp_path / "home", up(data, tmp_path / "home"))
    tinybase.table(data, 260)
    after = sides(tmp_path / "home", up(data, tmp_path / "home"))
    assert len(after) > len(before)
    assert {key: after[key] for key in before} == before


def test_a_group_is_never_on_two_sides(tmp_path: Path) -> None:
    from tunesmith.lifecycle import prepare
    from tunesmith.recipe.sections import Recipe

    data = tinybase.table(tmp_path / "rows.csv")
    fields = {"text": "body", "label": "queue", "group": "customer"}
    recipe = Recipe.model_validate({"data": {"source": str(data), "fields": fields}})
    events = prepare.prepare(recipe, tmp_path / "home")
    try:
        while True:
            next(events)
    except StopIteration as ended:
        prepared = ended.value
    owners = [
        {row.fields["group"] for row in side} for side in (prepared.train, prepared.validation, prepared.test)
    ]
    assert not owners[0] & owners[1]
    assert not owners[0] & owners[2]
    assert not owners[1] & owners[2]


def test_evaluate_and_compare_speak_of_the_same_rows(tmp_path: Path) -> None:
    data, home = tinybase.table(tmp_path / "rows.csv"), tmp_path / "home"
    up(data, home)
    (tmp_path / "other").mkdir()
    up(tinybase.table(tmp_path / "other" / "rows.csv", 90), home)
    fresh = tinybase.table(tmp_path / "fresh.csv", 60)
    fresh.write_text(fresh.read_text().replace(",billing,", ",Billing ,"))
    scores = lifecycle.run(judging.evaluate("rows@1", str(fresh), home=home))
    assert scores["scores"]["accuracy"]["n"] == 60
    assert scores["scores"]["accuracy"]["value"] > 0.9
    compared = lifecycle.run(judging.compare(["rows@1", "rows@2"], str(fresh), home=home))
    (difference,) = compared["differences"]
    assert difference["n"] == 60
    assert difference["outcome"] in {"better", "worse", "cannot-tell"}


@pytest.mark.neural
@pytest.mark.slow
def test_with_time_every_rung_is_measured_on_the_same_rows(tmp_path: Path) -> None:
    data = tinybase.table(tmp_path / "rows.csv")
    base = tinybase.make(tmp_path / "base")
    result = up(
        data, tmp_path / "home", base=str(base), budget=240, prove_all=True, overrides=["train.epochs=2"]
    )
    rungs = result["ladder"]
    assert [rung["skipped"] for rung in rungs] == [None] * 5
    assert len({rung["scores"]["macro_f1"]["n"] for rung in rungs}) == 1
    assert set(result["test"]) == {"chosen", *(rung["detail"] for rung in rungs)}
