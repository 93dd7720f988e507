from __future__ import annotations

import random
from collections import Counter

from tunesmith.data.sides import ALL, SIDES, Unit, assign, position, top_up

SHARES = {"test": 0.15, "validation": 0.15}


def units(*counts, first=0):
    """Units of one row each: `counts` groups of the classes 0, 1, …"""
    labels = [str(label) for label, count in enumerate(counts) for _ in range(count)]
    return [Unit((i,), f"text {i + first}", frozenset({label})) for i, label in enumerate(labels)]


def on_sides(found, label):
    return Counter(unit.side for unit in found if label in unit.labels)


def test_a_position_is_a_fixed_function_of_the_key():
    assert position("text 1") == position("text 1")
    # written down, so that a change of the rule, which would leak rows of older splits, fails here
    assert round(position("text 1"), 6) == 0.631812
    spread = Counter(int(position(f"text {i}") * 10) for i in range(10_000))
    assert all(900 < spread[tenth] < 1100 for tenth in range(10))


def test_sides_are_intervals_of_the_position():
    for unit in assign(units(1000), SHARES):
        at = position(unit.key)
        expected = "test" if at < 0.15 else "validation" if at < 0.30 else "train"
        assert unit.side == expected


def test_pinned_units_keep_their_side():
    pinned = [Unit((i,), f"k{i}", frozenset({"a"}), "train", True) for i in range(20)]
    found, moved = top_up(assign(pinned, SHARES), SHARES)
    assert {unit.side for unit in found} == {"train"}
    assert moved == []


def test_every_class_of_three_groups_reaches_every_side():
    for first in range(0, 4000, 40):
        made = assign(units(3, 4, 7, 20, first=first), SHARES)
        found, moved = top_up(made, SHARES)
        for label, need in (("0", 1), ("1", 1), ("2", 1), ("3", 2)):
            sides = on_sides(found, label)
            assert sides["train"] >= 1
            assert sides["validation"] >= need or sides["validation"] == 1 + (need > 1)
            assert sides["test"] >= (1 if label != "3" else 2)
        changed = [unit for unit, old in zip(found, made, strict=True) if unit.side != old.side]
        assert {unit.key for unit in changed} == {move.unit.key for move in moved}


def test_a_class_of_two_groups_is_left_where_it_falls():
    made = assign(units(2, 60), SHARES)
    found, moved = top_up(made, SHARES)
    assert [unit.side for unit in found[:2]] == [unit.side for unit in made[:2]]
    assert not [move for move in moved if move.label == "0"]


def test_no_wanted_side_stays_empty():
    for seed in range(50):
        rng = random.Random(seed)
        made = [Unit((i,), str(rng.random()), frozenset({str(i)})) for i in range(4)]
        found, moved = top_up(assign(made, SHARES), SHARES)
        assert {unit.side for unit in found} == set(SIDES), seed
        assert {move.label for move in moved} <= {ALL}


def test_a_side_without_a_share_stays_empty():
    found, _ = top_up(assign(units(30), {"test": 0.0, "validation": 0.15}), {"test": 0.0, "validation": 0.15})
    assert on_sides(found, "0")["test"] == 0
    found, _ = top_up(assign(units(30), {"test": 0.0, "validation": 0.0}), {"test": 0.0, "validation": 0.0})
    assert on_sides(found, "0") == {"train": 30}


def test_the_order_of_units_does_not_matter():
    made = assign(units(3, 3, 5, 9), SHARES)
    shuffled = made[:]
    random.Random(1).shuffle(shuffled)
    first, second = top_up(made, SHARES)[0], top_up(shuffled, SHARES)[0]
    assert {unit.key: unit.side for unit in first} == {unit.key: unit.side for unit in second}


def test_the_nearest_group_moves():
    made = [Unit((i,), f"k{i}", frozenset({"a"})) for i in range(200)]
    train = sorted(
        (unit for unit in assign(made, SHARES) if unit.side == "train"), key=lambda u: position(u.key)
    )[:6]
    _, moved = top_up(train, SHARES)
    # validation's interval lies beside train's, so its need is met first, by the lowest positions
    assert [move.unit.key for move in moved[:2]] == [unit.key for unit in train[: len(moved[:2])]]
    assert [move.goal for move in moved] == ["validation", "test"]
