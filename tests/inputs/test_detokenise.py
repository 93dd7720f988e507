"""Text from tokens as they arrive: whole letters, right blanks, stops that are never told."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tokenizers", reason="tokenizers is absent: pip install -e '.[train]'")
from conftest import shared_folder
from tunesmith.inputs.detokenise import BROKEN, Detokeniser, joined, overlap

TEXTS = [
    "Once upon a time, there was a naïve café in 東京.",
    "€ 😀👩‍👩‍👧 ok",
    "  two blanks\n\n\ttab ",
    'say {"a": 1}',
]
REAL = ("stories260k-llama", "babyllama-char-1m")
LETTERS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


@cache
def tokenizer_of(name: str) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    if name in REAL:
        if (folder := shared_folder()) is None:
            pytest.skip("the shared models are absent: set TUNESMITH_SHARED")
        return Tokenizer.from_file(str(folder / "models" / name / "tokenizer.json"))
    if name == "letters":
        alphabet = sorted(set("".join(TEXTS)) | {"\ufffd"})
        made = Tokenizer(
            models.WordLevel({"?": 0} | {each: n + 1 for n, each in enumerate(alphabet)}, unk_token="?")
        )
        made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
        made.decoder = decoders.Fuse()
        return made
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=alphabet, special_tokens=["<|end|>"], show_progress=False
    )
    made.train_from_iterator(TEXTS, trainer)
    return made


ALL = (*REAL, "bytes", "letters")


def ids_of(name: str, text: str) -> list[int]:
    return tokenizer_of(name).encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("name", ALL)
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_pieces_together_are_what_all_ids_say_at_once(name: str, data: st.DataObject) -> None:
    text = data.draw(st.one_of(st.sampled_from(TEXTS), LETTERS))
    ids, tokenizer = ids_of(name, text), tokenizer_of(name)
    assert joined(tokenizer, ids) == tokenizer.decode(ids, skip_special_tokens=True)


@pytest.mark.parametrize("name", ALL)
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_any_ids_at_all(name: str, data: st.DataObject) -> None:
    """Bytes that are no letters: with byte fallback the number of replacement characters alone may differ."""
    tokenizer = tokenizer_of(name)
    ids = data.draw(st.lists(st.integers(0, tokenizer.get_vocab_size() - 1), max_size=25))
    said, whole = joined(tokenizer, ids), tokenizer.decode(ids, skip_special_tokens=True)
    if name not in REAL or BROKEN not in whole:
        assert said == whole


@pytest.mark.parametrize("name", ALL)
def test_a_letter_is_told_as_soon_as_it_is_whole_and_never_before(name: str) -> None:
    tokenizer, text = tokenizer_of(name), TEXTS[1] + TEXTS[0]
    stream, so_far, late = Detokeniser(tokenizer), "", 0
    for count, token in enumerate(ids := ids_of(name, text), 1):
        so_far += stream.feed(token)
        assert BROKEN not in so_far
        whole = tokenizer.decode(ids[:count], skip_special_tokens=True)
        late += so_far != whole.rstrip(BROKEN) and not whole.endswith(BROKEN)
    assert not late
    assert so_far + stream.finish() == tokenizer.decode(ids, skip_special_tokens=True)


def test_special_tokens_are_left_out_and_the_blank_after_one_stays() -> None:
    tokenizer = tokenizer_of(REAL[0])
    first, second = ids_of(REAL[0], "one"), ids_of(REAL[0], "two")
    assert joined(tokenizer, [1, *first, 2, *second, 2]) == "one two"
    assert joined(tokenizer_of("bytes"), [0, *ids_of("bytes", "a b"), 0]) == "a b"


def test_a_letter_that_never_comes_is_told_as_broken() -> None:
    ids = ids_of(REAL[0], "ok😀")
    stream = Detokeniser(tokenizer_of(REAL[0]))
    assert "".join(stream.feed(token) for token in ids[:-1]) == "ok"
    assert set(stream.finish()) == {BROKEN}
    assert stream.finish() == ""


# ---- stops ------------------------------------------------------------------------------------------------------


def first_complete(text: str, stops: list[str]) -> str:
    """The text up to the stop that is complete first, letter by letter."""
    for end in range(1, len(text) + 1):
        if found := [stop for stop in stops if text[:end].endswith(stop)]:
            return text[: end - max(map(len, found))]
    return text


@pytest.mark.parametrize("name", ["letters", "bytes", REAL[0]])
@settings(deadline=None, max_examples=200)
@given(
    text=st.text("ab", max_size=25),
    stops=st.lists(st.text("ab", min_size=1, max_size=4), max_size=3),
    special=st.booleans(),
)
def test_the_stop_that_is_complete_first_ends_the_answer(
    name: str, text: str, stops: list[str], special: bool
) -> None:
    tokenizer = tokenizer_of(name)
    ids = ids_of(name, text) + ([2] if special and name in REAL else [])
    whole = tokenizer.decode(ids, skip_special_tokens=True)
    stream, so_far = Detokeniser(tokenizer, stops), ""
    expected = first_complete(whole, stops)
    for token in ids:
        so_far += stream.feed(token)
        assert expected.startswith(so_far), "nothing of a stop is told"
    assert so_far + stream.finish() == expected
    assert stream.stopped == (expected != whole)
    assert stream.feed(ids_of(name, "b")[0]) == "" or not stream.stopped


def test_a_stop_over_the_border_of_tokens_and_letters() -> None:
    ids = ids_of(REAL[0], "The end😀 of it")
    assert joined(tokenizer_of(REAL[0]), ids, ["d😀 o"]) == "The en"
    assert joined(tokenizer_of(REAL[0]), ids, ["", "x"]) == "The end😀 of it"


@pytest.mark.parametrize(
    ("text", "stop", "expected"), [("xaab", "abc", 2), ("xabc", "abc", 0), ("aa", "aaa", 2), ("", "a", 0)]
)
def test_what_may_be_the_beginning_of_a_stop(text: str, stop: str, expected: int) -> None:
    assert overlap(text, stop) == expected


@pytest.mark.parametrize("name", ["stories260k-llama", "babyllama-char-1m", "bytes"])
@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(st.sampled_from(["Once", "upon", "a", "time", "naïve", "café", "ok"]), min_size=2),
    cut=st.integers(1),
)
def test_a_prompt_and_its_continuation_are_the_text(name: str, words: list[str], cut: int) -> None:
    """Cut between words the prompt alone decodes to itself, so the rest must bring its blank along."""
    at = 1 + cut % (len(words) - 1)
    prompt, text = " ".join(words[:at]), " ".join(words)
    before, ids = ids_of(name, prompt), ids_of(name, text)
    if ids[: len(before)] != before:  # merged across the cut
        return
    stream = Detokeniser(tokenizer_of(name), (), before)
    rest = "".join([stream.feed(token) for token in ids[len(before) :]] + [stream.finish()])
    assert prompt + rest == text


def test_what_is_before_may_be_special_or_nothing() -> None:
    known = tokenizer_of("stories260k-llama")
    ids = ids_of("stories260k-llama", "Once upon")
    for before in ([], [1]):
        stream = Detokeniser(known, (), before)
        assert "".join(map(stream.feed, ids)) + stream.finish() == "Once upon"
