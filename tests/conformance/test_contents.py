"""Every content, built in or added: what it says of its samples is whole, and its passages can be replaced."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tunesmith import catalog
from tunesmith.fields import Record, at, put

CONTENTS = catalog.parts("content")
OFFERS = {"labels", "turns", "tags", "spans"}

pytestmark = pytest.mark.parametrize("name", list(CONTENTS))


def records(name: str) -> tuple[Any, list[Record]]:
    content = CONTENTS[name]()
    return content, [Record(fields) for fields in content.samples()]


def test_its_samples_have_its_fields(name: str) -> None:
    content, rows = records(name)
    names = {each.name: each.required for each in content.fields}
    assert rows
    for row in rows:
        assert set(row.fields) <= set(names)
        assert all(field in row.fields for field, required in names.items() if required)
        assert json.loads(json.dumps(dict(row.fields))) == row.fields


def test_what_it_offers_means_something(name: str) -> None:
    content, rows = records(name)
    assert content.offers <= OFFERS
    assert any(content.labels(row) for row in rows) == ("labels" in content.offers)
    assert any(content.turns(row) for row in rows) == ("turns" in content.offers)
    for kind in content.offers & {"tags", "spans"}:
        assert kind in {each.name for each in content.fields}
    for row in rows:
        assert content.text(row)
        assert all({"role", "content"} <= set(turn) for turn in content.turns(row))


def test_its_passages_stand_where_they_say(name: str) -> None:
    content, rows = records(name)
    for row in rows:
        found = content.passages(row)
        assert found
        for way, text in found:
            assert at(row.fields, way) == text
            changed = Record(put(row.fields, way, "another text"))
            assert ("another text") in [said for _, said in content.passages(changed)]


def test_an_empty_record_has_no_text(name: str) -> None:
    content = CONTENTS[name]()
    nothing = Record({})
    assert content.text(nothing) == ""
    assert not content.target(nothing)
    assert content.labels(nothing) == ()
    assert content.turns(nothing) == []
    assert all(text == "" for _, text in content.passages(nothing))
