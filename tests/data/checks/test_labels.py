"""Checks of labels on contents beside one text with one label."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith import catalog
from tunesmith.data.checks._rows import planted
from tunesmith.data.cleaning import clean
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.contents.multilabel import Multilabel
from tunesmith.data.contents.pair import Pair


def found(name: str, case):
    check = catalog.part("check", name)()
    return check.findings(check.update(check.start(), case.rows, case.evidence))


def several(*rows, **evidence):
    return planted(
        Multilabel(), *({"text": text, "labels": list(labels)} for text, labels in rows), **evidence
    )


def test_a_row_of_none_of_the_classes_is_labelled() -> None:
    assert not found("missing-label", several(("a text", []), ("another", ["x"])))
    (finding,) = found("missing-label", several(("a text", []), ("another", [" "])))
    assert finding.count == 1


def test_spellings_are_edited_within_the_list() -> None:
    case = several(("a", ["Refund", "bug"]), ("b", ["bug", "refund "]), ("c", ["Refund"]))
    (finding,) = found("label-spellings", case)
    assert finding.fix.edits == (("planted.jsonl:2", "labels/1", "Refund"),)
    assert clean(case.rows, [finding]).records[1].fields["labels"] == ["bug", "Refund"]


def test_the_same_labels_in_another_order_are_no_conflict() -> None:
    assert not found("conflicting-labels", several(("a text", ["bug", "bill"]), ("A text", ["Bill", "bug"])))
    (finding,) = found("conflicting-labels", several(("a text", ["x", "y"]), ("A text", ["x"])))
    assert finding.count == 2


def test_pairs_conflict_by_both_texts() -> None:
    def pair(*rows):
        return planted(Pair(), *({"text_a": one, "text_b": two, "label": label} for one, two, label in rows))

    assert not found("conflicting-labels", pair(("a", "b", "yes"), ("a", "c", "no")))
    assert found("conflicting-labels", pair(("a", "b", "yes"), ("a", "b", "no")))


def test_classes_count_wherever_they_stand_in_a_row() -> None:
    assert not found("single-class", several(("a", ["x", "y"]), ("b", ["x"])))
    assert found("single-class", several(("a", ["bug"]), ("b", ["Bug "])))


def test_what_annotators_say_is_not_a_conflict_of_rows() -> None:
    rows = [
        {"text": "a text", "label": label, "annotator": who} for who, label in (("ann", "x"), ("bo", "y"))
    ]
    case = planted(Labelled(), *rows)
    assert not found("conflicting-labels", case)
    (finding,) = found("annotator-disagreement", case)
    assert "Cohen's kappa" in finding.message
    assert finding.numbers["texts"] == 1


@pytest.mark.parametrize(("ratio", "severity"), [(4, None), (6, "info"), (60, "warning")])
def test_imbalance_is_a_warning_where_it_is_great(ratio: int, severity: str | None) -> None:
    rows = [("t", ["small"])] * 10 + [("t", ["large"])] * (10 * ratio)
    findings = found("imbalance", several(*rows))
    assert [each.severity for each in findings] == ([severity] if severity else [])


def test_outliers_among_real_spread_are_few(seed: int) -> None:
    draw = np.random.default_rng(seed)
    vectors = draw.standard_normal((20, 32))[np.arange(500) % 20] + 0.3 * draw.standard_normal((500, 32))
    rows = [(f"text {n}", ["x"]) for n in range(500)]
    assert not found("outliers", several(*rows, embeddings=vectors.astype(np.float32)))
    vectors[3] = draw.standard_normal(32) * 3
    (finding,) = found("outliers", several(*rows, embeddings=vectors.astype(np.float32)))
    assert finding.fix.drops == ("planted.jsonl:4",)
