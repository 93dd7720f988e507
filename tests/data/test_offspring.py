"""Made rows in a split: with their parents in training, or nowhere; real rows stand where they stood without them."""

from __future__ import annotations

from data.rows import records, sentences
from tunesmith import catalog
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.enlarging import is_made, mark, varied
from tunesmith.data.split import split
from tunesmith.data.splits import load_split, save_split
from tunesmith.recipe.sections import Split as Rule

CONTENT, RULE = Labelled(), Rule()


def table(count=120):
    return records(*((text, "ab"[i % 2]) for i, text in enumerate(sentences(count))))


def side_of(made, count):
    sides = [""] * count
    for name in ("train", "validation", "test"):
        for index in getattr(made, name).tolist():
            sides[index] = name
    return sides


def test_made_rows_train_with_their_parents_or_not_at_all():
    rows = table()
    made = varied(rows, CONTENT, "typos", catalog.part("augmentation", "typos")())
    plain = side_of(split(rows, CONTENT, RULE), len(rows))
    both = split([*rows, *made], CONTENT, RULE)
    sides = side_of(both, len(rows) + len(made))
    assert sides[: len(rows)] == plain
    by_key = {row.key: side for row, side in zip(rows, plain, strict=True)}
    for row, side in zip(made, sides[len(rows) :], strict=True):
        (parent,) = row.fields["origin"]["parents"]
        assert side == ("train" if by_key[parent] == "train" else "")
    assert {"train", ""} == set(sides[len(rows) :])
    assert len(both.groups) == len(rows) + len(made)
    for index, row in enumerate(made, len(rows)):
        (parent,) = row.fields["origin"]["parents"]
        assert both.groups[index] == both.groups[[each.key for each in rows].index(parent)]


def test_a_made_row_that_looks_like_a_held_out_row_is_left_out():
    rows = table()
    sides = side_of(split(rows, CONTENT, RULE), len(rows))
    trained, proof = rows[sides.index("train")], rows[sides.index("test")]
    sly = mark({"text": proof.fields["text"] + "!", "label": "a"}, "synth", [trained], 1)
    fair = mark({"text": "an entirely different text of its own", "label": "a"}, "synth", [trained], 2)
    both = side_of(split([*rows, sly, fair], CONTENT, RULE), len(rows) + 2)
    assert both[-2:] == ["", "train"]


def test_the_test_file_keeps_its_rows_and_their_twins_out(tmp_path):
    rows, held = (
        table(),
        records(("the held out text about harbours", "a"), ("another of those texts", "b"), first=900),
    )
    made = [mark({"text": "the held out text about harbours!", "label": "a"}, "synth", [rows[0]], 1)]
    made.append(mark({"text": "nothing that was seen before", "label": "a"}, "synth", [rows[0]], 2))
    both = split([*rows, *made], CONTENT, RULE, test_records=held)
    sides = side_of(both, len(rows) + 2)
    assert sides[-2] == ""
    assert sides[-1] in ("train", "")
    assert len(both.groups) == len(rows) + len(made) + len(held)
    back = load_split(tmp_path, save_split(both, tmp_path).digest)
    assert back.train.tolist() == both.train.tolist()
    assert not any(is_made(row) for row in back.records([*rows, *made], held)["validation"])
