"""The table and the page: what a result's lines say, which results count, where the table goes."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench import page, table

ARM = {"name": "tunesmith", "script": "ours.py", "task": {"batch": 16}, "about": {}}


def _ratio(value: float) -> dict[str, Any]:
    return {"value": value, "low": value * 0.9, "high": value * 1.1, "pairs": 4}


def _run(side: str, seconds: float) -> dict[str, Any]:
    name = {"A": "tunesmith", "B": "a <peer>"}[side]
    return {
        "side": side,
        "arm": name,
        "seconds": seconds,
        "cpu": seconds,
        "peak": 1e9,
        "load": 0.1,
        "stolen": 0.0,
    }


def part(value: float = 3.0, outcome: str = "met", **more: Any) -> dict[str, Any]:
    """One part of a result, as the runner writes it."""
    ratios = {name: _ratio(value) for name in ("seconds", "cpu", "peak")}
    medians = {side: {"seconds": 1.0, "cpu": 1.0, "peak": 1e9} for side in "AB"}
    quality = {"key": "loss", "ours": {"loss": 1.5}, "theirs": {"loss": 1.6}, "equal": True}
    column = {"arms": [ARM, {**ARM, "name": "a <peer>"}], "ratios": ratios, "medians": medians}
    column |= {
        "quality": quality,
        "checks": {"tokens": {"ok": True}},
        "runs": [_run("A", 1.0), _run("B", value)],
    }
    goals = {"column": "best", "measure": "seconds", "floor": 2.0, "goal": 3.0, "ratio": _ratio(value)}
    lean = {**goals, "column": "leanest", "measure": "peak", "floor": 1.0, "goal": None}
    columns = {"default": {"failed": "out of luck"}, "best": column}
    found = {
        "row": "C1",
        "part": "",
        "work": "much",
        "facts": {"rows": 9},
        "peaks": {},
        "grid": {},
        "columns": columns,
    }
    verdicts = [{**goals, "outcome": outcome}, {**lean, "outcome": "met"}]
    control = {"ratio": _ratio(1.0), "sound": False}
    return {**found, "control": control, "mfu": {}, "verdicts": verdicts, **more}


def _kept(folder: Path, name: str, *parts: dict[str, Any], **about: Any) -> None:
    machine = {"processor": "a processor", "memory_gb": 8.0, "python": "3.11.0"}
    versions = {"ours": {"torch": "2.13.0"}, "peers": {"trl": "1.16.0"}}
    whole = {"date": name[:10], "quick": False, "threads": 2, "machine": machine, "versions": versions}
    (folder / name).write_text(json.dumps({**whole, **about, "parts": parts}), encoding="utf-8")


def test_a_line_says_ratio_goal_outcome_quality_and_memory():
    lines = table.markdown([part()])
    line = next(each for each in lines if "a <peer>" in each)
    assert "3.00× [2.70, 3.30] of 4" in line and "2×, 3×" in line and "| met |" in line
    assert "loss 1.5, 1.6" in line and "(leanest; 1×, –: met)" in line
    assert any("default" in each and "failed" in each for each in lines)
    assert "**a restless machine**" in lines[-1]


def test_the_newest_whole_result_of_a_part_counts(tmp_path: Path):
    _kept(tmp_path, "2026-01-01-c1.json", part(2.0))
    _kept(tmp_path, "2026-01-02-c1.json", part(3.0), part(5.0, part="other"))
    _kept(tmp_path, "2026-01-03-c1-quick.json", part(9.0), quick=True)
    (tmp_path / "2026-01-04-leaks.json").write_text('{"arms": []}', encoding="utf-8")
    found = table.results(tmp_path)
    assert [each["columns"]["best"]["ratios"]["seconds"]["value"] for each in found] == [3.0, 5.0]


def test_the_table_goes_between_its_marks():
    text = f"before\n{table.START}\nold\n{table.END}\nafter"
    assert table.into(text, ["new"]) == f"before\n{table.START}\nnew\n{table.END}\nafter"
    with pytest.raises(ValueError, match="the page has no"):
        table.into("nothing here", ["new"])


@pytest.mark.parametrize(
    ("value", "said"), [(None, "–"), (0.0123, "0.0123"), (3.14159, "3.14"), (226.4, "226"), (2.5e9, "2.50 G")]
)
def test_numbers_keep_three_digits(value: float | None, said: str):
    assert table.number(value) == said


def test_the_page_is_whole_and_escapes_names(tmp_path: Path):
    _kept(tmp_path, "2026-01-02-c1.json", part(3.0), part(0.5, "missed floor", part="other"))
    docs = tmp_path / "benchmarks.md"
    docs.write_text(f"{table.START}\n{table.END}\n", encoding="utf-8")
    page.write(tmp_path, docs)
    text = (tmp_path / page.NAME).read_text("utf-8")
    seen = _Tags()
    seen.feed(text)
    assert not seen.open and "peer" not in seen.names and "script" not in seen.names
    assert text.count("class='dot'") == 2 and "class='missed'" in text
    assert "| C1 other |" in docs.read_text("utf-8")


def test_nothing_measured_is_said(tmp_path: Path):
    assert "No row has been measured." in page.html([])
    assert table.results(tmp_path) == []


def test_a_small_run_fails_below_seven_tenths_of_a_floor(capsys: pytest.CaptureFixture[str]):
    enough, short = part(1.5), part(1.3)
    assert command._code([enough]) == 0
    assert command._code([short]) == 1
    assert "(at least 1.40)" in capsys.readouterr().out


def test_every_row_says_in_its_first_line_what_it_is():
    assert all(line.startswith(f"{name.upper()}: ") for name, line in command.rows().items())


class _Tags(HTMLParser):
    """Elements that stand open, and the names of all that were seen."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.names.add(tag)
        if tag not in ("meta", "line", "circle"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.names.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
