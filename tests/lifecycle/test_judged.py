"""Findings are read back only for the very same rows, settings and code, and only unharmed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tunesmith.fields import Record, row_key
from tunesmith.findings import Finding, Fix, Place
from tunesmith.lifecycle import judged

FINDING = Finding(
    "D101",
    "warning",
    "two rows are equal — «ß»",
    2,
    (Place("/data/a.csv", 3, 17), Place("/data/b.csv", 4, -1, "train/b.csv")),
    {"share": 0.25},
    Fix("tunesmith data fix FILE", "leaves one", True, ("a.csv:3",), (("a.csv:4", "label", "x"),)),
)


def row(number: int) -> Record:
    fields = {"text": f"text {number}", "label": "a"}
    return Record(fields, Place("/data/a.csv", number + 2), row_key(fields))


ROWS = [row(number) for number in range(judged.FEWEST)]
ABOUT = {"content": "labelled", "ignore": {}}


class Judge:
    """Counts how often it is asked."""

    def __init__(self, *found: Finding) -> None:
        self.asked, self.found = 0, list(found)

    def __call__(self) -> Iterator[Any]:
        self.asked += 1
        yield "progress"
        return self.found


def ask(home: Path, judge: Judge, about: Any = ABOUT, rows: Any = (ROWS, ())) -> list[Finding]:
    steps = judged.kept(home, about, rows, judge())  # pyright: ignore[reportArgumentType]
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            return ended.value


def kept_file(home: Path) -> Path:
    (found,) = (home / "cache" / "findings").glob("*.json")
    return found


def test_the_second_time_the_same_findings_are_read(tmp_path: Path) -> None:
    judge = Judge(FINDING, Finding("D102", "info", "nothing"))
    assert ask(tmp_path, judge) == ask(tmp_path, judge) == judge.found
    assert judge.asked == 1


@pytest.mark.parametrize(
    ("about", "rows"),
    [
        ({**ABOUT, "ignore": {"D101": "known"}}, (ROWS, ())),
        (ABOUT, ([*ROWS[1:], ROWS[0]], ())),
        (ABOUT, (ROWS, ROWS[:1])),
        (ABOUT, ([replace(ROWS[0], place=Place("/other/a.csv", 2)), *ROWS[1:]], ())),
        (ABOUT, ([row(-1), *ROWS[1:]], ())),
    ],
)
def test_whatever_differs_is_judged_anew(tmp_path: Path, about: Any, rows: Any) -> None:
    judge = Judge(FINDING)
    ask(tmp_path, judge)
    ask(tmp_path, judge, about, rows)
    assert judge.asked == 2


def test_other_code_judges_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge(FINDING)
    ask(tmp_path, judge)
    plugins = tmp_path / "plugins" / "check"
    plugins.mkdir(parents=True)
    (plugins / "mine.py").write_text('"""A check."""\n')
    monkeypatch.setenv("TUNESMITH_PLUGINS", str(plugins.parent))
    ask(tmp_path, judge)
    assert judge.asked == 2


def test_a_changed_file_is_set_aside_and_made_again(tmp_path: Path) -> None:
    judge = Judge(FINDING)
    ask(tmp_path, judge)
    path = kept_file(tmp_path)
    value = json.loads(path.read_text())
    value["findings"][0]["severity"] = "info"
    path.write_text(json.dumps(value))
    assert ask(tmp_path, judge) == [FINDING]
    assert judge.asked == 2 and any("damaged" in each.name for each in path.parent.iterdir())


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"findings": 1, "seal": 2}', "\x00"])
def test_a_broken_file_is_set_aside(tmp_path: Path, content: str) -> None:
    judge = Judge(FINDING)
    ask(tmp_path, judge)
    kept_file(tmp_path).write_text(content)
    assert ask(tmp_path, judge) == [FINDING] and judge.asked == 2


def test_a_foreign_file_under_this_name_never_hits(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    ask(theirs, Judge(), {**ABOUT, "content": "chat"})
    judge = Judge(FINDING)
    ask(mine, judge)
    kept_file(mine).write_bytes(kept_file(theirs).read_bytes())
    assert ask(mine, judge) == [FINDING] and judge.asked == 2


def test_what_json_can_not_give_back_is_not_kept(tmp_path: Path) -> None:
    judge = Judge(replace(FINDING, numbers={"share": float("nan")}))
    ask(tmp_path, judge)
    ask(tmp_path, judge)
    assert judge.asked == 2


def test_few_rows_are_not_kept(tmp_path: Path) -> None:
    ask(tmp_path, Judge(FINDING), rows=(ROWS[:10], ()))
    assert not (tmp_path / "cache").exists()
