"""`data check` as typed: what it calls its data, and another chat template."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from chattemplates import CHATML, written
from tunesmith import doors

ROWS = [
    (f"{ask}, number {n * 37}", label)
    for n in range(14)
    for ask, label in (("where is it", "parcel"), ("pay me", "bill"))
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.csv"
    rows = [*ROWS, ROWS[0], ("my own words", "Bill ")]
    path.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows), "utf-8")
    return path


def commands(run: Callable, ref: str) -> list[str]:
    findings = json.loads(run("data", "check", ref, "--json").out)["findings"]
    return [each["fix"]["command"] for each in findings if each["fix"]]


def test_fixes_of_a_version_name_the_version(file: Path, run: Callable) -> None:
    assert run("data", "fix", str(file)).code == 0
    typed = [each for each in commands(run, "tickets@1") if each.startswith("tunesmith")]
    assert any("tickets@1" in each for each in typed)
    assert not [each for each in typed if "tickets.csv" in each]
    fix = next(each for each in typed if each.startswith("tunesmith data card"))
    assert run(*fix.replace("SPDX", "MIT").split()[1:]).code == 0


def test_fixes_of_a_file_name_the_file(file: Path, run: Callable) -> None:
    typed = [each for each in commands(run, str(file)) if each.startswith(("tunesmith data", "tunesmith up"))]
    assert typed == [each for each in typed if str(file) in each]


def test_a_table_of_a_database_is_called_one(tmp_path: Path, run: Callable) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as db:
        db.execute("CREATE TABLE mail (text TEXT, label TEXT)")
        db.execute("CREATE TABLE stock (thing TEXT)")
        db.executemany("INSERT INTO mail VALUES (?, ?)", ROWS)
    done = run("data", "check", f"{tmp_path / 'shop.db'}#mail")
    assert "SQLite · table 'mail'" in done.out
    assert "several files" not in done.out


def test_several_files_are_counted(file: Path, tmp_path: Path, run: Callable) -> None:
    (tmp_path / "more.csv").write_text(file.read_text().replace("number", "order"))
    assert "2 files · CSV" in run("data", "check", str(tmp_path / "*.csv")).out


@pytest.mark.skipif(not doors.has("tokenizers"), reason='tokenizers is absent: pip install ".[train]"')
def test_another_template_is_judged(tmp_path: Path, shared: Path, run: Callable) -> None:
    path, base = tmp_path / "chats.jsonl", str(written(tmp_path / "base", shared, CHATML))
    talk = [{"role": "user", "content": "Open?"}, {"role": "assistant", "content": "Yes."}]
    path.write_text("".join(json.dumps({"messages": talk, "n": n}) + "\n" for n in range(5)))
    strict = tmp_path / "strict.jinja"
    strict.write_text("{{ raise_exception('only the system may speak') }}")

    def codes(*more: str) -> set[str]:
        done = run("data", "check", str(path), "--base", base, *more, "--json")
        return {each["code"] for each in json.loads(done.out)["findings"]}

    assert "T406" not in codes()
    assert "T406" in codes("--template", str(strict))
    lacking = run("data", "check", str(path), "--template", str(strict), "--json")
    assert (lacking.code, lacking.error["code"]) == (2, "C122")
    assert "--base" in lacking.error["fixes"][0]
