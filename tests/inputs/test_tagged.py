"""Tagged text: sentences, broken lines, and what is no tagged text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.fields import Broken
from tunesmith.inputs.streams import Line
from tunesmith.inputs.tagged import Layout, Sentence, layout, sentences


def lines(content: str | bytes) -> list[Line]:
    raw = content.encode() if isinstance(content, str) else content
    return [Line(number, 0, line) for number, line in enumerate(raw.splitlines(keepends=True), start=1)]


def read(content: str | bytes) -> list[tuple[int, list[str], list[str]] | Broken]:
    return [
        row if isinstance(row, Broken) else (row.first.number, row.tokens, row.tags)
        for row in sentences(iter(lines(content)), Layout(), "f")
    ]


def test_sentences_end_at_blank_lines_and_documents() -> None:
    text = "-DOCSTART- -X- O\n\nEU B-ORG\nrejects O\n \t\nPeter B-PER\n-DOCSTART- O\nBlackburn B-PER"
    assert read(text) == [
        (3, ["EU", "rejects"], ["B-ORG", "O"]),
        (6, ["Peter"], ["B-PER"]),
        (8, ["Blackburn"], ["B-PER"]),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"alone", "1 column where the others have 2"),
        (b"a B-X O", "3 columns where the others have 2"),
        (b"a notag", "no tag"),
        (b"caf\xe9 O", "not UTF-8"),
        (b"a\0b O", "NUL"),
    ],
)
def test_a_faulty_line_breaks_its_own_sentence_only(line: bytes, reason: str) -> None:
    (before, broken, after) = read(b"a O\n\nb O\n" + line + b"\nc O\n\nd O\n")
    assert before == (1, ["a"], ["O"])
    assert after == (7, ["d"], ["O"])
    assert isinstance(broken, Broken)
    assert broken.place.line == 4
    assert reason in broken.reason


def test_the_layout_is_found() -> None:
    assert layout(lines("EU NNP B-NP B-ORG\nx NN I-NP O\n"), "utf-8", doubt=True) == Layout(
        "utf-8", 4, False, True
    )
    assert layout(lines("New York\tB-LOC\nis\tO\n"), "utf-8", doubt=True) == Layout("utf-8", 2, True, True)
    assert layout(lines("dog NOUN\nbarks VERB\n"), "utf-8", doubt=False) == Layout("utf-8", 2, False, False)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "one\ntwo\n",
        "the quick\nbrown fox\n",
        "a O\nb O\n",  # no entity: could be anything
        "text,label\nB-A,O\n",
        "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n",
    ],
)
def test_what_is_no_tagged_text_in_doubt(content: str) -> None:
    assert layout(lines(content), "utf-8", doubt=True) is None


def test_comments_before_a_sentence_are_passed_over() -> None:
    assert read("# id = 7\na O\n# O\n") == [(2, ["a", "#"], ["O", "O"])]


TOKENS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=6
)
TABLE = st.lists(
    st.lists(st.tuples(TOKENS, st.sampled_from(["O", "B-X", "I-X"])), min_size=1, max_size=6), max_size=6
)


@given(TABLE)
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read(table: list[list[tuple[str, str]]]) -> None:
    def written() -> Iterator[Line]:
        number = 0
        for sentence in table:
            for token, tag in [*sentence, ("", "")]:
                number += 1
                yield Line(number, 0, f"{token} {tag}".strip().encode() + b"\n")

    found = list(sentences(written(), Layout(), "f"))
    assert [[*zip(row.tokens, row.tags, strict=True)] for row in found if isinstance(row, Sentence)] == table
