"""Every way to write a text anew: it changes its samples, repeats itself for equal draws, keeps most words."""

from __future__ import annotations

import json

import numpy as np
import pytest

import chat_endpoint
from tunesmith import bases, catalog, doors
from tunesmith.endpoints import endpoint

NAMES = catalog.names("augmentation")
pytestmark = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def given(name):
    needs = catalog.part("augmentation", name).needs
    if needs == "base":
        if not doors.has("torch"):
            pytest.skip("needs the extra `train`: pip install tunesmith[train]")
        yield bases.resolve("minilm")
    elif needs == "endpoint":
        with chat_endpoint.serving(lambda messages: messages[-1]["content"] + " indeed") as (url, _):
            yield endpoint(url, "tiny")
    else:
        yield None


def draws(count, seed):
    return [np.random.default_rng([seed, n]) for n in range(count)]


def test_it_changes_its_samples_and_nothing_is_empty(name, given):
    part = catalog.part("augmentation", name)()
    texts = part.samples()
    changed = 0
    for seed in range(5):
        new = part.vary(texts, draws(len(texts), seed), given)
        assert len(new) == len(texts)
        assert all(text.strip() for text in new)
        changed += sum(one != two for one, two in zip(texts, new, strict=True))
    assert changed >= len(texts)


def test_equal_draws_give_equal_texts(name, given):
    part = catalog.part("augmentation", name)()
    texts = part.samples()
    first = part.vary(texts, draws(len(texts), 3), given)
    assert part.vary(texts, draws(len(texts), 3), given) == first
    alone = [
        part.vary([text], [draw], given)[0] for text, draw in zip(texts, draws(len(texts), 3), strict=True)
    ]
    assert alone == first


def test_most_of_a_text_stays(name, given):
    part = catalog.part("augmentation", name)()
    texts = ["The second invoice of March is wrong by forty euros, please correct it before Friday."] * 20
    for old, new in zip(texts, part.vary(texts, draws(20, 0), given), strict=True):
        before, after = old.lower().split(), new.lower().split()
        assert len(set(before) & set(after)) >= 0.5 * len(before), new


def test_odd_texts_do_no_harm(name, given):
    part = catalog.part("augmentation", name)()
    texts = ["", " ", "a", "?!", "退款", "x" * 5000, "\ud800"]
    texts = texts[:-1] if part.needs == "endpoint" else texts
    new = part.vary(texts, draws(len(texts), 1), given)
    assert [isinstance(text, str) for text in new] == [True] * len(texts)


def test_its_options_are_a_section(name, given):
    part = catalog.part("augmentation", name)
    assert json.loads(json.dumps(part().model_dump())) is not None
    assert catalog.summary("augmentation", name)
