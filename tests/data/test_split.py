from __future__ import annotations

import random
import time
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data.rows import records, sentences
from tunesmith.data.checking import check
from tunesmith.data.cleaning import clean
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.sides import SIDES
from tunesmith.data.split import split
from tunesmith.data.splits import load_split, save_split
from tunesmith.data.twins import twins
from tunesmith.errors import DataError, IntegrityError, MissingError, UsageError
from tunesmith.fields import Record, row_key
from tunesmith.recipe.sections import Split as Rule

CONTENT = Labelled()
RULE = Rule()
PLAIN = sentences(6000)


def plain(count, classes=4, start=0):
    return records(*((PLAIN[i], f"c{i % classes}") for i in range(start, start + count)), first=start + 2)


def side_of(made, count):
    sides = [""] * count
    for name in SIDES:
        for index in getattr(made, name).tolist():
            assert not sides[index], "a row on two sides"
            sides[index] = name
    return sides


def by_key(made, rows):
    return dict(zip((row.key for row in rows), side_of(made, len(rows)), strict=True))


# texts of few words make near-duplicates and equal texts; few group values make chains of them
words = st.sampled_from(PLAIN[:40])
texts = st.tuples(words, st.sampled_from(["", "!", " x", "?!"])).map("".join)
triples = st.tuples(texts, st.sampled_from("abc"), st.sampled_from([None, None, "", "g1", "g2", "g3"]))
tables = st.lists(triples, min_size=6, max_size=60)


def made_or_skip(rows, **options):
    try:
        return split(rows, CONTENT, RULE, **options)
    except DataError as refusal:
        assume(refusal.code != "S602")
        raise


@settings(max_examples=50, deadline=None)
@given(tables)
def test_no_group_is_on_two_sides(table):
    rows = records(*table)
    made = made_or_skip(rows)
    sides = side_of(made, len(rows))
    assert all(sides)
    where = defaultdict(set)
    near = twins([CONTENT.text(row) for row in rows])
    for index, row in enumerate(rows):
        where["near", near[index]].add(sides[index])
        where["group", made.groups[index]].add(sides[index])
        if row.fields["group"]:
            where["value", row.fields["group"]].add(sides[index])
    assert all(len(found) == 1 for found in where.values())


