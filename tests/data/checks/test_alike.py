from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.data.checks._alike import distance

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
