from __future__ import annotations

import gzip
import json

import pytest

from data.rows import records, sentences
from tunesmith.data.checking import broken_finding, check, refuse_if_broken
from tunesmith.data.checks._rows import label_form, normalise
from tunesmith.data.contents.labelled import Labelled
from tunesmith.errors import DataError
from tunesmith.fields import Broken
from tunesmith.findings import Place

CONTENT = Labelled()


def codes(found):
    return [finding.code for finding in found]


def large(count=1400):
    return records(*((text, f"label {i % 3}") for i, text in enumerate(sentences(count))))


def test_clean_rows_have_no_findings():
    assert check(large(), CONTENT) == []


def test_all_faults_are_found_in_one_pass():
    rows = [
        *((text, f"label {i % 3}") for i, text in enumerate(sentences(60))),
        *[(sentences(1)[0], "label 0")] * 2,
        (sentences(2)[1] + "!", "label 1"),
        ("the held out text", "label 0"),
        (None, "label 0"),
        ("no label here", None),
        ("two minds about this", "label 0"),
        ("two minds about this", "label 1"),
        ("another spelling of it", "LABEL_0"),
        ("rare bird", "label 9"),
        ("ok", "label 1"),
        ("mail me at jo@example.org", "label 2"),
    ]
    found = check(records(*rows), CONTENT, held_out=records(("The held  out TEXT", "label 1")))
    expected = {"D101", "D104", "D105", "L201", "L204", "L205", "L207", "P301", "Q501", "Q502", "S601"}
    assert set(codes(found)) == expected
    counts = {finding.code: finding.count for finding in found}
    assert counts["D101"] == 2
    assert counts["L205"] == 1
    assert counts["L201"] == counts["Q501"] == counts["D105"] == 1
    assert not any(finding.severity == "error" for finding in found)


def test_spellings_of_a_small_class_are_counted_as_one():
    table = [(text, "Big") for text in sentences(30)]
    table += [(text, ("Rare One", "rare_one ")[i % 3 == 0]) for i, text in enumerate(sentences(9, seed=5))]
    found = {finding.code: finding for finding in check(records(*table), CONTENT)}
    assert "Rare One (9)" in found["L207"].message
    assert found["L207"].numbers["classes"] == 1


def test_errors_come_first_then_codes_in_order():
    found = check(records(("a text", "one"), ("b text", "one"), ("", "one")), CONTENT)
    assert found[0].code == "L208"
    rest = [(finding.severity != "warning", finding.code) for finding in found[1:]]
    assert rest == sorted(rest)


def test_no_e_mail_address_is_shown():
    found = check(records(("write to secret.name@example.org", "a"), ("cancel it", "b")), CONTENT)
    assert "P301" in codes(found)
    assert "secret" not in json.dumps([finding.to_json() for finding in found])


def test_a_check_whose_evidence_is_missing_is_left_out_and_given_evidence_is_used(plugins):
    folder = plugins / "check"
    folder.mkdir()
    (folder / "odd_one.py").write_text(
        '"""X999: needs out-of-fold probabilities."""\n'
        "from tunesmith.findings import Finding\nfrom tunesmith.parts import Check\n\n\n"
        "class OddOne(Check):\n    code = 'X999'\n    needs = frozenset({'classes'})\n\n"
        "    def start(self):\n        return 0\n\n"
        "    def update(self, state, rows, evidence):\n        return state + evidence['classes']\n\n"
        "    def merge(self, first, second):\n        return first + second\n\n"
        "    def findings(self, state):\n        return [Finding('X999', 'info', 'seen', state)]\n\n"
        "    def planted(self):\n        return [], [], {}\n"
    )
    assert check(large(), CONTENT) == []
    found = check(large(), CONTENT, evidence={"classes": 21})
    assert [(finding.code, finding.count) for finding in found] == [
        ("X999", 42)
    ]  # two batches of up to 1,000


def test_two_rows_at_one_place_are_refused():
    rows = records(("a", "b"))
    with pytest.raises(ValueError, match=r"data\.csv:2"):
        check([*rows, *rows], CONTENT)


def broken(count):
    return [
        Broken(Place("data.csv", i + 2, i), "3 columns instead of 2", "quote the comma") for i in range(count)
    ]


def test_broken_rows_are_a_warning_up_to_the_limit_and_an_error_above():
    assert broken_finding([], 100, 0.01) is None
    few, many = broken_finding(broken(1), 100, 0.01), broken_finding(broken(7), 100, 0.01)
    assert (few.code, few.severity, few.count) == ("F010", "warning", 1)
    assert (many.severity, many.count, len(many.places)) == ("error", 7, 5)
    assert many.numbers["share"] == pytest.approx(0.07)


def test_too_many_broken_rows_are_refused_with_place_reason_and_fix():
    refuse_if_broken([], 0, 0.0)
    refuse_if_broken(broken(1), 100, 0.01)
    with pytest.raises(DataError) as refusal:
        refuse_if_broken(broken(2), 100, 0.01)
    assert refusal.value.code == "F011"
    assert "data.csv:2 (byte 0) — 3 columns instead of 2 — quote the comma" in refusal.value.found
    assert refusal.value.fixes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Refund", "refund "),
        ("lost_card", "Lost card"),
        ("lost-card", "LOST  CARD."),
        ('"billing"', "billing"),
    ],
)
def test_spellings_of_one_label(one, other):
    assert label_form(one) == label_form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C", "C++"),
        ("C", "C#"),
        ("1", "-1"),
        ("1.5", "15"),
        ("a", "A"),
        ("yes", "yes?"),
        ("+", "-"),
        ("10", "10%"),
    ],
)
def test_labels_that_only_look_alike_stay_apart(one, other):
    assert label_form(one) != label_form(other)


def test_normal_form():
    assert normalise("  The\u00a0CARD\n is\tlost\ufeff ") == "the card is lost"
    assert normalise("Straße") == normalise("STRASSE")
    assert normalise("cafe\u0301") == normalise("café")
    assert normalise("\u200b \n") == ""


@pytest.mark.parametrize(
    ("name", "text", "label"),
    [
        ("banking77/train", "text", "label"),
        ("sms-spam/all", "text", "label"),
        ("unfair-tos/all", "text", "label"),
        ("pubmedqa-labeled/all", "question", "answer"),
    ],
)
def test_real_data_has_no_errors(shared, name, text, label):
    path = shared / "data" / f"{name}.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        values = [json.loads(line) for line in file]
    found = check(records(*((value[text], value[label]) for value in values)), CONTENT)
    assert not [finding for finding in found if finding.severity == "error"]
