from __future__ import annotations

import json

ROWS = (
    "please cancel the order that I placed on Monday,order\n"
    "where is the parcel that you sent last week,parcel\n"
    "please cancel the order that I placed on Monday!,order\n"
    "my card was stolen in the town,card\n"
)


def write(path, rows=ROWS):
    path.write_text("text,label\n" + rows, encoding="utf-8")
    return str(path)


def test_rows_that_left_are_shown_and_can_come_back(run, tmp_path):
    data = write(tmp_path / "rows.csv")
    done = run("data", "dedupe", data)
    assert done.code == 0, done.err
    assert "4 → 3" in done.out
    assert "rows.csv:4  D104" in done.out
    assert run("data", "undo", "rows").code == 0
    assert (
        json.loads(run("data", "dedupe", "rows", "--keep", "longest", "--json").out)["left"][0]["row"]
        == "rows.csv:2"
    )


def test_a_benchmark_is_evidence_of_check_and_dedupe(run, tmp_path):
    data = write(tmp_path / "rows.csv")
    known = write(tmp_path / "known.csv", "my card was STOLEN in the town,x\nanother text,y\n")
    found = json.loads(run("data", "check", data, "--benchmark", known, "--json").out)["findings"]
    assert [each["count"] for each in found if each["code"] == "D113"] == [1]
    found = json.loads(run("data", "dedupe", data, "--against", known, "--json").out)
    assert found["by_code"] == {"D104": 1, "D113": 1}


def test_a_wrong_threshold_is_a_usage_error(run, tmp_path):
    done = run("data", "dedupe", write(tmp_path / "rows.csv"), "--threshold", "2")
    assert done.code == 2
    assert "C123" in done.err
