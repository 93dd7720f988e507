"""Augment, synth and balance as verbs: versions with marked rows, an endpoint of our own, measured proposals."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import chat_endpoint
from tunesmith import lifecycle
from tunesmith.data import version
from tunesmith.data.enlarging import is_made, parents
from tunesmith.errors import UsageError
from tunesmith.lifecycle import balancing, enlarging, synthesising

KINDS = {"billing": "the invoice {} is wrong since {}", "shipping": "my parcel {} is late since {}"}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """48 rows of billing, 6 of shipping."""
    path = tmp_path / "tickets.csv"
    names = "alder birch cedar elm fir hazel larch maple oak pine rowan spruce".split()  # noqa: SIM905
    days = ["monday", "tuesday", "friday", "june"]
    rows = [("billing", KINDS["billing"].format(a, b)) for a in names for b in days]
    rows += [("shipping", KINDS["shipping"].format(a, "may")) for a in names[:6]]
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for label, text in rows))
    return path


def test_augmented_rows_are_a_version_and_the_file_s_own_stays(table: Path, tmp_path: Path) -> None:
    home, before = tmp_path / "home", table.read_bytes()
    options = {"labels": ["shipping"], "copies": 2, "seed": 4, "home": home}
    result = lifecycle.run(enlarging.augment(str(table), ["typos", "casing"], **options))
    made = version.load(home, result["version"])
    new = [row for row in made.records if is_made(row)]
    assert result["made"] == len(new) == len(made.records) - 54
    assert {row.fields["label"] for row in new} == {"shipping"}
    known = {row.key for row in made.records if not is_made(row)}
    assert all(known.issuperset(parents(row)) for row in new)
    assert made.steps[-1]["verb"] == "augment"
    assert len(version.load(home, made.parent).records) == 54
    assert table.read_bytes() == before
    again = lifecycle.run(
        enlarging.augment(str(table), ["typos", "casing"], **{**options, "home": tmp_path / "b"})
    )
    assert again["version"] == result["version"]


@pytest.mark.parametrize(
    ("ways", "labels", "code"), [([], [], "C131"), (["typo"], [], "C103"), (["typos"], ["shiping"], "C133")]
)
def test_wrong_words_are_told(
    table: Path, tmp_path: Path, ways: list[str], labels: list[str], code: str
) -> None:
    with pytest.raises(UsageError) as caught:
        lifecycle.run(enlarging.augment(str(table), ways, labels=labels, home=tmp_path / "home"))
    assert caught.value.code == code


def writer(messages):
    """Texts of the class that is asked for: new ones, one repeat, and one of the other class."""
    label = re.search(r'class "(\w+)"', messages[-1]["content"])[1]
    example = re.search(r"^- (.*)$", messages[-1]["content"], re.M)[1]
    other = next(each for each in KINDS if each != label)
    places = ("harbour", "station", "village", "border")
    texts = [KINDS[label].format(f"number {n} {place}", place[::-1]) for n, place in enumerate(places)]
    return json.dumps([*texts, example, KINDS[other].format("juniper", "yesterday")])


def test_written_rows_are_new_agreed_with_and_marked(table: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with chat_endpoint.serving(writer) as (url, seen):
        tools = enlarging.Tools(url=url, model="tiny")
        result = lifecycle.run(
            synthesising.synth(str(table), tools=tools, labels=["shipping"], count=6, home=home)
        )
    assert {each["model"] for each in seen} == {"tiny"}
    made = [row for row in version.load(home, result["version"]).records if is_made(row)]
    assert 1 <= len(made) <= 4
    assert result["by_label"] == {"shipping": len(made)}
    assert all("parcel" in row.fields["text"] for row in made)
    assert all(parents(row) for row in made)


def test_questions_are_written_from_documents(tmp_path: Path) -> None:
    path = tmp_path / "guide.txt"
    path.write_text("Brakes are repaired on weekdays.\nTyres are sold in every size.\n")
    pair = json.dumps([{"question": "When are brakes repaired?", "answer": "On weekdays."}])
    with chat_endpoint.serving(lambda _: pair) as (url, _):
        tools = enlarging.Tools(url=url, model="tiny")
        result = lifecycle.run(synthesising.synth(str(path), tools=tools, pairs=1, home=tmp_path / "home"))
    made = version.load(tmp_path / "home", result["version"])
    assert made.content == "chat"
    assert [turn["role"] for turn in made.records[0].fields["messages"]] == ["user", "assistant"]
    assert len(made.records) == 1  # the second pair is the same
    assert len(version.load(tmp_path / "home", made.parent).records) == 2


def test_a_plan_is_measured_against_doing_nothing(table: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    result = lifecycle.run(balancing.balanced(str(table), apply=True, home=home))
    arms = {arm["remedy"]: arm for arm in result["arms"]}
    assert set(arms) == {"nothing", "weights", "oversample", "augment", "augment+weights"}
    assert arms["nothing"]["gain"] is None
    for name, arm in arms.items():
        assert 0 <= arm["macro_f1"]["low"] <= arm["macro_f1"]["value"] <= arm["macro_f1"]["high"] <= 1
        if name != "nothing":
            assert arm["gain"]["low"] <= arm["gain"]["value"] <= arm["gain"]["high"]
    best = [arm for arm in result["arms"] if arm["gain"] and arm["gain"]["outcome"] == "better"]
    assert (result["proposal"] == "nothing") == (not best)
    assert bool(result["version"]) == result["proposal"].startswith("augment")