@settings(max_examples=50, deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(table, rng):
    rows = records(*table)
    shuffled = rows[:]
    rng.shuffle(shuffled)
    assert by_key(made_or_skip(rows), rows) == by_key(made_or_skip(shuffled), shuffled)


@settings(max_examples=50, deadline=None)
@given(tables, tables)
def test_with_a_parent_old_rows_keep_their_side_and_new_ones_follow_their_group(old, new):
    rows = records(*old)
    parent = made_or_skip(rows)
    grown = [*records(*new, first=500), *rows]
    child = split(grown, CONTENT, RULE, parent=parent)
    before, sides = by_key(parent, rows), side_of(child, len(grown))
    pinned = defaultdict(set)
    for row, group in zip(grown, child.groups.tolist(), strict=True):
        if row.key in before:
            pinned[group].add(before[row.key])
    for row, group, side in zip(grown, child.groups.tolist(), sides, strict=True):
        text_pin = [before[other.key] for other in rows if other.fields["text"] == row.fields["text"]]
        if row.key in before:
            assert side == before[row.key]
        elif len(pinned[group]) == 1:
            assert pinned[group] == {side}
        elif len(pinned[group]) > 1 and not text_pin:
            assert side == ""
    lost = sum(side == "" for side in sides)
    assert [finding.count for finding in child.findings if finding.code == "D106"] == ([lost] if lost else [])


@settings(max_examples=50, deadline=None)
@given(tables, tables)
def test_without_a_parent_rows_that_are_not_joined_or_moved_keep_their_side(old, new):
    rows = records(*old)
    first = made_or_skip(rows)
    grown = [*rows, *records(*new, first=500)]
    second = made_or_skip(grown)
    moved = {row for made in (first, second) for move in made.moved for row in move["rows"]}
    joined = set(second.groups[len(rows) :].tolist())
    before, after = side_of(first, len(rows)), side_of(second, len(grown))
    for index, row in enumerate(rows):
        if second.groups[index] not in joined and f"data.csv:{row.place.line}" not in moved:
            assert before[index] == after[index]


def test_shares_and_classes_of_five_thousand_rows():
    rows = plain(5000, classes=40)
    made = split(rows, CONTENT, RULE)
    for name, share in (("train", 0.70), ("validation", 0.15), ("test", 0.15)):
        assert abs(len(getattr(made, name)) / 5000 - share) < 0.02
    for name in SIDES:
        assert len({rows[index].fields["label"] for index in getattr(made, name)}) == 40
    assert made.findings == ()


def test_small_classes_are_topped_up_and_the_moves_are_listed():
    rows = [*plain(400), *records(*((PLAIN[1000 + i], f"rare{i // 3}") for i in range(90)), first=1000)]
    made = split(rows, CONTENT, RULE)
    held = {name: Counter(rows[index].fields["label"] for index in getattr(made, name)) for name in SIDES}
    for label in {row.fields["label"] for row in rows}:
        assert all(held[name][label] for name in SIDES), label
    assert made.moved
    sides = side_of(made, len(rows))
    lines = {f"data.csv:{row.place.line}": side for row, side in zip(rows, sides, strict=True)}
    for move in made.moved:
        assert move["from"] != move["to"]
        assert {lines[row] for row in move["rows"]} == {move["to"]}


def test_a_row_between_two_sides_enters_neither():
    first, second = PLAIN[0], PLAIN[1]
    others = [(PLAIN[i], f"c{i % 3}") for i in range(2, 60)]
    rows = records((first, "c0", "x"), (second, "c1", "y"), *others)
    parent = split(rows, CONTENT, RULE)
    sides = by_key(parent, rows)
    held = next(row for row in rows if sides[row.key] == "test")
    trained = next(row for row in rows if sides[row.key] == "train")
    bridge = f"{trained.fields['text']} {held.fields['text']}"
    # near neither by itself, so both ends are joined to it by one group value
    new = records(
        (bridge, "c0", "z"),
        (trained.fields["text"] + "!", "c0", "z"),
        (held.fields["text"] + "!", "c1", "z"),
        first=900,
    )
    child = split([*rows, *new], CONTENT, RULE, parent=parent)
    after = side_of(child, len(rows) + 3)
    assert after[: len(rows)] == [sides[row.key] for row in rows]
    assert after[len(rows) :] == ["", "", ""]
    assert [(finding.code, finding.count) for finding in child.findings] == [("D106", 3)]
    assert new[0].key not in child.sides


def with_rare_classes():
    """Rows of which the top-up moves some, so that their side is not the one that their hash says."""
    rows = [*plain(200), *records(*((PLAIN[1000 + i], f"rare{i // 3}") for i in range(30)), first=1000)]
    made = split(rows, CONTENT, RULE)
    moved = {row for move in made.moved for row in move["rows"]}
    assert moved
    return rows, made, [index for index, row in enumerate(rows) if f"data.csv:{row.place.line}" in moved]


def test_a_corrected_label_stays_on_its_side():
    rows, parent, _ = with_rare_classes()
    fields = [{**row.fields, "label": f"c{i % 4}"} for i, row in enumerate(rows)]
    relabelled = [Record(f, row.place, row_key(f)) for f, row in zip(fields, rows, strict=True)]
    assert side_of(split(relabelled, CONTENT, RULE), len(rows)) != side_of(parent, len(rows))
    assert side_of(split(relabelled, CONTENT, RULE, parent=parent), len(rows)) == side_of(parent, len(rows))


def test_a_row_that_left_and_came_back_keeps_its_side():
    rows, first, moved = with_rare_classes()
    second = split([row for index, row in enumerate(rows) if index not in moved], CONTENT, RULE, parent=first)
    common = records(*((PLAIN[2000 + i], f"rare{i % 10}") for i in range(900)), first=5000)
    third = split([*rows, *common], CONTENT, RULE, parent=second)
    assert side_of(split([*rows, *common], CONTENT, RULE), len(rows) + 900)[: len(rows)] != side_of(
        first, len(rows)
    )
    assert side_of(third, len(rows) + 900)[: len(rows)] == side_of(first, len(rows))


def test_with_a_test_file_the_rest_is_train_and_validation():
    rows, held_out = plain(2000), plain(300, start=5000)
    made = split(rows, CONTENT, RULE, test_records=held_out)
    assert made.external
    assert len(made.test) == 0
    assert abs(len(made.validation) / 2000 - 0.15) < 0.03
    assert len(made.train) + len(made.validation) == 2000
    assert len(made.groups) == 2300
    parts = made.records(rows, held_out)
    assert parts["test"] == held_out
    assert [row.key for row in parts["validation"]] == [rows[index].key for index in made.validation]
    # a row of the test file that a later version of the data holds is no training row
    child = split([*rows, *held_out], CONTENT, RULE, parent=made)
    assert set(side_of(child, 2300)[2000:]) == {"test"}


def test_closeness_to_the_test_file_is_reported():
    rows = records(*((PLAIN[i], f"c{i % 2}", f"customer {i}") for i in range(50)))
    held_out = records(
        (PLAIN[3] + "!", "c0", "customer 999"), (PLAIN[200], "c1", "customer 7"), source="test.csv"
    )
    made = split(rows, CONTENT, RULE, test_records=held_out)
    assert [(finding.code, finding.severity, finding.count) for finding in made.findings] == [
        ("D107", "info", 1),
        ("D108", "warning", 1),
    ]
    assert made.groups[50] == made.groups[3]
    assert made.groups[51] == made.groups[7]
    assert split(rows, CONTENT, RULE, test_records=plain(20, start=700)).findings == ()


def test_shared_rows_leave_before_the_split():
    rows, held_out = plain(60), records((PLAIN[5].upper(), "c1"), source="test.csv")
    left = clean(rows, check(rows, CONTENT, held_out=held_out)).records
    assert len(left) == 59
    assert split(left, CONTENT, RULE, test_records=held_out).findings == ()


def test_given_clusters_are_used():
    rows = plain(30)
    made = split(rows, CONTENT, RULE, clusters=np.array([*range(20), *[20] * 10]))
    assert len({side_of(made, 30)[index] for index in range(20, 30)}) == 1
    with pytest.raises(ValueError, match="29 cluster ids for 30 rows"):
        split(rows, CONTENT, RULE, clusters=np.arange(29))


def test_too_few_groups_are_refused():
    for rows in ([], plain(1), plain(2), records(*((PLAIN[i], "a", "one") for i in range(9)))):
        with pytest.raises(DataError) as refusal:
            split(rows, CONTENT, RULE)
        assert refusal.value.code == "S602"
        assert refusal.value.fixes
    assert {len(getattr(split(plain(3, classes=1), CONTENT, RULE), name)) for name in SIDES} == {1}


def test_shares_that_leave_nothing_are_refused_and_no_share_is_fine():
    with pytest.raises(UsageError, match="S603"):
        split(plain(10), CONTENT, Rule(validation=0.5, test=0.5))
    made = split(plain(10), CONTENT, Rule(validation=0, test=0))
    assert len(made.train) == 10
    made = split(plain(500), CONTENT, Rule(validation=0.4, test=0.2))
    assert abs(len(made.validation) / 500 - 0.4) < 0.06


def test_a_split_comes_back_as_it_was_saved(tmp_path):
    rows, held_out = plain(80), records((PLAIN[3] + "!", "c0"), source="test.csv")
    saved = save_split(split(rows, CONTENT, RULE, test_records=held_out, version="ab" * 32), tmp_path)
    again = save_split(split(rows, CONTENT, RULE, test_records=held_out, version="ab" * 32), tmp_path)
    assert saved.digest == again.digest
    assert len(list((tmp_path / "splits").iterdir())) == 1
    back = load_split(tmp_path, saved.digest)
    for name in (*SIDES, "groups"):
        assert np.array_equal(getattr(back, name), getattr(saved, name))
    for name in ("sides", "texts", "rule", "moved", "external", "version", "parent", "digest"):
        assert getattr(back, name) == getattr(saved, name)
    assert [finding.to_json() for finding in back.findings] == [
        finding.to_json() for finding in saved.findings
    ]
    child = split([*rows, *plain(20, start=300)], CONTENT, RULE, parent=back)
    assert child.parent == saved.digest
    assert by_key(child, [*rows, *plain(20, start=300)]).items() >= by_key(saved, rows).items()


def test_an_altered_split_is_refused(tmp_path):
    saved = save_split(split(plain(30), CONTENT, RULE), tmp_path)
    path = tmp_path / "splits" / f"{saved.digest}.json"
    path.write_bytes(path.read_bytes().replace(b'"train"', b'"tests"', 1))
    with pytest.raises(IntegrityError, match="I302"):
        load_split(tmp_path, saved.digest)
    for digest in ("0" * 64, "../x", ""):
        with pytest.raises(MissingError, match="F014"):
            load_split(tmp_path, digest)


def test_ten_thousand_rows_are_split_in_time():
    rng = random.Random(5)
    rows = records(
        *((f"row {i} {rng.random()}", f"c{i % 77}", f"customer {i % 3000}") for i in range(10_000))
    )
    start = time.process_time()
    made = split(rows, CONTENT, RULE, clusters=np.arange(10_000))
    # about 0.3 s on an idle core; the bound leaves room for a busy machine
    assert time.process_time() - start < 4
    assert sum(len(getattr(made, name)) for name in SIDES) == 10_000
