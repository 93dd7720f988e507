"""The journal of splits: the same one is found again, a later version follows its parent."""

from __future__ import annotations

from data.rows import records, sentences
from tunesmith.data import splits
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.split import split
from tunesmith.recipe.sections import Split as Rule

ROWS = records(*((text, "ab"[i % 2]) for i, text in enumerate(sentences(60))))


def mark(version, **more):
    return {"name": "tickets", "version": version, "test": "", "rule": Rule().model_dump(), **more}


def ask(home, entry, made, count=60):
    def make(parent):
        made.append(parent.digest if parent else "")
        return split(ROWS[:count], Labelled(), Rule(), parent=parent, version=entry["version"])

    return splits.kept(home, entry, make, follows=lambda known: not known.get("by_time"))


def test_a_split_is_made_once_and_the_next_version_follows_it(tmp_path):
    made = []
    first = ask(tmp_path, mark("v1"), made, 50)
    assert ask(tmp_path, mark("v1"), made, 50).digest == first.digest
    second = ask(tmp_path, mark("v2"), made)
    assert made == ["", first.digest]
    assert second.parent == first.digest
    assert [entry["version"] for entry in splits.journal(tmp_path)] == ["v1", "v2"]
    assert ask(tmp_path, {**mark("v2"), "name": "other"}, made).parent == ""


def test_the_split_that_was_asked_for_last_stands_last(tmp_path):
    made = []
    plain = ask(tmp_path, mark("v1", by_time=None), made, 50)
    timed = ask(tmp_path, mark("v1", by_time=True), made)
    assert timed.digest != plain.digest
    assert ask(tmp_path, mark("v1"), made).digest == timed.digest  # whatever divided it
    assert ask(tmp_path, mark("v1", by_time=None), made).digest == plain.digest
    journal = splits.journal(tmp_path)
    assert [entry.get("by_time") for entry in journal] == [None, True, None]
    assert journal[0] == journal[2]
    assert all(value is not None for entry in journal for value in entry.values())
    assert len(made) == 2
