"""L203 where rows may have several labels, L210 where a row holds several people's labels."""

from __future__ import annotations

import numpy as np

from tunesmith.data.checks._rows import planted
from tunesmith.data.checks.annotator_disagreement import AnnotatorDisagreement
from tunesmith.data.checks.likely_wrong_labels import LikelyWrongLabels
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.contents.multilabel import Multilabel
from tunesmith.data.forms.text_label import TextLabel


def test_a_label_that_lacks_and_one_too_many_are_named() -> None:
    sets = [["bug"] * (n % 2) + ["money"] * (n // 2 % 2) for n in range(80)]
    probs = np.array(
        [[0.95 if name in each else 0.05 for name in ("bug", "money")] for each in sets], np.float32
    )
    check = LikelyWrongLabels()

    def found(sets: list[list[str]]) -> list:
        rows = [{"text": f"text {n}", "labels": each} for n, each in enumerate(sets)]
        case = planted(Multilabel(), *rows, out_of_fold=probs, classes=["bug", "money"])
        parts = [check.start(), check.start()]
        for number, part in enumerate((slice(0, 30), slice(30, 80))):
            evidence = {**case.evidence, "out_of_fold": probs[part]}
            parts[number] = check.update(parts[number], case.rows[part], evidence)
        return check.findings(check.merge(*parts))

    assert found(sets) == []
    probs[3] = (0.99, 0.95)
    (finding,) = found([*sets[:3], ["money"], *sets[4:40], ["bug"], *sets[41:]])
    assert finding.numbers["rows"] == 2
    assert "planted.jsonl:4 lacks 'bug' and reads as if it had it" in finding.message


def test_votes_within_a_row_are_judgements() -> None:
    agreed = [{"text": f"text {n}", "label": "ab"[n % 2], "votes": ["ab"[n % 2]] * 3} for n in range(20)]
    split = {"text": "text 20", "label": "a", "votes": ["a", "b", ""]}
    check = AnnotatorDisagreement()

    def found(*rows: dict) -> list:
        case = planted(Labelled(), *rows)
        return check.findings(check.update(check.start(), case.rows, case.evidence))

    assert found(*agreed) == []
    (finding,) = found(*agreed, split)
    assert finding.numbers["texts"] == 21
    assert finding.numbers["split"] == 1
    assert [place.line for place in finding.places] == [21]


def test_votes_are_read_from_lists_and_columns_and_the_majority_is_the_label() -> None:
    form = TextLabel()
    assert form.parse({"text": "x", "label": ["a", "b", "b"]}) == {
        "text": "x",
        "label": "b",
        "votes": ["a", "b", "b"],
    }
    assert form.parse({"text": "x", "label": '["a", "b"]'})["label"] == "", "people have to decide"
    columns = form.parse({"text": "x", "label": "b", "votes": {"ann": "a", "bo": None}})
    assert columns == {"text": "x", "label": "b", "votes": ["a", ""]}
    assert form.parse({"text": "x", "votes": '["a", "a", "b"]'})["label"] == "a"
    assert form.parse({"text": "x", "label": "a", "votes": ""}) == {"text": "x", "label": "a"}
