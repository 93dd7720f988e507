"""Rows that say their side: kept there, whatever is near them; what no row names is cut as usual."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tunesmith.data import mapping, source
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.split import split
from tunesmith.data.splits import Split
from tunesmith.errors import UsageError
from tunesmith.fields import Record, row_key
from tunesmith.findings import Place
from tunesmith.recipe.sections import Split as Rule

WORDS = [
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "inlet",
    "jolly",
    "knoll",
    "lemon",
    "maple",
    "nectar",
    "olive",
    "pearl",
]


def rows(*sides: str, seed: int = 0) -> list[Record]:
    rng = random.Random(seed)
    made = []
    for number, side in enumerate(sides, start=1):
        fields = {"text": " ".join(rng.choices(WORDS, k=9)), "label": rng.choice("ab"), "split": side}
        made.append(Record(fields, Place("f.csv", number), row_key(fields)))
    return made


def sides(made: Split, count: int) -> list[str]:
    found = [""] * count
    for name in ("train", "validation", "test"):
        for index in getattr(made, name):
            found[index] = name
    return found


def test_all_three_sides_are_kept() -> None:
    said = ["Train", "val", " TEST ", "training", "dev", "testing", "valid"] * 10
    made = split(rows(*said), Labelled(), Rule())
    assert (
        sides(made, 70) == ["train", "validation", "test", "train", "validation", "test", "validation"] * 10
    )
    assert not made.moved


def test_validation_is_cut_from_train_where_no_row_names_it() -> None:
    said = ["train"] * 200 + ["test"] * 50
    found = sides(split(rows(*said), Labelled(), Rule()), 250)
    assert found[200:] == ["test"] * 50
    assert set(found[:200]) == {"train", "validation"}
    assert 15 <= found.count("validation") <= 50


def test_a_test_side_is_cut_from_train_where_no_row_names_it() -> None:
    said = ["train"] * 200 + ["validation"] * 50
    found = sides(split(rows(*said), Labelled(), Rule()), 250)
    assert found[200:] == ["validation"] * 50
    assert set(found[:200]) == {"train", "test"}


def test_a_column_that_says_train_only_says_nothing() -> None:
    table = rows(*["train"] * 100)
    silent = [Record({k: v for k, v in row.fields.items() if k != "split"}, row.place) for row in table]
    assert sides(split(table, Labelled(), Rule()), 100) == sides(split(silent, Labelled(), Rule()), 100)


def test_twins_stay_where_the_file_says() -> None:
    table = rows(*["train"] * 60, *["test"] * 20)
    for k in range(20):  # every test row stands in training too
        fields = {**table[k].fields, "split": "test"}
        table[60 + k] = Record(fields, table[60 + k].place, row_key(fields))
    found = sides(split(table, Labelled(), Rule()), 80)
    assert found[60:] == ["test"] * 20
    assert set(found[:60]) == {"train", "validation"}


def test_a_row_that_says_nothing_enters_no_side_between_two() -> None:
    table = rows(*["train", "validation", "test"] * 20, "")
    for k in (1, 2):
        fields = {**table[k].fields, "text": table[0].fields["text"]}
        table[k] = Record(fields, table[k].place, row_key(fields))
    fields = {**table[60].fields, "text": table[0].fields["text"]}
    table[60] = Record(fields, table[60].place, row_key(fields))
    made = split(table, Labelled(), Rule())
    assert sides(made, 61)[:3] == ["train", "validation", "test"]
    assert sides(made, 61)[60] == ""
    assert [finding.code for finding in made.findings] == ["D106", "D109"]


def test_a_child_keeps_what_was_cut() -> None:
    table = rows(*["train"] * 200, *["test"] * 40)
    parent = split(table, Labelled(), Rule())
    more = [*table, *rows(*["train"] * 40, seed=1)]
    child = split(more, Labelled(), Rule(), parent=parent)
    assert sides(child, 280)[:240] == sides(parent, 240)


def test_no_row_to_train_on_is_refused() -> None:
    with pytest.raises(UsageError) as refusal:
        split(rows(*["test"] * 10), Labelled(), Rule())
    assert refusal.value.code == "S603"
    assert refusal.value.where == "f.csv:1"


@pytest.mark.parametrize(
    ("name", "values", "taken"),
    [
        ("split", ("train", "val", "test"), True),
        ("Subset", ("Training", "dev", ""), True),
        ("split", ("train", "extra"), False),
        ("fold", ("train", "test"), False),
    ],
)
def test_a_column_of_sides_is_taken_by_itself(
    tmp_path: Path, name: str, values: tuple[str, ...], taken: bool
) -> None:
    table = rows(*["train"] * 30)
    lines = [
        f"{row.fields['text']},{row.fields['label']},{values[k % len(values)]}" for k, row in enumerate(table)
    ]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([f"text,label,{name}", *lines]))
    found = source.sniff(path)
    reading = mapping.read_as(found, content="labelled")
    assert reading.columns.columns.get("split") == (name if taken else None)
    held = [row.fields.get("split") for row in mapping.records(found, reading) if isinstance(row, Record)]
    assert held == [values[k % len(values)] if taken else None for k in range(30)]
    unasked = mapping.read_as(found, content="labelled", given={"split": ""})
    assert "split" not in unasked.columns.columns
