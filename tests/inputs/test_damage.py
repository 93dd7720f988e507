from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.inputs import damage

TEXTS = st.text(
    st.sampled_from(
        "ab é\u0301\u200b\u200c\u200d\u00ad\u200e\ufeffمک\u0e01\U0001f469\U0001f3f4\U000e0067\x00\x1b[3m\n\t\x7f"
    )
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("my ca\u200brd", "my card"),
        ("soft\u00adware", "software"),
        ("\ufeffstart \ufeffmiddle", "start middle"),
        ("zero\u200cwidth\u200djoiners", "zerowidthjoiners"),
        ("left\u200e\u202a to right\u202c", "left to right"),
        ("hidden\U000e0041\U000e0042", "hidden"),
    ],
)
def test_signs_that_mean_nothing_go(text: str, left: str) -> None:
    assert damage.invisible(text)
    assert damage.seen(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",  # Persian
        "क्\u200dष",  # Hindi
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 at home",  # a family
        "\u2764\ufe0f\u200d\U0001f525",  # a heart on fire
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # the flag of England
        "שלום\u200f!",  # Hebrew with a mark of direction
        "ภาษา\u200bไทย",  # Thai breaks lines there
        "plain",
        "",
    ],
)
def test_signs_that_mean_something_stay(text: str) -> None:
    assert not damage.invisible(text)
    assert damage.seen(text) == text


@given(TEXTS)
def test_what_was_seen_once_is_seen_the_same_twice(text: str) -> None:
    once = damage.seen(text)
    assert len(once) <= len(text)
    assert damage.invisible(text) == (once != text)


@pytest.mark.parametrize(
    ("text", "left"),
    [("a\x00b", "ab"), ("\x1b[31mred\x1b[0m", "red"), ("bell\x07", "bell"), ("del\x7f", "del")],
)
def test_control_characters_go(text: str, left: str) -> None:
    assert damage.controls(text)
    assert damage.uncontrolled(text) == left


@pytest.mark.parametrize("text", ["tab\tand\r\nline", "page\x0cbreak", "next\x85line", "plain", ""])
def test_blanks_and_line_ends_are_no_control_characters(text: str) -> None:
    assert not damage.controls(text)
    assert damage.uncontrolled(text) == text


@given(TEXTS)
def test_no_control_character_is_left(text: str) -> None:
    assert not damage.controls(damage.uncontrolled(text)) or "\x1b" in damage.uncontrolled(text)


@given(st.text())
def test_composed_texts_are_in_form_nfc(text: str) -> None:
    assert unicodedata.is_normalized("NFC", damage.composed(text))
    assert not damage.decomposed(damage.composed(text))


def test_accents_apart_are_found_and_compatibility_ideographs_left_alone() -> None:
    assert damage.decomposed("cafe\u0301")
    assert damage.composed("cafe\u0301") == "café"
    assert not damage.decomposed("\uf9d1 e\u0301")
