from __future__ import annotations

import random

import pytest

from data.rows import records
from tunesmith import catalog
from tunesmith.data.contents.labelled import Labelled
from tunesmith.lifecycle import evidence, forecasting
from tunesmith.lifecycle.known import Known, Unavailable, Wanted


def known(rows, deep=True):
    return Known(rows, Labelled(), Wanted(deep=deep), evidence.PROVIDERS)


def finished(made):
    while True:
        try:
            next(made)
        except StopIteration as end:
            return end.value


def rows_of(count, seed):
    """Rows whose class is told by one of many words: the more rows, the more words are known."""
    draw = random.Random(seed)
    words = [("".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=9)), n % 4) for n in range(300)]
    chosen = [draw.choice(words) for _ in range(count)]
    return records(*((f"row {n} says {word}", f"class {label}") for n, (word, label) in enumerate(chosen)))


def test_the_curve_rises_with_the_rows_and_each_point_has_an_interval(seed):
    rows = rows_of(800, seed)
    points = finished(forecasting.curve(known(rows)))
    assert [point[0] for point in points] == [120, 210, 360, 600]
    assert points[-1][1] > points[0][1] + 0.1
    assert all(0 <= low <= score <= high <= 1 for _, score, low, high in points)
    assert finished(forecasting.curve(known(rows))) == points
    check = catalog.part("check", "more-rows")()
    (finding,) = check.findings(check.update(check.start(), rows, {"content": Labelled(), "curve": points}))
    assert finding.code == "S606"
    assert finding.numbers["low"] > 0


def test_few_rows_have_no_curve(seed):
    with pytest.raises(Unavailable):
        finished(forecasting.curve(known(rows_of(150, seed))))


def test_a_plain_check_has_no_time_for_it(seed):
    with pytest.raises(Unavailable, match="--deep"):
        finished(forecasting.curve(known(rows_of(800, seed), deep=False)))


def test_rows_without_a_label_are_left_out(seed):
    rows = [*rows_of(400, seed), *records(*[("no label here", "")] * 200, first=1000)]
    assert finished(forecasting.curve(known(rows)))[-1][0] == 300
