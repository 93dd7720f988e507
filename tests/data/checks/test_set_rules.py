"""Rules that judge the set as a whole: order, shares, outliers, sufficiency."""

from __future__ import annotations

import pickle
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.rows import sentences
from tunesmith import catalog
from tunesmith.data.checks._rows import labelled, planted
from tunesmith.data.checks._sample import Sample
from tunesmith.data.checks._texts import answered
from tunesmith.data.contents.multilabel import Multilabel

WHOLE = [
    *(
        "boilerplate",
        "capitals",
        "few-texts",
        "given-away",
        "long-outliers",
        "mixed-kinds",
        "mixed-languages",
    ),
    *("numeric-labels", "sorted-labels", "small-classes", "thin-classes"),
]
NO_TEST = {"held_out": frozenset()}


def state_of(check, rows, evidence, size=7):
    state = check.start()
    for start in range(0, len(rows), size):
        state = check.update(state, rows[start : start + size], evidence)
    return state


def found(name, case):
    check = catalog.part("check", name)()
    return check.findings(state_of(check, case.rows, {**NO_TEST, **case.evidence}))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.data())
@pytest.mark.parametrize("name", WHOLE)
def test_parts_looked_at_by_several_workers_say_the_same(name, seed, data):
    draw = random.Random(seed)
    words = [
        "where is the parcel",
        "WHERE IS MY PARCEL",
        "ich habe die Karte nicht verloren",
        "7",
        "x" * 3000,
    ]
    foot = "\nThis message is confidential and meant for one person."
    pairs = [
        (
            f"{draw.choice(words)} {draw.randrange(40)}{foot * draw.randrange(2)}",
            draw.choice(["a", "b", "17", "2.5"]),
        )
        for _ in range(draw.randrange(130))
    ]
    case = labelled(*pairs, **NO_TEST)
    check = catalog.part("check", name)()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(case.rows)), max_size=4)))
    merged = check.start()
    for start, stop in zip([0, *cuts], [*cuts, len(case.rows)], strict=True):
        part = state_of(check, case.rows[start:stop], case.evidence)
        merged = check.merge(merged, pickle.loads(pickle.dumps(part)))
    assert check.findings(merged) == check.findings(state_of(check, case.rows, case.evidence))


@pytest.mark.parametrize("name", WHOLE)
def test_ordinary_rows_are_left_alone(name):
    texts = sentences(1500, seed=3)
    assert found(name, labelled(*((text, f"queue {i % 3}") for i, text in enumerate(texts)))) == []


def test_a_sample_is_the_same_for_any_order_and_knows_each_row_once():
    keys = [f"{random.Random(i).getrandbits(256):064x}" for i in range(300)]
    forward, backward = Sample(40), Sample(40)
    for key in [*keys, *keys]:
        forward.add(key, key)
    for key in reversed(keys):
        backward.add(key, key)
    assert list(forward) == list(backward) == sorted(keys)[:40]
    assert len(forward) == 40


def test_different_texts_are_estimated_beyond_what_is_kept():
    rows = [(f"text number {i % 9000}", "a") for i in range(27_000)]
    (finding,) = found("few-texts", labelled(*rows))
    assert finding.numbers["texts"] == pytest.approx(9000, rel=0.06)
    assert finding.message.startswith("about ")


def test_a_footer_is_counted_and_never_shown():
    foot = "Kind regards, Ada Lovelace, Analytical Engines"
    rows = [(f"{text}\n{foot}" if i % 4 == 0 else text, "a") for i, text in enumerate(sentences(200))]
    (finding,) = found("boilerplate", labelled(*rows))
    assert (finding.count, finding.severity) == (50, "warning")
    assert "Ada" not in finding.message


def test_a_prompt_that_all_rows_begin_with_is_by_design():
    head = "Classify the mood of the following review as good or bad:\n"
    rows = [(head + text, "Good." if i % 2 else "Bad.") for i, text in enumerate(sentences(60))]
    (finding,) = found("boilerplate", answered(*rows))
    assert finding.severity == "info"


