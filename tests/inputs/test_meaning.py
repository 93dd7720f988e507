from __future__ import annotations

import numpy as np

from tunesmith.inputs import meaning


def planted(rows: int, twins: int, width: int, seed: int) -> np.ndarray:
    """Random vectors; the last `twins` are close to the first ones, in other lengths."""
    draw = np.random.default_rng(seed)
    vectors = draw.standard_normal((rows, width))
    noise = draw.standard_normal((twins, width)) * 0.2
    vectors[rows - twins :] = (vectors[:twins] + noise) * draw.uniform(0.5, 2, (twins, 1))
    return vectors.astype(np.float32)


def exact(vectors: np.ndarray, first: int, second: int) -> float:
    a, b = vectors[first], vectors[second]
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_every_pair_is_found_where_all_are_compared():
    vectors = planted(3000, 300, 32, 1)
    names = meaning.clusters(vectors)
    near = [i for i in range(300) if exact(vectors, i, 2700 + i) >= 0.95]
    assert len(near) > 200
    assert all(names[2700 + i] == i for i in near)
    assert all(names[2700 + i] != i for i in range(300) if i not in near)


def test_buckets_find_nearly_all_of_them(monkeypatch):
    vectors = planted(6000, 500, 32, 2)
    whole = meaning.clusters(vectors)
    monkeypatch.setattr(meaning, "ALL_PAIRS", 100)
    some = meaning.clusters(vectors)
    linked = np.flatnonzero(whole != np.arange(6000))
    assert len(linked) > 300
    assert (some[linked] == whole[linked]).mean() >= 0.97
    assert np.array_equal(
        np.flatnonzero(some != np.arange(6000)),
        np.intersect1d(linked, np.flatnonzero(some != np.arange(6000))),
    )


def test_many_pairs_are_packed_without_loss(monkeypatch):
    vectors = np.repeat(np.eye(4, dtype=np.float32), 50, axis=0)
    monkeypatch.setattr(meaning, "FEW", 10)
    monkeypatch.setattr(meaning, "BLOCK", 16)
    assert meaning.clusters(vectors).tolist() == np.repeat([0, 50, 100, 150], 50).tolist()


def test_zeros_and_nothing():
    assert meaning.clusters(np.zeros((3, 4), np.float32)).tolist() == [0, 1, 2]
    assert meaning.clusters(np.zeros((0, 4), np.float32)).tolist() == []
