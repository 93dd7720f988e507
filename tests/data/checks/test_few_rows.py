from __future__ import annotations

import pytest

from tunesmith.data.checks._rows import planted
from tunesmith.data.checks.few_rows import FewRows
from tunesmith.data.contents.labelled import Labelled


def numbers(*fields, held_out=frozenset()):
    case = planted(Labelled(), *fields, held_out=held_out)
    check = FewRows()
    return [each.numbers for each in check.findings(check.update(check.start(), case.rows, case.evidence))]


def rows(count, side="", **more):
    return [{"text": f"parcel {i} {side}", "label": "ab"[i % 2], "split": side, **more} for i in range(count)]


@pytest.mark.parametrize(
    ("given", "test_rows"),
    [
        (rows(400), 60),
        (rows(400, "train") + rows(100, "test"), 100),
        (rows(400, "train") + rows(100, "dev") + rows(90, "testing"), 90),
        (rows(400, "train") + rows(100, "validation"), 60),  # the test side is cut from the rows for training
        (rows(400) + rows(900, origin={"by": "typos", "parents": ["x"]}), 60),
        (rows(300, "train") + rows(80, "test", origin={"by": "typos", "parents": ["x"]}), 45),
    ],
)
def test_made_rows_prove_nothing_and_given_sides_count(given, test_rows):
    (found,) = numbers(*given)
    assert found["test_rows"] == test_rows


def test_enough_rows_for_the_test_are_enough():
    assert numbers(*rows(50, "train"), *rows(300, "test")) == []
    assert numbers(*rows(50), held_out=frozenset(map(str, range(300)))) == []
    (found,) = numbers(*rows(50), *rows(2000, origin={"by": "typos", "parents": ["x"]}))
    assert found["rows"] == 50


def test_made_rows_alone_say_nothing():
    assert numbers(*rows(9, origin={"by": "typos", "parents": ["x"]})) == []
