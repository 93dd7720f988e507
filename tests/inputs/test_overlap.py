from __future__ import annotations

import random

from tunesmith.data.checks._rows import normalise
from tunesmith.inputs.overlap import CROWD, Overlap

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(rng: random.Random, count: int) -> str:
    return " ".join("".join(rng.choices(LETTERS, k=rng.randint(2, 9))) for _ in range(count))


def test_whole_texts_apart_from_case_and_blanks():
    known = Overlap(["my card is lost", "", "my card is lost"], normalise)
    assert len(known) == 1
    assert known.kind(" My CARD is\nlost") == "same"
    assert known.kind("my card is lost again") == ""
    assert known.kind("") == ""
    assert Overlap([], normalise).kind("my card is lost") == ""


def test_texts_within_others_are_found_with_a_few_edits():
    seed = 3
    rng = random.Random(seed)
    items = [words(rng, rng.randint(20, 60)) for _ in range(200)]
    known = Overlap(items, normalise)
    found = 0
    for item in items:
        parts = item.split()
        for _ in range(len(parts) // 20):
            parts[rng.randrange(len(parts))] = words(rng, 1)
        found += known.kind(f"{words(rng, 15)} {' '.join(parts)} {words(rng, 15)}") == "holds"
    assert found >= 190, f"seed {seed}: {found}"
    assert not any(known.kind(words(rng, 80)) for _ in range(200)), f"seed {seed}"


def test_half_of_a_text_is_not_the_text():
    rng = random.Random(4)
    item = words(rng, 40)
    known = Overlap([item], normalise)
    assert known.kind(" ".join(item.split()[:20])) == ""
    assert known.kind(" ".join(item.split()[:36])) == "holds"


def test_phrases_that_many_texts_share_tell_nothing():
    rng = random.Random(5)
    phrase = "answer the question with one of the words below and nothing else please"
    known = Overlap([f"{phrase} {words(rng, 3)}" for _ in range(CROWD + 10)], normalise)
    assert known.kind(f"{phrase} {words(rng, 3)}") == ""
