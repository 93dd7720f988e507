"""Passages: nothing is lost, none is too long, each begins at the line that it names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tunesmith.inputs.chunks import Passage, chunks

TEXTS = st.text(alphabet="ab. \n", max_size=300)


@given(TEXTS, st.integers(8, 60), st.integers(0, 20))
def test_every_letter_is_in_a_passage_of_the_right_size(text: str, size: int, overlap: int) -> None:
    found = chunks(text, size=size, overlap=overlap)
    assert all(0 < len(each.text) <= size for each in found)
    lines = text.split("\n")
    for each in found:
        assert each.text.split("\n")[0].strip() in lines[each.line - 1]
    bare = "".join(text.split())
    at = 0
    for each in found:  # each passage goes on from somewhere within what came before
        mine = "".join(each.text.split())
        starts = [n for n in range(at + 1) if bare[n : n + len(mine)] == mine]
        assert starts
        at = max(at, max(starts) + len(mine))
    assert at == len(bare)


@given(st.integers(0, 20))
def test_without_overlap_every_letter_is_there_once(count: int) -> None:
    text = "\n\n".join(f"Paragraph {n} says something." for n in range(count))
    found = chunks(text, size=70, overlap=0)
    assert "\n\n".join(each.text for each in found) == text
    assert all(text.split("\n")[each.line - 1] == each.text.split("\n")[0] for each in found)


def test_short_paragraphs_overlap_and_long_ones_are_cut_at_sentences() -> None:
    short = chunks("one\n\ntwo\n\nthree\n\nfour", size=12, overlap=5)
    assert short == [Passage("one\n\ntwo", 1), Passage("two\n\nthree", 3), Passage("three\n\nfour", 5)]
    long = chunks("First one here. Second one here. Third one here.", size=36, overlap=0)
    assert [each.text for each in long] == ["First one here. Second one here.", "Third one here."]


def test_windows_lines_and_empty_texts() -> None:
    assert chunks("a\r\n\r\nb", size=800) == [Passage("a\n\nb", 1)]
    assert chunks(" \n \n") == chunks("") == []
