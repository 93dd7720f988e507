"""An audit from the queue to a version with who and when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commandline import LABELS, texts
from tunesmith import doors, lifecycle
from tunesmith.data import version
from tunesmith.errors import DataError
from tunesmith.lifecycle import auditing

WRONG = 4  # the row whose label was swapped


@pytest.fixture(autouse=True)
def _without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    has = doors.has
    monkeypatch.setattr(doors, "has", lambda library: library != "torch" and has(library))


@pytest.fixture
def data(tmp_path: Path) -> str:
    rows = texts()
    rows[WRONG] = rows[WRONG][0], LABELS[1]
    path = tmp_path / "tickets.csv"
    path.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows))
    return str(path)


def opened(data: str, home: Path, share: float = 0.4) -> Any:
    return lifecycle.run(auditing.open_audit(data, share=share, home=home))


def test_the_wrong_label_comes_first_and_answers_become_a_version(data: str, home: Path) -> None:
    audit = opened(data, home)
    assert len(audit.items) == 20
    assert audit.items[0].row == f"tickets.csv:{WRONG + 2}"
    assert audit.items[0].likely[0] == LABELS[0]
    audit.say("ann", audit.items[0], "relabel", LABELS[0])
    for item in audit.items[1:]:
        audit.say("ann", item, "accept")
    result = lifecycle.run(auditing.finish(opened(data, home))).to_dict()
    assert result["relabelled"] == 1
    assert result["error_rate"]["n"] == 6
    made = version.load(home, result["digest"])
    assert made.parent == audit.dataset.digest
    assert made.steps[-1]["verb"] == "audit"
    assert made.steps[-1]["who"] == ["ann"]
    (change,) = made.changes
    assert (change["who"], change["before"]["value"], change["after"]["value"]) == (
        ["ann"],
        LABELS[1],
        LABELS[0],
    )
    assert change["when"] >= "2026"
    assert made.records[WRONG].fields["label"] == LABELS[0]


def test_answers_outlive_whoever_gave_them_and_undo_takes_one_back(data: str, home: Path) -> None:
    audit = opened(data, home)
    audit.say("ann", audit.items[0], "skip")
    audit.say("ann", audit.items[1], "accept")
    log = audit.log.read_bytes()
    audit.log.write_bytes(log + b'{"who": "ann", "row": "tick')  # cut off in the middle of a write
    again = opened(data, home)
    assert len(again.left("ann")) == len(again.items) - 2
    assert again.undo("ann") == again.items[1]
    assert again.left("ann")[0] == again.items[1]
    assert again.undo("bo") is None


def test_two_people_and_where_they_disagree(data: str, home: Path) -> None:
    audit = opened(data, home)
    for item in audit.items[:6]:
        audit.say("ann", item, "accept")
        audit.say("bo", item, "accept")
    audit.say("ann", audit.items[6], "accept")
    audit.say("bo", audit.items[6], "relabel", audit.items[6].likely[0])
    told = audit.summary()
    assert told["judged"] == {"ann": 7, "bo": 7}
    assert told["agreement"][0]["rows"] == 7
    assert told["agreement"][0]["kappa"] < 1
    assert told["disagreed"] == [audit.items[6].row]
    result = lifecycle.run(auditing.finish(audit)).to_dict()
    assert result["left"] == 1
    assert result["relabelled"] == 0


def test_a_sheet_goes_out_and_comes_back(data: str, home: Path, tmp_path: Path) -> None:
    audit = opened(data, home)
    audit.say("ann", audit.items[2], "skip")
    sheet = auditing.export(audit, tmp_path / "sheet.csv", "ann")
    lines = sheet.read_text("utf-8-sig").splitlines()
    assert len(lines) == len(audit.items) + 1
    lines[1] += LABELS[0]
    lines[2] += "ok"
    sheet.write_text("\n".join(lines) + "\n")
    assert auditing.import_sheet(audit, sheet, "ann") == 2
    assert auditing.import_sheet(audit, sheet, "ann") == 0, "the same sheet again says nothing new"
    mine = audit.answers()["ann"]
    assert [mine[item.row].verdict for item in audit.items[:3]] == ["relabel", "accept", "skip"]
    sheet.write_text("row,answer\n" + f"{audit.items[3].row},ok\nnobody:1,ok\n")
    with pytest.raises(DataError, match="L216"):
        auditing.import_sheet(audit, sheet, "ann")
    assert len(audit.answers()["ann"]) == 3, "a sheet with a bad line is not taken over at all"


def test_labels_that_stay_make_no_version_and_the_log_says_who_looked(data: str, home: Path) -> None:
    audit = opened(data, home)
    for item in audit.items:
        audit.say("ann", item, "accept")
    result = lifecycle.run(auditing.finish(audit)).to_dict()
    assert result["unchanged"] is True
    assert result["digest"] == audit.dataset.digest
    assert '"ann"' in Path(result["answers"]).read_text()


@pytest.fixture
def several(tmp_path: Path) -> str:
    """80 rows with any of two labels; one lacks a label that its text speaks of."""
    rows = []
    for number in range(80):
        money, bug = number % 2, number // 2 % 2
        text = (
            f"ticket {number * 37}: "
            + "I was charged twice for an order. " * money
            + "the app crashes. " * bug
        )
        rows.append({"text": text, "labels": ["money"] * money + ["bug"] * bug})
    rows[7]["labels"] = ["bug"]
    path = tmp_path / "several.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_sets_of_labels_are_audited_whole(several: str, home: Path, tmp_path: Path) -> None:
    audit = opened(several, home, 0.3)
    first = audit.items[0]
    assert first.row == "several.jsonl:8"
    assert (first.label, first.likely[0]) == ("bug", "bug; money")
    sheet = auditing.export(audit, tmp_path / "sheet.csv", "ann")
    lines = sheet.read_text("utf-8-sig").splitlines()
    sheet.write_text(
        "\n".join([lines[0], lines[1] + "money;bug", *(line + "ok" for line in lines[2:])]) + "\n"
    )
    assert auditing.import_sheet(audit, sheet, "ann") == len(audit.items)
    result = lifecycle.run(auditing.finish(audit)).to_dict()
    assert result["relabelled"] == 1
    made = version.load(home, result["digest"])
    assert made.records[7].fields["labels"] == ["bug", "money"]
    assert made.records[8].fields["labels"] == []


def test_sets_of_labels_with_a_semicolon_within_are_refused(several: str, home: Path) -> None:
    path = Path(several)
    path.write_text(path.read_text().replace('"bug"', '"bug; crash"'))
    with pytest.raises(DataError, match="L217"):
        opened(several, home)


def test_nothing_to_audit_and_nothing_judged(data: str, home: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="L218"):
        lifecycle.run(auditing.finish(opened(data, home)))
    path = tmp_path / "same.csv"
    path.write_text("text,label\n" + "".join(f"some text {n},only\n" for n in range(20)))
    with pytest.raises(DataError, match="L217"):
        opened(str(path), home)
