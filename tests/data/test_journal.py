from __future__ import annotations

from data.rows import records
from tunesmith.data import journal, version
from tunesmith.data.version import make_version, save

SCHEMA = {"content": "labelled", "fields": ("text", "label")}


def made(*texts, **about):
    return make_version(records(*((text, "a") for text in texts)), **SCHEMA, **about)


def test_names_numbers_and_digests_find_a_version(tmp_path):
    first, second = made("one"), made("one", "two")
    save(first, tmp_path, "tickets")
    save(second, tmp_path, "tickets")
    assert journal.numbered(tmp_path) == {"tickets": [first.digest, second.digest]}
    for ref, found in (
        ("tickets", second),
        ("tickets@1", first),
        ("tickets@2", second),
        (first.digest[:6], first),
        (second.digest, second),
    ):
        assert journal.find(tmp_path, ref) == found.digest
    for ref in ("tickets@0", "tickets@3", "tickets@x", "tickets@²", "other", first.digest[:5], "", "../x"):
        assert journal.find(tmp_path, ref) == ""


def test_a_name_may_go_back_and_keeps_its_numbers(tmp_path):
    first, second = made("one"), made("one", "two")
    for each in (first, second, first):
        save(each, tmp_path, "tickets")
    assert journal.latest(tmp_path, "tickets") == first.digest
    assert journal.numbered(tmp_path) == {"tickets": [first.digest, second.digest]}
    assert journal.named(tmp_path, second.digest) == "tickets@2"
    assert journal.named(tmp_path, "f" * 64) == "f" * 12


def test_equal_rows_by_another_way_keep_both_ways(tmp_path):
    one = made("one", steps=[{"verb": "read"}], sources=[{"name": "a.csv"}])
    two = made(
        "one", steps=[{"verb": "fix"}], sources=[{"name": "b.csv", "licence": "MIT"}], parent="ab" * 32
    )
    assert one.digest == two.digest
    save(one, tmp_path, "first")
    save(two, tmp_path, "second")
    for name, wanted in (("", one), ("first", one), ("second", two)):
        back = version.load(tmp_path, one.digest, name)
        assert (back.parent, back.steps, back.sources) == (wanted.parent, wanted.steps, wanted.sources)


def test_an_old_line_without_a_way_is_no_way(tmp_path):
    each = made("one", steps=[{"verb": "read"}])
    save(each, tmp_path)
    journal.note(tmp_path, "tickets", each.digest)
    assert journal.noted(tmp_path, "tickets", each.digest) == {}
    assert version.load(tmp_path, each.digest, "tickets").steps == each.steps
