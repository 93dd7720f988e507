from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from data.rows import records
from tunesmith.data.checking import check
from tunesmith.data.cleaning import clean, settled, undo
from tunesmith.data.contents.labelled import Labelled
from tunesmith.fields import Record, row_key
from tunesmith.findings import Finding, Fix, Place

CONTENT = Labelled()


def dirty():
    return records(
        ("send my money back", "Refund"),
        ("send my money back", "refund "),
        ("send my money back", "Refund"),
        ("where is my parcel", "parcel"),
        ("", "parcel"),
        ("never came", None),
        ("I want a refund", "Refund"),
        ("the parcel is lost", "parcel"),
    )


def cleaned(rows, keep=()):
    return clean(rows, check(rows, CONTENT), keep)


def test_safe_fixes_are_applied_and_listed():
    made = cleaned(dirty())
    assert [row.place.line for row in made.records] == [2, 5, 8, 9]
    assert {row.fields["label"] for row in made.records} == {"Refund", "parcel"}
    assert all(row.key == row_key(row.fields) for row in made.records)
    listed = [(change["row"], change["action"], change["code"]) for change in made.changes]
    assert listed == [
        ("data.csv:3", "edit", "L205"),
        ("data.csv:3", "drop", "L205"),
        ("data.csv:4", "drop", "D101"),
        ("data.csv:6", "drop", "Q501"),
        ("data.csv:7", "drop", "L201"),
    ]
    fixed = {finding.code for finding in made.findings if finding.fixed}
    assert fixed == {"D101", "L201", "L205", "Q501"}
    assert len(made.findings) == len(check(dirty(), CONTENT))


def test_kept_codes_are_not_applied():
    made = cleaned(dirty(), keep=("D101", "L205", "L201", "Q501"))
    assert made.records == dirty()
    assert made.changes == []
    assert not any(finding.fixed for finding in made.findings)
    assert [change["code"] for change in cleaned(dirty(), keep=("D101", "L201", "Q501")).changes] == ["L205"]


def test_changes_survive_json():
    made = cleaned(dirty())
    assert undo(made.records, json.loads(json.dumps(made.changes))) == dirty()


def test_nothing_to_do():
    assert clean([], []).records == []
    assert undo([], []) == []


texts = st.sampled_from(["", " ", "alpha", "Alpha", "beta", "gamma ray", None, "ok"])
labels = st.sampled_from(["Refund", "refund ", "REFUND.", "a", "A", " ", None, "two words", "two_words"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(texts, labels), max_size=25),
    st.sets(st.sampled_from(["D101", "L205", "L201", "Q501"])),
)
def test_cleaning_can_be_undone_and_is_done_once(rows, keep):
    before = records(*rows)
    made = cleaned(before, tuple(keep))
    back = undo(made.records, made.changes)
    assert back == before
    assert [row.key for row in back] == [row.key for row in before]
    assert [row.place for row in back] == [row.place for row in before]
    lines = [row.place.line for row in made.records]
    assert lines == sorted(lines)
    again = check(made.records, CONTENT)
    assert not [found for found in again if found.fix and found.fix.safe and found.code not in keep]


def finding(code, *edits, drops=(), safe=True):
    return Finding(code, "warning", code, 1, fix=Fix("x", "y", safe, tuple(drops), tuple(edits)))


def chats():
    made = []
    for line, said in enumerate(("one ", "two", "one"), 1):
        fields = {"messages": [{"role": "user", "content": said}, {"role": "assistant", "content": "yes"}]}
        made.append(Record(fields, Place("c.jsonl", line), row_key(fields)))
    return made


def test_a_value_deep_in_a_row_is_edited_and_rows_made_equal_leave():
    made = clean(chats(), [finding("F900", ("c.jsonl:1", "messages/0/content", "one"))])
    assert [row.place.line for row in made.records] == [1, 2]
    assert made.records[0].fields["messages"][0] == {"role": "user", "content": "one"}
    assert [change["action"] for change in made.changes] == ["edit", "drop"]
    assert undo(made.records, json.loads(json.dumps(made.changes))) == chats()


def test_a_value_that_an_edit_added_is_taken_away_again():
    made = clean(
        chats(), [finding("F900", ("c.jsonl:2", "messages/1/weight", 0), ("c.jsonl:2", "note", "x"))]
    )
    assert made.records[1].fields["messages"][1]["weight"] == 0
    assert undo(made.records, made.changes) == chats()
    assert list(undo(made.records, made.changes)[1].fields["messages"][1]) == ["role", "content"]


def test_a_fix_waits_where_another_changed_its_value():
    rows = records((" A\u200b ", "x"), ("b", "x"))

    def judge(found):
        texts = [(row.place.id, row.fields["text"]) for row in found]
        stripped = [(row, "text", text.strip()) for row, text in texts if text.strip() != text]
        shown = [(row, "text", text.replace("\u200b", "")) for row, text in texts if "\u200b" in text]
        return [finding(code, *edits) for code, edits in (("F901", stripped), ("F902", shown)) if edits]

    once = clean(rows, judge(rows))
    assert (once.records[0].fields["text"], once.waiting) == ("A\u200b", 1)
    made = settled(rows, judge)
    assert made.records[0].fields["text"] == "A"
    assert [change["round"] for change in made.changes] == [0, 1]
    assert [each.fixed for each in made.findings] == [True, True]
    assert undo(made.records, json.loads(json.dumps(made.changes))) == rows


def test_fixes_that_undo_each_other_end():
    rows = records(("a", "x"))

    def judge(found):
        other = "b" if found[0].fields["text"] == "a" else "a"
        return [
            finding("F901", ("data.csv:2", "text", other)),
            finding("F902", ("data.csv:2", "text", other * 2)),
        ]

    made = settled(rows, judge)
    assert len(made.changes) == 8
    assert undo(made.records, made.changes) == rows


paths = st.sampled_from(
    ["messages", "messages/0/content", "messages/1/content", "messages/1/weight", "tools", "x"]
)
one_edit = st.tuples(
    st.sampled_from(["c.jsonl:1", "c.jsonl:2", "c.jsonl:3"]), paths, st.sampled_from(["one", "two", [], 0])
)
some = st.lists(
    st.builds(
        lambda code, edits, drops: finding(code, *edits, drops=drops),
        st.sampled_from(["F901", "F902", "D101"]),
        st.lists(one_edit, max_size=4),
        st.lists(st.sampled_from(["c.jsonl:1", "c.jsonl:2", "c.jsonl:3"]), max_size=2),
    ),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(some, some)
def test_whatever_was_changed_can_be_undone_exactly(first, second):
    rounds = iter([first, second])

    def judge(found):
        ids = {row.place.id for row in found}
        return [
            finding(
                each.code,
                *(edit for edit in each.fix.edits if edit[0] in ids and _leads_somewhere(found, edit)),
                drops=[row for row in each.fix.drops if row in ids],
            )
            for each in next(rounds, [])
        ]

    made = settled(chats(), judge)
    back = undo(made.records, json.loads(json.dumps(made.changes)))
    assert back == chats()
    assert [row.place for row in back] == [row.place for row in chats()]


def _leads_somewhere(rows, edit):
    messages = next(row for row in rows if row.place.id == edit[0]).fields["messages"]
    return not edit[1].startswith("messages/") or (isinstance(messages, list) and len(messages) == 2)
