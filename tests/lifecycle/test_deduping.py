from __future__ import annotations

import json

import pytest

from tunesmith.data import cleaning, version
from tunesmith.errors import MissingError, UsageError
from tunesmith.events import Finished
from tunesmith.lifecycle import deduping, evidence

LONG = "please cancel the order that I placed on Monday morning"
ROWS = [
    (LONG, "order"),
    ("where is the parcel that you sent last week", "parcel"),
    (LONG + ", thank you", "order"),
    ("Where is the parcel that you sent  last week", "parcel"),
    ("my card was stolen in the town", "card"),
]


def write(path, rows=ROWS):
    path.write_text("".join(json.dumps({"text": t, "label": v}) + "\n" for t, v in rows), encoding="utf-8")
    return str(path)


def dedupe(*args, **options):
    end = list(deduping.dedupe(*args, **options))[-1]
    assert isinstance(end, Finished)
    return end.result


def texts(home, digest):
    return [row.fields["text"] for row in version.load(home, digest).records]


def test_one_row_of_each_group_stays(tmp_path):
    data, home = write(tmp_path / "rows.jsonl"), tmp_path / "home"
    found = dedupe(data, home=home)
    assert (found["rows_before"], found["rows"], found["dropped"]) == (5, 3, 2)
    assert found["by_code"] == {"D104": 2}
    assert texts(home, found["digest"]) == [ROWS[0][0], ROWS[1][0], ROWS[4][0]]
    assert [each["row"] for each in found["left"]] == ["rows.jsonl:3", "rows.jsonl:4"]
    made = version.load(home, found["digest"])
    assert made.steps[-1] == {"verb": "dedupe", "threshold": 0.7, "meaning": False, "keep": "first"}
    before = version.load(home, found["parent"])
    assert [row.fields for row in cleaning.undo(made.records, made.changes)] == [
        row.fields for row in before.records
    ]


def test_the_longest_stays_where_that_is_wanted(tmp_path):
    data, home = write(tmp_path / "rows.jsonl"), tmp_path / "home"
    found = dedupe(data, keep="longest", home=home)
    assert texts(home, found["digest"]) == [ROWS[1][0], ROWS[2][0], ROWS[4][0]]


def test_the_threshold_counts(tmp_path):
    data, home = write(tmp_path / "rows.jsonl"), tmp_path / "home"
    assert dedupe(data, threshold=1, home=home)["rows"] == 4


def test_rows_of_a_benchmark_leave(tmp_path):
    data, home = write(tmp_path / "rows.jsonl"), tmp_path / "home"
    known = write(tmp_path / "bench.jsonl", [("MY card was stolen in the town", "x"), ("no such text", "y")])
    found = dedupe(data, against=known, home=home)
    assert found["by_code"] == {"D104": 2, "D113": 1}
    assert texts(home, found["digest"]) == [ROWS[0][0], ROWS[1][0]]
    assert version.load(home, found["digest"]).steps[-1]["against"] == "bench.jsonl"


def test_answers_count_where_there_are_no_labels(tmp_path):
    path, home = tmp_path / "rows.jsonl", tmp_path / "home"
    asked = "Do you repair the brakes of bicycles that were not bought from you?"
    answers = (
        "Yes, on weekdays from nine to five in the afternoon.",
        "No, never: that is against the law in this town.",
    )
    path.write_text(
        "".join(json.dumps({"prompt": asked, "completion": answer}) + "\n" for answer in answers),
        encoding="utf-8",
    )
    assert dedupe(str(path), home=home)["rows"] == 2


def test_nothing_to_leave_out_is_the_same_version(tmp_path):
    data, home = write(tmp_path / "rows.jsonl", ROWS[:2]), tmp_path / "home"
    found = dedupe(data, home=home)
    assert (found["dropped"], found["parent"]) == (0, "")


@pytest.mark.parametrize("options", [{"threshold": 0.4}, {"threshold": 1.1}, {"keep": "best"}])
def test_wrong_options_are_refused(tmp_path, options):
    with pytest.raises(UsageError) as wrong:
        dedupe(write(tmp_path / "rows.jsonl"), home=tmp_path / "home", **options)
    assert wrong.value.code == "C123"


def test_meaning_without_vectors_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence.doubting.doors, "has", lambda _: False)
    with pytest.raises(MissingError) as wrong:
        dedupe(write(tmp_path / "rows.jsonl"), meaning=True, home=tmp_path / "home")
    assert wrong.value.code == "D120"


def test_meaning_joins_rows_whose_vectors_are_close(tmp_path, monkeypatch):
    import numpy as np

    vectors = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [0.99, 0.1, 0]], dtype=np.float32)
    monkeypatch.setitem(evidence.PROVIDERS, "embeddings", lambda known: vectors)
    found = dedupe(write(tmp_path / "rows.jsonl"), meaning=True, home=tmp_path / "home")
    assert found["by_code"] == {"D104": 2, "D114": 1}
    assert found["rows"] == 2


def test_rows_too_many_for_memory_take_no_further_wishes(tmp_path, monkeypatch):
    monkeypatch.setattr(deduping.streaming, "is_large", lambda _: True)
    with pytest.raises(UsageError) as wrong:
        dedupe(
            write(tmp_path / "rows.jsonl"), keep="longest", out=str(tmp_path / "out"), home=tmp_path / "home"
        )
    assert wrong.value.code == "C123"
