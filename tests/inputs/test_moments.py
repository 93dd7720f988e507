from __future__ import annotations

from tunesmith.inputs.moments import moment


def test_points_in_time():
    assert moment("12.5") == 12.5
    assert moment("1970-01-02") == 86_400
    assert moment("1970-01-01T01:00:00+01:00") == 0
    assert moment("1970-01-01 00:00:10") == 10


def test_anything_else_is_none():
    assert [moment(word) for word in ("", "soon", "nan", "inf", None, "2026-13-01")] == [None] * 6