def test_many_lines_do_not_fill_the_memory(monkeypatch):
    from tunesmith.data.checks import boilerplate

    monkeypatch.setattr(boilerplate, "LINES", 50)
    foot = "\nThis message is meant for its addressee only."
    rows = [(text + (foot if i % 3 == 0 else ""), "a") for i, text in enumerate(sentences(600, length=9))]
    check = boilerplate.Boilerplate()
    case = labelled(*rows)
    state = state_of(check, case.rows, case.evidence)
    assert len(state.counts) <= 50
    (finding,) = check.findings(state)
    assert 150 <= finding.count <= 200


def test_a_long_row_is_told_from_a_set_of_long_rows():
    texts = sentences(100)
    assert found("long-outliers", labelled(*((text * 100, "a") for text in texts))) == []
    (finding,) = found("long-outliers", labelled(*((text, "a") for text in texts), ("a log " * 2000, "a")))
    assert finding.fix.drops == ("planted.jsonl:101",)


def test_answers_without_an_end_sign_may_be_the_style():
    long = (
        "The shop repairs brakes. It also repairs gears and wheels of bicycles on all weekdays from nine to"
    )
    short = [("And now?", long)] * 3
    assert found("cut-answers", answered(*[("And?", long + " five.")] * 30, *short))[0].count == 3
    assert found("cut-answers", answered(*[("And?", long + " five.")] * 5, *short)) == []
    assert found("cut-answers", answered(*[("And?", long.replace(".", ""))] * 40)) == []


def test_class_numbers_are_no_regression_and_prices_are():
    texts = sentences(500)
    indices = labelled(*((text, str(i % 50)) for i, text in enumerate(texts)))
    prices = labelled(*((text, f"{3 * i}.99") for i, text in enumerate(texts)))
    assert found("numeric-labels", indices) == []
    assert found("numeric-labels", prices)[0].numbers["values"] == 500


def test_each_label_of_a_row_counts_for_its_class():
    rows = [
        {"text": text, "labels": ["often", "rare"] if i < 5 else ["often"]}
        for i, text in enumerate(sentences(40))
    ]
    (finding,) = found("small-classes", planted(Multilabel(), *rows))
    assert "rare (5)" in finding.message


def test_a_mixture_of_languages_is_no_stray_row():
    english = [(f"where is the parcel that you sent to me on day {i}", "a") for i in range(20)]
    german = [(f"ich habe die Karte verloren und das ist nicht Tag {i}", "a") for i in range(18)]
    (finding,) = found("mixed-languages", labelled(*english, *german))
    assert (finding.severity, finding.count) == ("info", 38)
    assert finding.fix is None


def test_placeholder_labels_that_are_many_may_be_a_class():
    rows = [(text, "none" if i % 5 == 0 else "order") for i, text in enumerate(sentences(60))]
    assert found("placeholder-labels", labelled(*rows))[0].severity == "info"


def test_a_test_file_speaks_for_its_own_classes():
    rows = labelled(*((text, f"queue {i % 9}") for i, text in enumerate(sentences(200))))
    check = catalog.part("check", "thin-classes")()
    assert check.findings(state_of(check, rows.rows, {**rows.evidence, "held_out": frozenset({"a"})})) == []
    (finding,) = check.findings(state_of(check, rows.rows, {**rows.evidence, **NO_TEST}))
    assert finding.numbers["needed"] == pytest.approx(147, abs=15)


def test_a_row_without_any_of_several_labels_is_scored_too():
    rows = [
        {"text": text, "labels": ["damage"] if i % 9 == 0 else []} for i, text in enumerate(sentences(1400))
    ]
    assert found("few-rows", planted(Multilabel(), *rows)) == []
    assert found("few-rows", planted(Multilabel(), *rows[:300]))[0].numbers["rows"] == 300
