"""Which places of a text are hidden, and what stands there instead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tokenizers")

from tunesmith.inputs import masking
from tunesmith.inputs.text import TOKENIZER
from tunesmith.parts import Codec

FILES = {TOKENIZER: masking.byte_tokenizer()}
MASK = masking.mask_id(FILES[TOKENIZER], {})
TEXT = "A spoke is tightened a quarter turn at a time, then the wheel is spun."


def codec(window: int = 32) -> Codec:
    return Codec({"window": window, "mask_id": MASK}, FILES)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.text(max_size=80), st.integers(4, 40))
@settings(max_examples=60, deadline=None)
def test_windows_hold_every_token_once_each_in_the_frame(text: str, size: int) -> None:
    known = masking.vocabulary(FILES[TOKENIZER])
    found = masking.windows(codec(size), text)
    inside = [each.ids[each.words >= 0].tolist() for each in found]
    joined = [each for part in inside for each in part]
    assert joined == known.tokenizer.encode(text, add_special_tokens=False).ids or "[" in text
    assert all(len(each.ids) <= size for each in found)
    assert all((each.ids[0], each.ids[-1]) == (1, 2) for each in found)


@given(st.floats(0.01, 0.95), st.booleans(), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_a_share_of_the_text_is_hidden_and_never_its_frame(share: float, whole: bool, seed: int) -> None:
    (window,) = masking.windows(codec(256), TEXT)
    places = masking.chosen(window, share, whole_words=whole, rng=rng(seed))
    inside = int((window.words >= 0).sum())
    longest = int(np.bincount(window.words[window.words >= 0]).max())
    assert not places[window.words < 0].any()
    assert places.sum() >= 1
    wanted = max(1, round(share * inside))
    assert wanted <= places.sum() < wanted + longest if whole else places.sum() == wanted


def test_whole_words_are_hidden_or_not_at_all() -> None:
    (window,) = masking.windows(codec(256), TEXT)
    places = masking.chosen(window, 0.3, whole_words=True, rng=rng())
    for word in np.unique(window.words[window.words >= 0]):
        assert len(set(places[window.words == word].tolist())) == 1


def test_of_hidden_places_eight_tenths_hold_the_mask_one_another_word_one_their_own() -> None:
    (window,) = masking.windows(codec(30_000), TEXT * 400)
    places = window.words >= 0
    seen = masking.disguised(window, places, codec(), rng())
    as_mask, own = seen[places] == MASK, seen[places] == window.ids[places]
    assert as_mask.mean() == pytest.approx(0.8, abs=0.01)
    assert own.mean() == pytest.approx(0.1, abs=0.01)
    ordinary = masking.vocabulary(FILES[TOKENIZER]).ordinary
    assert np.isin(seen[places & (seen != MASK)], ordinary).all()
    assert (seen[~places] == window.ids[~places]).all()


def test_when_models_are_compared_every_hidden_place_holds_the_mask() -> None:
    (window,) = masking.windows(codec(256), TEXT)
    places = masking.chosen(window, 0.15, whole_words=False, rng=rng())
    seen = masking.covered(window, places, codec())
    assert (seen[places] == MASK).all()
    assert (seen[~places] == window.ids[~places]).all()


def test_the_mask_is_found_by_its_role_or_by_its_usual_name() -> None:
    from tunesmith.inputs.text import byte_tokenizer

    assert masking.mask_id(FILES[TOKENIZER], {"mask_token": "[SEP]"}) == 2
    assert masking.mask_id(FILES[TOKENIZER], {}) == MASK
    assert masking.mask_id(byte_tokenizer(), {}) is None
