"""Pseudonyms: one for equal values, none that tells the value, every text put back exactly, spans in their place."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.data.pseudonyms import (
    PSEUDONYM,
    Pseudonyms,
    canonical,
    edited,
    hidden,
    moved,
    rewritten,
    shown,
)
from tunesmith.inputs.personal import GROUPS, NAMES, find

KEY = bytes(range(32))


def test_equal_values_share_one_and_different_ones_do_not():
    for names in (Pseudonyms(), Pseudonyms(KEY)):
        assert names.of("email", "jo@x.org") == names.of("email", "jo@x.org")
        assert names.of("email", "jo@x.org") != names.of("email", "al@x.org")
        assert names.of("email", "5550143") != names.of("phone", "5550143")


def test_spellings_of_a_value_differ_by_a_suffix_only():
    for names in (Pseudonyms(), Pseudonyms(KEY)):
        first, second = names.of("card", "4111111111111111"), names.of("card", "4111 1111 1111 1111")
        assert first != second
        assert second.startswith(first[:-1])
        assert names.values == {first: "4111111111111111", second: "4111 1111 1111 1111"}


def test_with_a_key_order_does_not_matter_and_without_the_key_nobody_can_compute_it():
    values = [f"user{number}@x.org" for number in range(50)]
    forward, backward = Pseudonyms(KEY), Pseudonyms(KEY)
    one = {value: forward.of("email", value) for value in values}
    two = {value: backward.of("email", value) for value in reversed(values)}
    assert one == two
    assert one[values[0]] == "[EMAIL_" + Pseudonyms(KEY).of("email", values[0])[7:]
    assert Pseudonyms(KEY[::-1]).of("email", values[0]) != one[values[0]]


def test_without_a_key_they_count_and_leave_out_numbers_that_stand_there():
    names = Pseudonyms()
    names.avoid("as [EMAIL_7] said, and [PHONE_2]")
    assert [names.of("email", "a@x.org"), names.of("phone", "1"), names.of("ip", "1.2.3.40")] == [
        "[EMAIL_8]",
        "[PHONE_3]",
        "[IP_1]",
    ]


def test_every_group_makes_pseudonyms_that_are_known_again_and_not_found_as_values():
    for names in (Pseudonyms(), Pseudonyms(KEY)):
        for group in (*GROUPS, *NAMES):
            made = [names.of(group, "Value 1"), names.of(group, "VALUE  1")]
            assert all(PSEUDONYM.fullmatch(each) for each in made), made
            assert find(f"call {made[0]} or born {made[1]}") == []


def test_secrets_keep_their_case():
    assert canonical("secret", "aB1") == "aB1"
    assert canonical("email", "Jo@X.org") == "jo@x.org"
    assert canonical("phone", "+44 (20) 1") == "+44201"


VALUES = st.sampled_from(["jo@x.org", "Jo@X.org", "4111 1111 1111 1111", "84.120.33.7", "+44 20 7946 0123"])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_characters="[]"), max_size=12) | VALUES, max_size=8), st.booleans()
)
def test_what_was_hidden_is_put_back_exactly(pieces, keyed):
    text = " ".join(pieces)
    names = Pseudonyms(KEY if keyed else b"")
    new = edited(text, hidden(text, find(text), names))
    assert edited(new, shown(new, names.values)) == text


def test_spans_move_with_the_text():
    text = "Ann wrote to jo@x.org from Rome"
    spans = [
        {"start": 0, "end": 3, "label": "person"},
        {"start": 13, "end": 21, "label": "mail"},
        {"start": 16, "end": 18, "label": "part"},
        {"start": 27, "end": 31, "label": "city"},
    ]
    names = Pseudonyms()
    row = {"text": text, "spans": spans}
    new = rewritten(row, lambda each: hidden(each, find(each), names))
    at = {span["label"]: new["text"][span["start"] : span["end"]] for span in new["spans"]}
    assert at == {"person": "Ann", "mail": "[EMAIL_1]", "part": "[EMAIL_1]", "city": "Rome"}
    back = rewritten(new, lambda each: shown(each, names.values))
    assert back["text"] == text
    assert [span for span in back["spans"] if span["label"] != "part"] == [spans[0], spans[1], spans[3]]
    assert list(new) == ["text", "spans"]


def test_positions_around_an_edit():
    edits = [(5, 10, "ab"), (20, 22, "longer")]
    assert [moved(p, edits, end=False) for p in (0, 5, 7, 10, 20, 21, 22)] == [0, 5, 5, 7, 17, 17, 23]
    assert [moved(p, edits, end=True) for p in (5, 7, 10, 21, 22)] == [5, 7, 7, 23, 23]


def test_every_text_of_a_row_is_reached_and_its_shape_stays():
    names = Pseudonyms()
    call = {"function": {"name": "send", "arguments": '{"to": "jo@x.org", "phone": 4111111111111111}'}}
    row = {
        "messages": [{"role": "user", "content": "I am jo@x.org", "weight": 1, "tool_calls": [call]}],
        "group": "jo@x.org",
    }
    new = rewritten(row, lambda each: hidden(each, find(each), names))
    arguments = json.loads(new["messages"][0]["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"to": "[EMAIL_1]", "phone": "[CARD_1]"}
    assert new["messages"][0]["weight"] == 1
    assert new["group"] == "[EMAIL_1]"
    assert row["group"] == "jo@x.org"
