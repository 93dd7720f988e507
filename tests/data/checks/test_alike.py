from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.data.checks._alike import Among, alike, distance, few_edits, jaccard

TEXTS = st.text(alphabet="abcé", max_size=14)


def plain(first: str, second: str) -> int:
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


@settings(max_examples=400, deadline=None)
@given(TEXTS, TEXTS)
def test_as_the_textbook_says(first, second):
    assert distance(first, second) == plain(first, second)


def test_known_pairs():
    assert distance("kitten", "sitting") == 3
    assert distance("", "abc") == 3
    assert distance("x" * 100, "x" * 99 + "y") == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("reverted top up", "reverted top dp", True),
        ("yes pleas e", "yes please", True),
        ("no thank you", "no thank you.", True),
        ("my card is lost here", "my card s lost here", True),  # 20 and 19 characters
        ("yes", "yet", False),
        ("indoor", "indoors", False),
        ("plan a please", "plan b please", False),
        ("invoice no 37", "invoice no 38", False),
        ("at 11:30 am", "at 11:30 pm", False),
        ("book it for 7 a.m. and no later", "book it for 7 p.m. and no later", False),
        ("cancel my order", "cancl my ordr", False),  # two edits of 15 characters
        ("x" * 78 + "y", "x" * 79, True),
        ("x" * 79 + "y", "x" * 80, False),
    ],
)
def test_few_edits(one, other, same):
    assert few_edits(one, other, 0.1) is same
    assert few_edits(other, one, 0.1) is same


def test_a_stricter_threshold_leaves_no_edit_to_short_texts():
    one, other = "i prefer mastercard.", "i prefer mastecard."
    assert alike(one, other, 0.7)
    assert not alike(one, other, 0.9)
    assert jaccard("abc", "abc") == 1
    assert jaccard("abc", "abd") == 0


def test_among_finds_what_comparing_with_each_finds():
    seed = 3
    rng = random.Random(seed)
    texts = ["".join(rng.choices("ab ", k=rng.randint(0, 30))) for _ in range(300)]
    for text in texts[200:]:
        expected = any(alike(text, each) for each in texts[:200])
        assert Among(texts[:200]).has_twin(text) == expected, f"seed {seed}"
    assert not Among([]).has_twin("a")
