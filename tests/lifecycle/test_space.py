"""Spaces of recipes: lists and ranges from words and from TOML, points as recipes, which comes next."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith import doors
from tunesmith.errors import MissingError, TunesmithError, UsageError
from tunesmith.lifecycle import asking, points, space
from tunesmith.lifecycle.space import Axis
from tunesmith.recipe.sections import Recipe

RECIPE = Recipe.model_validate({"data": {"source": "rows.csv"}, "tuning": {"name": "lora", "rank": 4}})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("train.peak_lr=1e-4, 3e-4", Axis("train.peak_lr", (1e-4, 3e-4))),
        ("tuning.rank=4,8,4", Axis("tuning.rank", (4, 8))),
        ("tuning.name=lora,full", Axis("tuning.name", ("lora", "full"))),
        ('tuning.targets=["q"],["q", "v"]', Axis("tuning.targets", (["q"], ["q", "v"]))),
        ("train.peak_lr=1e-5..1e-3", Axis("train.peak_lr", (), 1e-5, 1e-3, log=True)),
        ("train.dropout=0.0..0.3", Axis("train.dropout", (), 0.0, 0.3)),
        ("tuning.rank=2..8", Axis("tuning.rank", (), 2, 8, whole=True)),
        ("tuning.rank=2..64:linear", Axis("tuning.rank", (), 2, 64, whole=True)),
        ("train.warmup=0.1..0.5:log", Axis("train.warmup", (), 0.1, 0.5, log=True)),
        ("train.peak_lr=probe", Axis("train.peak_lr", ("probe",))),
    ],
)
def test_what_stands_behind_over(text: str, wanted: Axis) -> None:
    (axis,) = space.axes([text])
    assert axis == wanted
    assert Axis.from_json(json.loads(json.dumps(axis.to_json()))) == axis
    assert axis.probed == (text.endswith("probe"))


def test_a_file_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text(
        "train.peak_lr = { low = 1e-5, high = 1e-3 }\n"
        "[tuning]\nrank = [4, 8]\ndropout = { low = 0.1, high = 0.9, log = true }\n"
    )
    found = space.axes(["tuning.rank=16,32"], path)
    assert found == [
        Axis("train.peak_lr", (), 1e-5, 1e-3, log=True),
        Axis("tuning.rank", (16, 32)),  # what is said on the command line holds
        Axis("tuning.dropout", (), 0.1, 0.9, log=True),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("train.peak_lr", "C180"),
        ("=1,2", "C180"),
        ("train.peak_lr=", "C180"),
        ("train.peak_lr=1e-3..1e-5", "C181"),
        ("train.warmup=0.0..0.5:log", "C181"),
        ("train.peak_lr=1..1", "C181"),
    ],
)
def test_what_can_t_be_read_is_refused_with_a_way_out(text: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        space.axes([text])
    assert caught.value.code == code
    assert caught.value.fixes
    assert "--over" in caught.value.where


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("a = [", "C180"),
        ("tuning.rank = 4", "C180"),
        ("tuning.rank = []", "C181"),
        ("tuning.rank = { low = 1 }", "C180"),
        ("tuning.rank = { low = 1, high = 3, step = 1 }", "C180"),
        ("tuning.rank = { low = true, high = 3 }", "C180"),
        ("", "C183"),
    ],
)
def test_a_bad_file_is_refused_with_its_name(content: str, code: str, tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text(content)
    with pytest.raises(UsageError) as caught:
        space.axes([], path)
    assert caught.value.code == code
    with pytest.raises(MissingError):
        space.axes([], tmp_path / "absent.toml")


@given(st.text(max_size=40))
def test_any_text_is_an_axis_or_an_error_of_ours(text: str) -> None:
    try:
        (axis,) = space.axes([text])
    except TunesmithError as error:
        assert error.code in {"C180", "C181"}
    else:
        assert axis.key and axis.ends


@given(
    low=st.floats(1e-8, 1e3),
    factor=st.floats(1.001, 1e6),
    log=st.booleans(),
    share=st.floats(0, 1),
)
def test_a_value_of_a_range_lies_in_it(low: float, factor: float, log: bool, share: float) -> None:
    axis = Axis("train.peak_lr", (), low, low * factor, log)
    assert axis.low <= axis.at(share) <= axis.high


def test_a_list_and_a_pair_are_written_as_they_are_read() -> None:
    for value in ([4, 8], [1e-4, 3e-4], ["lora", "full"], [["q"], ["q", "v"]], [True, False]):
        assert space.axes([space.written("a.b", value)])[0].values == tuple(value)
    assert space.axes([space.written("a.b", (1e-5, 1e-3))])[0] == Axis("a.b", (), 1e-5, 1e-3, log=True)


def test_a_point_is_set_as_if_by_hand() -> None:
    made = points.with_point(RECIPE, {"train.peak_lr": 1e-4, "tuning.rank": 8, "task.max_length": 32})
    assert (made.train.peak_lr, made.tuning.options["rank"], made.task.options["max_length"]) == (1e-4, 8, 32)
    assert made.decided["train.peak_lr"] == "you"
    assert points.value_of(made, "tuning.rank") == 8
    assert points.value_of(RECIPE, "task.max_length") == 128
    assert points.value_of(RECIPE, "tuning.name") == "lora"
    own = points.own_point(space.axes(["tuning.rank=2,8", "train.peak_lr=1e-4,1e-3"]), RECIPE)
    assert own == {"tuning.rank": 4}


def test_every_corner_is_tried_before_anything_else() -> None:
    points.require_sound(space.axes(["tuning.rank=1..8", "train.peak_lr=probe"]), RECIPE)
    with pytest.raises(UsageError) as caught:  # each is fine by itself
        points.require_sound(space.axes(["tuning.name=lora,full", "tuning.rank=2,4"]), RECIPE)
    assert (caught.value.code, caught.value.where) == ("C101", "--over tuning.rank")
    assert "tuning.name=full" in caught.value.expected
    with pytest.raises(UsageError) as other:
        points.require_sound(space.axes(["task.name=text-classification,chat"]), RECIPE)
    assert other.value.code == "C182"


def test_the_grid_goes_through_all_and_ends() -> None:
    axes = space.axes(["tuning.rank=2,4", "train.epochs=1,2"])
    assert asking.sampler("auto", axes, 0) == ("grid", 4)
    known: list[Any] = [({"tuning.rank": 4, "train.epochs": 1.0}, 0.5)]
    while point := asking.following("grid", axes, known, 0):
        known.append((point, None))
    assert len(known) == 4
    assert len({str(sorted(point.items())) for point, _ in known}) == 4


def test_who_chooses_points() -> None:
    ranged = space.axes(["train.peak_lr=1e-5..1e-3"])
    with pytest.raises(UsageError) as caught:
        asking.sampler("grid", ranged, 0)
    assert caught.value.code == "C184"
    assert asking.sampler("random", ranged, 0) == ("random", asking.USUAL)
    many = space.axes(["tuning.rank=" + ",".join(map(str, range(1, 40)))])
    assert asking.sampler("random", many, 8) == ("random", 8)
    if doors.has("optuna"):
        assert asking.sampler("auto", many, 8) == ("tpe", 8)


def test_without_optuna_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doors.EXTRAS, "optuna", "sweep")
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingError) as caught:
        asking.sampler("tpe", space.axes(["train.peak_lr=1e-5..1e-3"]), 0)
    assert (caught.value.code, caught.value.fixes[0]) == ("E501", 'pip install "tunesmith[sweep]"')


def test_chance_is_a_function_of_what_is_known() -> None:
    axes = space.axes(["train.peak_lr=1e-5..1e-3", "tuning.rank=2..64"])
    known: list[Any] = []
    for _ in range(20):
        point = asking.following("random", axes, known, 1)
        assert point == asking.following("random", axes, known, 1)
        assert point not in [each for each, _ in known]
        known.append((point, 0.0))
    few = space.axes(["tuning.rank=2,4"])
    assert asking.following("random", few, [({"tuning.rank": 2}, 0.0), ({"tuning.rank": 4}, 0.0)], 0) is None


def test_optuna_goes_where_it_was_good() -> None:
    pytest.importorskip("optuna")
    axes = space.axes(["train.peak_lr=1e-6..1e-1", "tuning.rank=2,4,8"])
    known: list[Any] = [
        ({"train.peak_lr": 7.0}, 1.0),
        ({}, 1.0),
    ]  # what lies outside of the space is passed over
    for number in range(24):
        point = asking.following("tpe", axes, known, 0)
        assert point is not None
        score = -abs(math.log10(point["train.peak_lr"]) + 3)
        known.append((point, None if number == 3 else score))
    late = [abs(math.log10(point["train.peak_lr"]) + 3) for point, _ in known[-8:]]
    assert sum(late) / len(late) < 1.2  # a draw from the range is 1.3 away on average
