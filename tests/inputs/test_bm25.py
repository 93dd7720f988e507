"""BM25 against the formula written out, its files, and the fusing of orders."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.inputs.bm25 import LENGTH, RISE, Bm25, best, words
from tunesmith.inputs.nearest import Nearest, fused

WORDS = st.lists(st.sampled_from(["apple", "pear", "plum", "fig", "nut"]), max_size=8).map(" ".join)


def by_hand(texts: list[str], question: str) -> list[float]:
    said = [words(text) for text in texts]
    mean = sum(map(len, said)) / len(said)
    found = []
    for mine in said:
        total = 0.0
        for word in set(words(question)):
            held, count = sum(word in each for each in said), mine.count(word)
            rare = math.log(1 + (len(said) - held + 0.5) / (held + 0.5))
            norm = 1 - LENGTH + LENGTH * len(mine) / max(mean, 1e-9)
            total += rare * count * (RISE + 1) / (count + RISE * norm) if count else 0.0
        found.append(total)
    return found


@given(st.lists(WORDS, min_size=1, max_size=7), WORDS)
def test_scores_are_those_of_the_formula(texts: list[str], question: str) -> None:
    assert np.allclose(Bm25.of(texts).scores(question), by_hand(texts, question), atol=1e-5)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), max_size=20), st.integers(1, 25))
def test_best_is_a_stable_sort(scores: list[float], count: int) -> None:
    wanted = [place for place in sorted(range(len(scores)), key=lambda n: -scores[n]) if scores[place] > 0]
    assert best(np.array(scores), count) == wanted[:count]


def test_words_of_many_scripts() -> None:
    assert words("Straße, ÄPFEL 2x") == ["strasse", "äpfel", "2x"]
    assert words("今日はGood") == ["今", "日", "は", "good"]
    assert words("") == []


def test_nothing_in_common_and_nothing_at_all() -> None:
    assert Nearest.of(["one two", "three"]).search("four", 3) == []
    assert Nearest.of([]).search("four", 3) == []


def test_the_index_is_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    made = Nearest.of(["a red fox", "a grey wolf", "red wine", ""])
    made.save(tmp_path)
    again = Nearest.load(tmp_path)
    assert (again.words.scores("red fox") == made.words.scores("red fox")).all()
    assert again.search("red fox", 2) == made.search("red fox", 2) == [0, 2]


def test_meaning_finds_what_shares_no_word() -> None:
    places = {"car": [1.0, 0.0], "automobile": [0.9, 0.1], "banana": [0.0, 1.0]}
    index = Nearest.of(["banana", "automobile"], lambda texts: np.array([places[text] for text in texts]))
    assert index.search("car", 1) == [1]


def test_fusing_prefers_what_both_lists_name() -> None:
    assert fused([[1, 2, 3], [4, 2, 5]])[0] == 2
    assert fused([[3], [1]]) == [1, 3]
