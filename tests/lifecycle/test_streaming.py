"""Rows that are too many for memory: divided and deduplicated from disk, with the same result."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest

from data.rows import sentences
from tunesmith import lifecycle
from tunesmith.cli import main
from tunesmith.data import checking, stored
from tunesmith.errors import DataError, UsageError
from tunesmith.lifecycle import datasets, deduping, dividing


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """240 rows of two labels, with copies, near copies and groups."""
    texts = sentences(200)
    texts += [text + "!" for text in texts[:20]] + texts[20:40]
    path = tmp_path / "tickets.jsonl"
    rows = [{"text": t, "label": "ab"[n % 2], "customer": f"c{n % 70}"} for n, t in enumerate(texts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rows_in(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text().splitlines()]


def test_the_split_from_disk_is_the_split_in_memory(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"group": "customer", "home": tmp_path / "home"}
    plain = lifecycle.run(dividing.split(str(table), out=str(tmp_path / "plain"), **given))
    monkeypatch.setattr(stored, "LARGE", 1000)
    wide = lifecycle.run(dividing.split(str(table), out=str(tmp_path / "wide"), **given))
    assert wide["sides"] == plain["sides"]
    assert wide["labels"] == plain["labels"]
    assert wide["groups"] == plain["groups"]
    for side in ("train", "validation", "test"):
        assert rows_in(tmp_path / "wide" / f"{side}.jsonl") == rows_in(tmp_path / "plain" / f"{side}.jsonl")
    gc.collect()  # the rows go with whoever held them
    assert not list((tmp_path / "home" / "cache" / "rows").glob("rows-*"))


def test_near_duplicates_leave_from_disk_as_in_memory(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = lifecycle.run(deduping.dedupe(str(table), out=str(tmp_path / "plain"), home=tmp_path / "home"))
    monkeypatch.setattr(stored, "LARGE", 1000)
    wide = lifecycle.run(deduping.dedupe(str(table), out=str(tmp_path / "wide"), home=tmp_path / "home"))
    assert (wide["rows_before"], wide["rows"], wide["dropped"]) == (240, plain["rows"], 40)
    assert rows_in(tmp_path / "wide" / "rows.jsonl") == rows_in(tmp_path / "plain" / "rows.jsonl")


def test_what_the_plain_rule_would_pass_over_is_refused(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "LARGE", 1000)
    home = tmp_path / "home"
    with pytest.raises(UsageError) as caught:
        lifecycle.run(dividing.split(str(table), home=home))
    assert caught.value.code == "C135"
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError) as caught:
        lifecycle.run(dividing.split(str(table), out=str(tmp_path / "there"), home=home))
    assert caught.value.code == "F039"
    sided = tmp_path / "sided.jsonl"
    rows = [json.loads(line) for line in table.read_text().splitlines()]
    sided.write_text("".join(json.dumps({**row, "split": "train"}) + "\n" for row in rows))
    with pytest.raises(UsageError) as caught:
        lifecycle.run(dividing.split(str(sided), out=str(tmp_path / "new"), home=home))
    assert caught.value.code == "C136"
    with pytest.raises(DataError) as refused:
        lifecycle.run(lifecycle.up(str(table), home=home))
    assert refused.value.code == "F043"


@pytest.mark.parametrize(
    ("verb", "said"), [("split", "train"), ("dedupe", "40"), ("stats", "240"), ("check", "D101")]
)
def test_people_are_told_too(
    verb: str,
    said: str,
    table: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(stored, "LARGE", 1000)
    folder = ["--out", str(tmp_path / "out")] if verb in ("split", "dedupe") else []
    assert main.run(["data", verb, str(table), "--home", str(tmp_path / "home"), *folder]) == 0
    out = capsys.readouterr().out
    assert said in out
    assert all(path.name in out for path in (tmp_path / "out").glob("*"))


def test_the_rows_of_a_process_that_died_are_swept_away(tmp_path: Path) -> None:
    left = tmp_path / "rows-999999999-abc.jsonl"
    left.write_text("private")
    with stored.Rows(tmp_path):
        assert not left.exists()


def test_a_version_is_trained_on_by_its_name(table: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    lifecycle.run(deduping.dedupe(str(table), home=home))
    result = lifecycle.run(lifecycle.up("tickets@2", home=home, budget=0.1))
    assert result["data"]["rows"] == 200
    assert result["model"] == "tickets@1"
    with pytest.raises(UsageError) as caught:
        checking.last(datasets.opened("tickets@2", home, content="chat"))
    assert caught.value.code == "F042"
