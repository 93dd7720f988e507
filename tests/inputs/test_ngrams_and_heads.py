"""N-grams and heads: what is saved comes back to the last bit, and each row stands for itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.inputs import heads
from tunesmith.inputs.ngrams import Ngrams

TEXTS = ["the cat purrs", "a dog barks loudly", "the cat sleeps", "dogs and cats", "🙂 ¿qué? ü"]


def test_saved_ngrams_give_the_same_rows(tmp_path: Path) -> None:
    grams = Ngrams({"word": 2, "char_wb": 4})
    rows = grams.fit(TEXTS)
    grams.save(tmp_path)
    again = Ngrams.load(tmp_path).transform(TEXTS)
    assert rows.dtype == again.dtype == np.float32
    assert (rows != again).nnz == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_a_row_depends_on_its_own_text_alone(texts: list[str]) -> None:
    grams = Ngrams({"word": 1, "char_wb": 3})
    grams.fit(TEXTS)
    together = grams.transform(texts)
    for number, text in enumerate(texts):
        assert (grams.transform([text]) != together[number]).nnz == 0


def test_texts_without_words_fall_back_on_characters_and_nothing_at_all_is_an_error() -> None:
    assert Ngrams({"word": 2, "char_wb": 3}).fit(["?!?", "!!??"]).shape[0] == 2
    with pytest.raises(ValueError, match="no text"):
        Ngrams({"word": 2, "char_wb": 3}).fit(["", "  "])


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_a_head_learns_saves_and_comes_back(classes: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, 300)
    rows = (rng.normal(size=(300, 8)) + 3 * np.eye(8)[labels]).astype(np.float32)
    for fit in (
        lambda: heads.fit_margins(rows, labels, classes + 1, strength=1.0, balanced=True, seed=0),
        lambda: heads.fit_logistic(rows, labels, classes + 1, strength=1.0, balanced=False),
    ):
        head = fit()
        logits = head.logits(rows)
        assert logits.shape == (300, classes + 1)
        assert (logits.argmax(axis=1) == labels).mean() > 0.9
        assert (logits[:, classes] < logits.max(axis=1) - 3).all(), "a class without rows is unlikely"
        head.save(tmp_path)
        assert (heads.Head.load(tmp_path).logits(rows) == logits).all()


def test_one_class_only_gives_a_constant() -> None:
    head = heads.fit_logistic(np.ones((4, 2), np.float32), [1, 1, 1, 1], 3, strength=1.0, balanced=False)
    assert head.logits(np.zeros((1, 2), np.float32)).argmax() == 1
