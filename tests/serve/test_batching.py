"""Batches are made of what queued up; nothing crosses, nothing is lost, only the culprit fails."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from serving import LABELS, label_of, make_model
from tunesmith.errors import CapacityError
from tunesmith.serve.batching import Batcher


@pytest.fixture
def made(tmp_path):
    model, oracle = make_model(tmp_path)
    batchers = []

    def make(**sizes):
        batchers.append(Batcher(model, **({"max_batch": 8, "max_queue": 16} | sizes)))
        return batchers[-1]

    yield make, model, oracle
    oracle.gate.set()
    assert all(batcher.close() for batcher in batchers)


def test_an_idle_batcher_computes_a_request_alone_in_one_call_as_the_library(made):
    make, model, oracle = made
    batcher, texts = make(), [f"text {n}" for n in range(8)]
    served = batcher.submit(texts).result(5)
    assert oracle.calls == [texts]
    for one, other in zip(served, model.predict_texts(texts), strict=True):
        assert np.array_equal(one.probs, other.probs)
        assert one.label == other.label


def test_what_queued_up_is_computed_together_and_a_small_request_is_never_split(made):
    make, _, oracle = made
    batcher = make()
    oracle.gate.clear()
    first = batcher.submit(["first"])
    assert oracle.entered.wait(5)
    later = [
        batcher.submit([f"{name}{n}" for n in range(size)]) for name, size in (("a", 3), ("b", 4), ("c", 2))
    ]
    assert batcher.depth == 9
    oracle.gate.set()
    assert [len(answer.result(5)) for answer in (first, *later)] == [1, 3, 4, 2]
    assert [len(call) for call in oracle.calls] == [1, 7, 2]


def test_a_large_request_is_chunked_in_order(made):
    make, _, oracle = made
    texts = [f"text {n}" for n in range(21)]
    answer = make().submit(texts).result(5)
    assert [len(call) for call in oracle.calls] == [8, 8, 5]
    assert [p.label for p in answer] == [label_of(text) for text in texts]


def test_no_text_needs_no_model(made):
    make, _, oracle = made
    assert make().submit([]).result(1) == []
    assert oracle.calls == []


def test_a_full_queue_refuses_and_recovers(made):
    make, _, oracle = made
    batcher = make(max_queue=4)
    oracle.gate.clear()
    running = batcher.submit(["running"])
    assert oracle.entered.wait(5)
    waiting = batcher.submit(["a", "b", "c"])
    with pytest.raises(CapacityError) as refused:
        batcher.submit(["d", "e"])
    assert refused.value.code == "V113"
    assert 1 <= batcher.retry_after() <= 60
    oracle.gate.set()
    assert len(running.result(5)) + len(waiting.result(5)) == 4
    assert len(batcher.submit(["d", "e"]).result(5)) == 2
    assert batcher.depth == 0


def test_an_empty_queue_takes_a_request_larger_than_itself(made):
    make, _, _ = made
    assert len(make(max_queue=1).submit([f"t{n}" for n in range(20)]).result(5)) == 20


def test_a_poisoned_request_fails_alone(made):
    make, _, oracle = made
    batcher = make()
    oracle.gate.clear()
    first = batcher.submit(["first"])
    assert oracle.entered.wait(5)
    good, bad, fine = batcher.submit(["a"]), batcher.submit(["b", "poison"]), batcher.submit(["c", "d"])
    oracle.gate.set()
    assert first.result(5)[0].label == label_of("first")
    assert good.result(5)[0].label == label_of("a")
    assert [p.label for p in fine.result(5)] == [label_of("c"), label_of("d")]
    with pytest.raises(RuntimeError, match="poisoned"):
        bad.result(5)
    assert len(batcher.submit(["after"]).result(5)) == 1


def test_a_poisoned_chunk_fails_its_whole_request_and_spares_the_rest_of_the_work(made):
    make, _, oracle = made
    answer = make(max_batch=2).submit(["a", "poison", "c", "d", "e", "f"])
    with pytest.raises(RuntimeError):
        answer.result(5)
    time.sleep(0.05)
    assert oracle.calls == [["a", "poison"]]


@pytest.mark.parametrize("wrong", ["too few", "not finite"])
def test_what_a_model_may_not_say_is_an_error_of_that_request(made, monkeypatch, wrong):
    make, model, _ = made
    said = model.predict_texts(["a", "b"])
    if wrong == "too few":
        said = said[:1]
    else:
        said[1].probs[0] = np.nan
    monkeypatch.setattr(type(model), "predict_texts", lambda self, texts: said)
    with pytest.raises(ValueError, match=r"1 predictions for 2 texts|finite"):
        make().submit(["a", "b"]).result(5)


def test_a_request_whose_caller_left_is_not_computed(made):
    make, _, oracle = made
    batcher = make()
    oracle.gate.clear()
    first = batcher.submit(["first"])
    assert oracle.entered.wait(5)
    left = batcher.submit(["left"])
    assert left.cancel()
    oracle.gate.set()
    assert first.result(5)
    assert batcher.submit(["next"]).result(5)
    assert ["left"] not in oracle.calls


def test_close_drains_then_refuses(made):
    make, _, oracle = made
    batcher = make()
    oracle.gate.clear()
    answers = [batcher.submit([f"t{n}"]) for n in range(5)]
    assert oracle.entered.wait(5)
    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(batcher.close)
        time.sleep(0.05)
        oracle.gate.set()
        assert closing.result(5) is True
    assert [answer.result(0)[0].label for answer in answers] == [label_of(f"t{n}") for n in range(5)]
    with pytest.raises(CapacityError, match="V114"):
        batcher.submit(["late"])


def test_close_gives_up_on_a_stuck_model_and_says_so(made):
    make, _, oracle = made
    batcher = make(max_batch=1)
    oracle.gate.clear()
    batcher.submit(["stuck"])
    assert oracle.entered.wait(5)
    waiting = batcher.submit(["waits"])
    assert batcher.close(timeout=0.1) is False
    with pytest.raises(CapacityError, match="V114"):
        waiting.result(0)


def test_many_threads_each_get_their_own_answers(made):
    make, _, oracle = made
    batcher, seed = make(max_batch=16, max_queue=10_000), random.randrange(10**6)
    print("seed", seed)
    rng = random.Random(seed)
    jobs = [[f"{n}-{k}-{rng.random()}" for k in range(rng.randrange(1, 30))] for n in range(120)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda texts: batcher.submit(texts).result(20), jobs))
    for texts, answer in zip(jobs, answers, strict=True):
        assert [p.label for p in answer] == [label_of(text) for text in texts]
    assert max(len(call) for call in oracle.calls) <= 16
    assert sum(len(call) for call in oracle.calls) == sum(map(len, jobs))
    assert {p.label for answer in answers for p in answer} == set(LABELS)
