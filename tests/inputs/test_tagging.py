"""Tags: every dialect becomes IOB2, and tags become spans and come back."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.inputs import tagging


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("B-a I-a O B-b", "B-a I-a O B-b"),
        ("I-a I-a O I-b I-c", "B-a I-a O B-b B-c"),  # IOB1
        ("B-a L-a O U-b B-c I-c L-c", "B-a I-a O B-b B-c I-c I-c"),  # BILOU
        ("B-a E-a O S-b B-c M-c E-c", "B-a I-a O B-b B-c I-c I-c"),  # BIOES, BMES
        ("a a O b", "B-a I-a O B-b"),  # bare kinds
        ("O O", "O O"),
        ("B_a I_a O", "B-a I-a O"),
        ("B-a I-b", "B-a I-b"),  # wrong, and a check says so
        ("O I-b B-a", "O I-b B-a"),
        ("", ""),
    ],
)
def test_dialects_become_iob2(written: str, wanted: str) -> None:
    assert tagging.iob2(written.split()) == wanted.split()


def test_an_empty_tag_is_outside() -> None:
    assert tagging.iob2(["B-a", "", "O"]) == ["B-a", "O", "O"]
    assert tagging.iob2(["", "I-a"]) == ["O", "B-a"]


KINDS = st.sampled_from(["O", "B-a", "I-a", "B-b"])
SENTENCES = st.lists(st.tuples(st.text("abcäß", min_size=1, max_size=5), KINDS), min_size=1, max_size=12)


@given(SENTENCES)
def test_iob2_stays_as_it_is(pairs: list[tuple[str, str]]) -> None:
    once = tagging.iob2([tag for _, tag in pairs])
    assert tagging.iob2(once) == once


@given(SENTENCES)
def test_tags_become_spans_and_come_back(pairs: list[tuple[str, str]]) -> None:
    tokens = [token for token, _ in pairs]
    tags = _right(tagging.iob2([tag for _, tag in pairs]))
    text, spans = tagging.to_spans(tokens, tags)
    assert text == " ".join(tokens)
    assert len(spans) == sum(tag.startswith("B-") for tag in tags)
    assert tagging.to_tags(text, spans) == (tokens, tags)


def _right(tags: list[str]) -> list[str]:
    """The tags with a B- wherever an I- would go on with nothing."""
    before, mended = "O", []
    for tag in tags:
        mended.append("B-" + tag[2:] if tag.startswith("I-") and before[2:] != tag[2:] else tag)
        before = mended[-1]
    return mended


def test_spans_cut_words_and_the_first_of_those_that_overlap_counts() -> None:
    text = "Ada Lovelace's London"
    spans = [
        {"start": 0, "end": 12, "label": "person"},
        {"start": 4, "end": 12, "label": "name"},
        {"start": 15, "end": 18, "label": "half"},
    ]
    tokens, tags = tagging.to_tags(text, spans)
    assert tokens == ["Ada", "Lovelace", "'", "s", "Lon", "don"]
    assert tags == ["B-person", "I-person", "O", "O", "B-half", "O"]


def test_any_spans_give_as_many_tags_as_words() -> None:
    rng = random.Random(7)
    for _ in range(300):
        text = "".join(rng.choices("ab .,é\n", k=rng.randint(0, 30)))
        cuts = [sorted(rng.choices(range(len(text) + 1), k=2)) for _ in range(rng.randint(0, 4))]
        spans = [{"start": start, "end": end, "label": "x"} for start, end in cuts]
        tokens, tags = tagging.to_tags(text, spans)
        assert len(tokens) == len(tags)
        assert "".join(tokens) == "".join(text.split())
