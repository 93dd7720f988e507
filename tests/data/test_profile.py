from __future__ import annotations

from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.profile import profile
from tunesmith.fields import Record
from tunesmith.parts import Profile


def test_profile_counts_rows_labels_and_characters():
    rows = [
        Record({"text": "x" * length, "label": label}) for length, label in ((1, "b"), (3, "a"), (5, "b"))
    ]
    made = profile([*rows, Record({"text": "xxx", "label": None})], Labelled())
    assert made.rows == 4
    assert dict(made.labels) == {"a": 1, "b": 2}
    assert list(made.labels) == ["a", "b"]
    assert (made.lengths["min"], made.lengths["p50"], made.lengths["max"]) == (1, 3, 5)
    assert made.lengths["mean"] == 3


def test_profile_of_nothing():
    assert profile([], Labelled()) == Profile(0)
