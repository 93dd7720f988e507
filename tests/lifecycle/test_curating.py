"""The verbs on data sets: each makes a version, none touches the file, all can be undone or traced."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tunesmith.data import journal, source, version
from tunesmith.data.cleaning import undo as undo_changes
from tunesmith.errors import DataError, MissingError, UsageError
from tunesmith.events import Event
from tunesmith.lifecycle import (
    ancestry,
    carding,
    curating,
    datasets,
    dividing,
    exporting,
    merging,
    run,
    viewing,
)

ROWS = (
    ("send my money back please", "Refund", "ann", "2026-01-01"),
    ("send my money back please", "refund ", "ann", "2026-01-02"),
    ("send my money back please", "Refund", "ann", "2026-01-01"),
    ("where is my parcel today", "parcel", "bob", "2026-01-04"),
    ("", "parcel", "bob", "2026-01-05"),
    ("I want a refund now", "Refund", "cat", "2026-01-06"),
    ("the parcel is lost again", "parcel", "dan", "2026-01-07"),
    ("nobody rang at my door", "parcel", "eve", "2026-01-08"),
    ("money money money is all", "Refund", "fay", "2026-01-09"),
    ("can you call me about the bill", "Refund", "gus", "2026-01-10"),
    ("it never came to my house", "parcel", "hal", "2026-01-11"),
)


def write(path: Path, rows=ROWS) -> Path:
    lines = ["text,label,customer,day", *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "tickets.csv")


def opened(ref, home):
    verb = datasets.opened(str(ref), home)
    while True:
        try:
            next(verb)
        except StopIteration as end:
            return end.value


# ---- fix and undo ------------------------------------------------------------------------------------------------


def test_fix_makes_a_version_and_leaves_the_file(file, home):
    before = file.read_bytes()
    result = run(curating.fix(str(file), licence="CC-BY-4.0", home=home))
    assert file.read_bytes() == before
    assert (result["version"], result["rows_before"], result["rows"]) == ("tickets@2", 11, 8)
    assert (result["dropped"], result["edited"]) == (3, 1)
    assert {each["code"] for each in result["left"]} == {"D101", "L205", "Q501"}
    assert result["changed"][0] == {
        "row": "tickets.csv:3",
        "code": "L205",
        "field": "label",
        "before": "refund ",
        "after": "Refund",
    }
    made, raw = opened("tickets", home), opened("tickets@1", home)
    assert made.parent == raw.digest == result["parent"]
    assert undo_changes(list(made.records), made.changes) == list(raw.records)
    assert made.sources[0]["licence"] == "CC-BY-4.0"
    assert [step["verb"] for step in made.steps] == ["read", "fix"]


def test_a_dry_run_writes_nothing(file, home):
    result = run(curating.fix(str(file), dry_run=True, home=home))
    assert (result["version"], result["rows"], result["dropped"]) == ("", 8, 3)
    assert not (home / "data").exists()


def test_a_code_that_is_ignored_is_left_with_its_reason(file, home):
    result = run(curating.fix(str(file), ignore={"D101": "copies are meant"}, home=home))
    assert result["by_code"] == {"L205": 1, "Q501": 1}
    assert next(f for f in result["findings"] if f["code"] == "D101")["ignored"] == "copies are meant"


def test_a_code_with_nothing_to_apply_is_an_error(file, home):
    with pytest.raises(UsageError) as refusal:
        run(curating.fix(str(file), ["Q999"], home=home))
    assert refusal.value.code == "F030"
    assert not (home / "data").exists()


def test_rows_of_the_test_file_leave(file, home, tmp_path):
    test = write(tmp_path / "test.csv", ROWS[3:4])
    result = run(curating.fix(str(file), test=str(test), home=home))
    assert result["by_code"]["D105"] == 1


def test_undo_goes_back_and_fix_comes_to_the_same_version(file, home):
    first = run(curating.fix(str(file), home=home))
    back = run(curating.undo("tickets", home=home))
    assert (back["version"], back["undone"], back["rows"]) == ("tickets@1", "tickets@2", 11)
    assert opened("tickets", home).digest == first["parent"]
    again = run(curating.fix("tickets", home=home))
    assert (again["digest"], again["version"]) == (first["digest"], "tickets@2")
    assert run(curating.undo(str(file), home=home))["version"] == "tickets@1"


def test_nothing_to_undo(file, home):
    for ref in (str(file), "nobody"):
        with pytest.raises(MissingError) as refusal:
            run(curating.undo(ref, home=home))
        assert refusal.value.code == "F031"
    run(dividing.split(str(file), home=home))
    with pytest.raises(MissingError, match="as it was read"):
        run(curating.undo("tickets", home=home))


def test_a_fix_that_changes_nothing_makes_no_version(home, tmp_path):
    clean = write(tmp_path / "clean.csv", ROWS[5:])
    result = run(curating.fix(str(clean), home=home))
    assert (result["version"], result["rows"]) == ("clean@1", 6)
    assert journal.numbered(home) == {"clean": [result["digest"]]}


# ---- merge and sample --------------------------------------------------------------------------------------------


def test_merge_keeps_rows_apart_and_sources_together(file, home, tmp_path):
    (tmp_path / "more").mkdir()
    other = write(tmp_path / "more" / "tickets.csv", (*ROWS[:2], ("quite another thing", "parcel", "x", "y")))
    result = run(merging.merge([str(file), str(other)], name="all", licence="MIT", home=home))
    assert (result["version"], result["rows"]) == ("all@1", 14)
    assert (result["duplicates"], result["across"]) == (4, 2)
    merged = opened("all", home)
    assert len({row.place.id for row in merged.records}) == 14
    assert merged.records[-1].place.id == "tickets.csv@2:4"
    assert [each["licence"] for each in merged.sources] == ["MIT", "MIT"]
    assert len({each["sha256"] for each in merged.sources}) == 2
    assert result["of"] == ["tickets@1", "tickets@2"]


def test_merge_refuses_another_content(file, home, tmp_path):
    chats = tmp_path / "chats.jsonl"
    message = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
    chats.write_text("".join(json.dumps(message) + "\n" for _ in range(3)))
    with pytest.raises(UsageError) as refusal:
        run(merging.merge([str(file), str(chats)], home=home))
    assert refusal.value.code == "F032"
    with pytest.raises(UsageError, match="F032"):
        run(viewing.diff(str(file), str(chats), home=home))


def test_a_sample_has_a_name_of_its_own(file, home):
    result = run(curating.sample(str(file), 4, seed=3, home=home))
    assert (result["version"], result["rows"]) == ("tickets-sample@1", 4)
    assert opened("tickets", home).digest == result["parent"]
    assert run(curating.sample("tickets", 4, seed=3, home=home))["digest"] == result["digest"]
    for count in (0, 12):
        with pytest.raises(UsageError, match="F033"):
            run(curating.sample("tickets", count, home=home))


# ---- split and export --------------------------------------------------------------------------------------------


def test_split_keeps_groups_together_and_export_writes_the_sides(file, home, tmp_path):
    result = run(dividing.split(str(file), group="customer", home=home))
    assert sum(result["sides"].values()) == 11
    assert run(dividing.split("tickets", home=home))["rows"] == 11
    data = opened("tickets", home)
    sides: dict[str, set[str]] = {}
    for row, side in zip(data.records, dividing.sides(data, home), strict=True):
        sides.setdefault(row.fields["group"], set()).add(side)
    assert all(len(each) == 1 for each in sides.values())
    out = run(exporting.export("tickets", str(tmp_path / "out"), by_side=True, home=home))
    assert [Path(each["file"]).name for each in out["files"]] == [
        "train.jsonl",
        "validation.jsonl",
        "test.jsonl",
    ]
    rows = [json.loads(line) for each in out["files"] for line in Path(each["file"]).read_text().splitlines()]
    assert sorted(row["text"] for row in rows) == sorted(row[0] for row in ROWS)
    assert {row["group"] for row in rows} == {row[2] for row in ROWS}
    with pytest.raises(UsageError, match="F039"):
        run(exporting.export("tickets", str(tmp_path / "out"), by_side=True, home=home))


def test_the_same_split_is_found_again_and_shares_must_be_shares(file, home):
    first = run(dividing.split(str(file), home=home))
    assert run(dividing.split("tickets", home=home))["split"] == first["split"]
    with pytest.raises(UsageError, match="C123"):
        run(dividing.split("tickets", validation=1.5, home=home))


def test_a_newer_version_keeps_the_sides_of_its_rows(file, home):
    run(dividing.split(str(file), home=home))
    old = opened("tickets", home)
    before = dict(zip((row.place.id for row in old.records), dividing.sides(old, home), strict=True))
    run(curating.fix("tickets", home=home))
    run(dividing.split("tickets", home=home))
    new = opened("tickets", home)
    assert new.digest != old.digest
    assert all(
        side == before[row.place.id] for row, side in zip(new.records, dividing.sides(new, home), strict=True)
    )


def test_split_by_time(file, home):
    result = run(dividing.split(str(file), by_time="day", home=home))
    data = opened("tickets", home)
    times: dict[str, list[str]] = {}
    for row, side in zip(data.records, dividing.sides(data, home), strict=True):
        times.setdefault(side, []).append(row.fields["time"])
    assert max(times["train"]) < min(times["validation"]) <= max(times["validation"]) < min(times["test"])
    assert result["sides"]["test"] == 2


def test_columns_that_a_version_lacks(file, home):
    run(dividing.split(str(file), home=home))
    for group, by_time in (("customer", ""), ("", "day")):
        with pytest.raises(UsageError) as refusal:
            run(dividing.split("tickets", home=home, group=group, by_time=by_time))
        assert refusal.value.code == "F034"


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.parquet", "out.jsonl.gz"])
def test_what_is_exported_is_read_as_the_same_rows(file, home, tmp_path, name):
    run(curating.fix(str(file), home=home))
    run(exporting.export("tickets", str(tmp_path / name), home=home))
    back = opened(tmp_path / name, home)
    assert [dict(row.fields) for row in back.records] == [
        dict(row.fields) for row in opened("tickets", home).records
    ]


def test_export_refuses_what_it_cannot_do(file, home, tmp_path):
    for out, form, code in (
        (tmp_path / "a.xlsx", "", "F038"),
        (tmp_path / "folder", "", "F037"),
        (tmp_path / "a.jsonl", "messages", "M206"),
        (file, "", "F039"),
    ):
        with pytest.raises((UsageError, DataError)) as refusal:
            run(exporting.export(str(file), str(out), home=home, form=form))
        assert refusal.value.code == code
    assert sorted(path.name for path in tmp_path.iterdir() if path != home) == ["tickets.csv"]


# ---- looking -----------------------------------------------------------------------------------------------------


def test_show_filters_by_field_and_by_side(file, home):
    run(dividing.split(str(file), home=home))
    result = run(viewing.show("tickets", rows=2, where=["label=parcel"], home=home))
    assert (result["matching"], len(result["shown"]), result["version"]) == (5, 2, "tickets@1")
    assert all(each["fields"]["label"] == "parcel" for each in result["shown"])
    tested = run(viewing.show("tickets", where=["split=test"], home=home))
    assert {each["side"] for each in tested["shown"]} == {"test"}
    with pytest.raises(UsageError, match="F034"):
        run(viewing.show("tickets", where=["queue=x"], home=home))


def test_stats_know_the_sides(file, home):
    run(dividing.split(str(file), home=home))
    result = run(viewing.stats("tickets", home=home))
    assert sum(side["rows"] for side in result["sides"].values()) == 11
    assert result["duplicates"]["exact"] == 2


def test_diff_tells_what_fix_did(file, home):
    run(curating.fix(str(file), ignore={"D101": "meant"}, home=home))
    result = run(viewing.diff("tickets@1", "tickets@2", home=home))
    assert (result["same"], result["counts"]) == (9, {"came": 0, "went": 1, "changed": 1})
    assert result["changed"][0]["fields"] == {"label": ["refund ", "Refund"]}
    assert result["labels"] == {"Refund": [5, 6], "parcel": [5, 4], "refund ": [1, 0]}


def test_ls_and_lineage_tell_how_versions_came_to_be(file, home):
    assert viewing.ls(home=home) == []
    run(curating.fix(str(file), licence="MIT", home=home))
    run(curating.sample("tickets", 3, home=home))
    listed = {each["version"]: each for each in viewing.ls(home=home)}
    assert list(listed) == ["tickets@1", "tickets@2", "tickets-sample@1"]
    assert listed["tickets@2"]["parent"] == "tickets@1"
    assert listed["tickets@2"]["licences"] == ["MIT"]
    assert [each["current"] for each in listed.values()] == [False, True, True]
    tree = run(ancestry.lineage("tickets-sample", home=home))
    assert (tree["step"]["verb"], tree["parents"][0]["version"]) == ("sample", "tickets@2")
    assert tree["parents"][0]["parents"][0]["step"]["verb"] == "read"
    assert tree["sources"][0]["sha256"]
    heirs = run(ancestry.lineage(str(file), home=home))["children"]
    assert [each["version"] for each in heirs] == ["tickets-sample@1"]
    with pytest.raises(MissingError, match="F013"):
        run(ancestry.lineage("nobody", home=home))


def test_a_licence_that_comes_later_is_kept(file, home):
    run(dividing.split(str(file), home=home))
    run(dividing.split("tickets", licence="Apache-2.0", home=home))
    assert opened("tickets", home).sources[0]["licence"] == "Apache-2.0"
    fixed = run(curating.fix("tickets", home=home))
    run(dividing.split("tickets@1", licence="MIT", home=home))
    assert opened("tickets@1", home).sources[0]["licence"] == "MIT"
    assert opened("tickets", home).digest == fixed["digest"]
    with pytest.raises(UsageError, match="C123"):
        run(dividing.split("tickets", licence="all: mine\n", home=home))
    run(curating.fix(str(file), home=home))
    assert opened("tickets@1", home).sources[0]["licence"] == "MIT"


def test_the_card_is_the_hubs(file, home, tmp_path):
    from tunesmith import doors

    run(curating.fix(str(file), licence="CC-BY-4.0", home=home))
    run(dividing.split("tickets", home=home))
    out = tmp_path / "README.md"
    text = run(carding.card("tickets", language=["en"], out=str(out), home=home))["card"]
    assert out.read_text("utf-8") == text
    front = doors.open("yaml").safe_load(text.split("---")[1]) if doors.has("yaml") else None
    if front is not None:
        assert front["license"] == "cc-by-4.0"
        assert front["language"] == ["en"]
        assert front["task_categories"] == ["text-classification"]
        assert front["size_categories"] == ["n<1K"]
        assert [each["split"] for each in front["configs"][0]["data_files"]] == [
            "train",
            "validation",
            "test",
        ]
    for word in (
        "## Sources",
        "CC-BY-4.0",
        "## Fields",
        "### Splits",
        "## How it was made",
        "L205",
        "## Personal data",
    ):
        assert word in text
    with pytest.raises(UsageError, match="F039"):
        run(carding.card("tickets", out=str(out), home=home))


def test_verbs_give_events_and_one_result(file, home):
    events = list(curating.fix(str(file), home=home))
    assert all(isinstance(event, Event) for event in events)
    kinds = [type(event).__name__ for event in events]
    assert kinds.count("Finished") == 1 and kinds[-1] == "Finished"
    assert kinds.count("Saved") == 2


# ---- the same everywhere -----------------------------------------------------------------------------------------

LIFE = """
import sys
from tunesmith.lifecycle import curating, dividing, run
home, file = sys.argv[1:]
fixed = run(curating.fix(file, home=home))
divided = run(dividing.split("tickets", home=home))
print(fixed["digest"], divided["split"], run(curating.sample("tickets", 5, seed=1, home=home))["digest"])
"""


def test_the_same_steps_give_the_same_hashes_elsewhere(file, tmp_path):
    said = set()
    for number, (seed, threads) in enumerate((("0", "1"), ("17", "2"), ("random", "4"))):
        folder = tmp_path / f"machine{number}"
        folder.mkdir()
        copied = folder / "tickets.csv"
        copied.write_bytes(file.read_bytes())
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "OMP_NUM_THREADS": threads,
            "RAYON_NUM_THREADS": threads,
        }
        command = [sys.executable, "-c", LIFE, str(folder / "home"), str(copied)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=120, check=True
        )
        said.add(done.stdout)
    assert len(said) == 1
    assert [len(word) for word in said.pop().split()] == [64, 64, 64]


def test_names_of_readings_are_as_a_version_says(file, home):
    run(curating.fix(str(file), home=home))
    made = version.load(home, opened("tickets", home).digest)
    assert {row.place.source for row in made.records} == {"tickets.csv"}
    assert source.title(str(file)) == "tickets"
