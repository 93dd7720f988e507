from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.rows import records
from tunesmith.data import stored
from tunesmith.data.checking import check
from tunesmith.data.cleaning import clean, undo
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.version import (
    finding_from_json,
    latest,
    load,
    make_version,
    place_from_text,
    save,
)
from tunesmith.errors import IntegrityError, MissingError
from tunesmith.fields import Broken
from tunesmith.findings import Finding, Fix, Place
from tunesmith.store import files

SCHEMA = {"content": "labelled", "fields": ("text", "label")}


def rows():
    return records(
        ("lost card", "card"), ("lost card", "card"), ("where is it", "Parcel"), ("\ud800 x", "Parcel")
    )


def full():
    made = clean(rows(), check(rows(), Labelled()))
    broken = [Broken(Place("/some/folder/data.csv", 9, 120), "3 columns", "quote it", "a,b,c")]
    about = {"findings": made.findings, "changes": made.changes, "broken": broken}
    return make_version(made.records, **SCHEMA, **about, parent="ab" * 32, sources=[{"name": "data.csv"}])


def test_a_version_comes_back_as_it_was_saved(tmp_path):
    version = full()
    folder = save(version, tmp_path)
    assert folder == tmp_path / "data" / version.digest[:2] / version.digest
    back = load(tmp_path, version.digest)
    assert back.records == version.records
    assert [row.place for row in back.records] == [row.place for row in version.records]
    assert (back.content, back.fields, back.parent, back.sources) == (
        version.content,
        version.fields,
        version.parent,
        version.sources,
    )
    assert back.broken == version.broken
    assert [finding.to_json() for finding in back.findings] == [
        finding.to_json() for finding in version.findings
    ]
    assert undo(back.records, back.changes) == rows()


def test_quarantine_lines_say_place_reason_and_fix(tmp_path):
    folder = save(full(), tmp_path)
    line = json.loads((folder / "quarantine.jsonl").read_text())
    assert line["text"] == "data.csv:9 (byte 120) — 3 columns — quote it"


def test_the_digest_depends_on_rows_order_and_schema_only():
    base = make_version(rows(), **SCHEMA).digest
    moved = records(*(tuple(row.fields.values()) for row in rows()), source="/elsewhere/other.csv", first=50)
    assert make_version(moved, **SCHEMA, parent="cd", sources=[{"name": "x"}]).digest == base
    assert make_version(rows()[::-1], **SCHEMA).digest != base
    assert make_version(rows()[:-1], **SCHEMA).digest != base
    assert make_version(rows(), content="other", fields=("text", "label")).digest != base
    assert make_version(rows(), content="labelled", fields=("text",)).digest != base


def test_the_digest_is_the_same_in_another_process():
    code = (
        "from tunesmith.data.version import make_version; from tunesmith.fields import Record;"
        "r = [Record({'label': 'card', 'text': 'lost'}), Record({'text': 'ü', 'label': 'b'})];"
        "print(make_version(r, content='t', fields=('text', 'label')).digest)"
    )
    env = {**os.environ, "PYTHONHASHSEED": "123"}
    other = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    here = make_version(records(("lost", "card"), ("ü", "b")), content="t", fields=("text", "label")).digest
    assert other.stdout.strip() == here


def test_no_folder_name_is_stored(tmp_path):
    version = make_version(records(("a", "b"), source="/home/someone/data.csv"), **SCHEMA)
    folder = save(version, tmp_path)
    assert not [path for path in folder.iterdir() if b"someone" in path.read_bytes()]


def test_saving_twice_changes_nothing(tmp_path):
    folder = save(full(), tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert save(full(), tmp_path) == folder
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize(
    "name", ["rows.jsonl", "version.json", "changes.jsonl", "quarantine.jsonl", "findings.json"]
)
def test_an_altered_file_is_named(tmp_path, name):
    version = full()
    path = save(version, tmp_path) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError) as refusal:
        load(tmp_path, version.digest)
    assert refusal.value.code == "I302"
    assert name in refusal.value.found


def test_rows_altered_and_sealed_again_are_refused(tmp_path):
    version = full()
    folder = save(version, tmp_path)
    path = folder / "rows.jsonl"
    path.write_bytes(path.read_bytes().replace(b"lost card", b"last card"))
    files.seal(folder)
    with pytest.raises(IntegrityError, match="I302"):
        load(tmp_path, version.digest)


@pytest.mark.parametrize("digest", ["", "0" * 64, "../../etc", "abc"])
def test_no_such_version(tmp_path, digest):
    with pytest.raises(MissingError) as refusal:
        load(tmp_path, digest)
    assert refusal.value.code == "F013"


def test_the_newest_version_of_a_name(tmp_path):
    assert latest(tmp_path, "tickets") == ""
    first, second = make_version(rows()[:2], **SCHEMA), make_version(rows(), **SCHEMA)
    save(first, tmp_path, "tickets")
    save(second, tmp_path, "tickets")
    save(first, tmp_path, "others")
    assert latest(tmp_path, "tickets") == second.digest
    assert latest(tmp_path, "others") == first.digest


values = st.one_of(st.text(), st.none(), st.integers(), st.floats(), st.booleans())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(values, values), max_size=8))
def test_any_row_comes_back(tmp_path_factory, pairs):
    home = tmp_path_factory.mktemp("home")
    version = make_version(records(*pairs), **SCHEMA)
    save(version, home)
    assert [row.key for row in load(home, version.digest).records] == [row.key for row in version.records]


@pytest.mark.parametrize(
    "place", [Place("a.csv", 3, 17), Place("a.csv", 3, 0), Place("a:b.csv", 12), Place("", 0)]
)
def test_places_come_back_from_text(place):
    assert place_from_text(str(place)) == place


def test_findings_come_back_from_json():
    finding = Finding("D101", "warning", "m", 2, (Place("a.csv", 3),), {"x": 1.5}, Fix("c", "e", True), True)
    assert finding_from_json(finding.to_json()) == finding
    assert finding_from_json(Finding("L208", "error", "m").to_json()).fix is None


def test_a_large_version_is_read_from_disk_row_by_row(tmp_path, monkeypatch):
    folder = save(full(), tmp_path)
    plain = load(tmp_path, full().digest)
    monkeypatch.setattr(stored, "LARGE", 10)
    found = load(tmp_path, full().digest)
    assert isinstance(found.records, stored.StoredRows)
    assert tuple(found.records) == plain.records
    again = make_version(found.records, **SCHEMA)
    assert again.digest == found.digest
    assert save(again, tmp_path) == folder
