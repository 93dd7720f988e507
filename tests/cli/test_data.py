"""The commands on data sets: what they print, their JSON, their exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tunesmith.cli import data_tables

ROWS = [
    (f"{ask}, number {n * 37}", label)
    for n in range(14)
    for ask, label in (("where is it", "parcel"), ("pay me", "bill"))
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.csv"
    rows = [*ROWS, ROWS[0], ("", "bill"), ("my own words", "Bill ")]
    path.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows), "utf-8")
    return path


@pytest.fixture
def fixed(file: Path, run: Callable) -> Path:
    assert run("data", "fix", str(file), "--licence", "MIT").code == 0
    return file


def told(done) -> dict:
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 1
    return json.loads(done.out)


def test_check_ends_with_what_to_type(file: Path, run: Callable) -> None:
    done = run("data", "check", str(file))
    assert f"Run `tunesmith data fix {file}` for the 3 safe fixes." in done.out
    line = next(line for line in done.out.splitlines() if "D101" in line)
    assert line.split()[:3] == ["warning", "D101", "1"]
    assert "safe fix: drops 1 row" in done.out
    assert f"{file}:30" in done.out


def test_check_tells_why_a_finding_is_ignored(file: Path, run: Callable) -> None:
    done = run("data", "check", str(file), "--ignore", "D101=copies are meant")
    lines = done.out.splitlines()
    at = next(number for number, line in enumerate(lines) if "D101" in line)
    assert lines[at].startswith("ignored")
    assert lines[at + 1].strip() == "because: copies are meant"
    assert "the 2 safe fixes" in done.out


def test_an_ignored_error_does_not_fail_the_check(tmp_path: Path, run: Callable) -> None:
    path = tmp_path / "one.csv"
    path.write_text("text,label\n" + "".join(f"text number {n * 17},only\n" for n in range(40)))
    errors = [
        f["code"]
        for f in json.loads(run("data", "check", str(path), "--json").out)["findings"]
        if f["severity"] == "error"
    ]
    assert run("data", "check", str(path)).code == 3
    ignored = [word for code in errors for word in ("--ignore", f"{code}=known")]
    assert run("data", "check", str(path), *ignored).code == 0
    refused = run("data", "check", str(path), "--ignore", "D101", "--json")
    assert (refused.code, refused.error["code"]) == (2, "C123")


def test_fix_shows_the_difference_and_undo_takes_it_back(file: Path, run: Callable) -> None:
    dry = run("data", "fix", str(file), "--dry-run")
    assert "a dry run: nothing was written" in dry.out
    done = run("data", "fix", str(file))
    for word in (
        "tickets@2",
        "31 → 29",
        "2 left, 1 values changed",
        "label: Bill → bill",
        "tunesmith data undo tickets",
    ):
        assert word in done.out
    assert "tickets@1" in run("data", "undo", "tickets").out
    assert told(run("data", "fix", "tickets", "--json"))["version"] == "tickets@2"
    refused = run("data", "fix", "tickets", "Q999", "--json")
    assert (refused.code, refused.error["code"]) == (2, "F030")


def test_ls_and_lineage(fixed: Path, run: Callable) -> None:
    listed = run("data", "ls").out.splitlines()
    assert [line.split()[0] for line in listed] == ["version", "tickets@1", "tickets@2"]
    assert "MIT" in listed[1] and "*" in listed[2]
    assert [each["rows"] for each in told(run("data", "ls", "--json"))["versions"]] == [31, 29]
    tree = run("data", "lineage", "tickets").out
    assert tree.splitlines()[0].startswith("tickets@2")
    assert "source tickets.csv" in tree and "MIT" in tree
    assert told(run("data", "lineage", "tickets", "--json"))["parents"][0]["version"] == "tickets@1"


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("Bill ", "bill", "Bill → bill"),
        ("a\u200bb", "ab", "a\\u200bb → ab"),
        ("x" * 90 + " one", "x" * 90 + " two", "…" + "x" * 19 + " one → …" + "x" * 19 + " two"),
        (["B-a", "O"], ["B-a", "I-a"], '["B-a", "O"] → ["B-a", "I-a"]'),
        ("\x1b[2J", "", "\\x1b[2J → "),
    ],
)
def test_a_change_is_shown_where_it_is(before: object, after: object, shown: str) -> None:
    assert data_tables.pair(before, after) == shown


def test_ls_of_an_empty_home(run: Callable) -> None:
    assert run("data", "ls").out.startswith("no versions yet")


def test_diff_show_and_stats(fixed: Path, run: Callable) -> None:
    done = run("data", "diff", "tickets@1", "tickets@2")
    assert "28 the same, 0 came, 2 went, 1 changed" in done.out
    assert "label: Bill → bill" in done.out
    assert told(run("data", "diff", str(fixed), "tickets", "--json"))["counts"]["went"] == 2
    shown = run("data", "show", "tickets", "--rows", "1", "--where", "label=bill")
    assert "pay me, number 0" in shown.out and "… and 14 more" in shown.out
    assert run("data", "show", "tickets", "--where", "label=none").out.endswith("no such row\n")
    stats = run("data", "stats", "tickets").out
    for word in ("Labels", "bill", "51.7%", "Scripts   Latin 29", "Tokens"):
        assert word in stats


def test_split_export_and_card(fixed: Path, run: Callable, tmp_path: Path) -> None:
    done = run("data", "split", "tickets", "--validation", "0.2", "--test", "0.2")
    assert done.code == 0 and "validation" in done.out
    assert run("data", "export", "tickets", str(tmp_path / "out"), "--by-side").code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "test.jsonl",
        "train.jsonl",
        "validation.jsonl",
    ]
    assert (
        told(run("data", "export", "tickets", str(tmp_path / "all.csv"), "--json"))["files"][0]["rows"] == 29
    )
    card = run("data", "card", "tickets").out
    assert card.startswith('---\nlicense: "mit"\n')
    assert (
        run("data", "card", "tickets", "--out", str(tmp_path / "README.md")).out
        == f"{tmp_path / 'README.md'}\n"
    )
    assert run("data", "export", "tickets", str(tmp_path / "all.csv")).code == 2


def test_merge_and_sample(fixed: Path, run: Callable) -> None:
    done = run("data", "merge", "tickets@1", "tickets@2", "--name", "both")
    assert "both@1" in done.out and "tickets@1 + tickets@2" in done.out
    assert told(run("data", "sample", "both", "10", "--stratify", "--json"))["version"] == "both-sample@1"
    assert run("data", "sample", "both", "1000").code == 2


@pytest.mark.parametrize("command", ["show", "stats", "split", "undo", "lineage", "card", "fix"])
def test_what_is_not_there(command: str, run: Callable) -> None:
    done = run("data", command, "nobody", "--json")
    assert (done.code, done.out) == (5, "")
    assert done.error["code"] in {"F013", "F031"}


def test_a_column_of_several_is_named(ambiguous: Path, run: Callable) -> None:
    refused = run("data", "fix", str(ambiguous), "--json")
    assert refused.error["code"] in {"M202", "M207"}
    for option in (("--text", "message"), ("--field", "text=message", "--form", "text-label")):
        assert run("data", "stats", str(ambiguous), *option).code == 0
