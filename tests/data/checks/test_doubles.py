from __future__ import annotations

import pickle
import random
import time
from typing import Any

import numpy as np

from tunesmith import catalog
from tunesmith.data.checks import _across
from tunesmith.data.checks._marks import Marks
from tunesmith.data.checks._rows import labelled
from tunesmith.data.checks._texts import answered
from tunesmith.data.checks.answer_in_input import AnswerInInput
from tunesmith.data.checks.answers_differ import AnswersDiffer
from tunesmith.data.checks.exact_duplicates import ExactDuplicates
from tunesmith.data.checks.few_templates import FewTemplates
from tunesmith.data.checks.inconsistent_twins import InconsistentTwins
from tunesmith.data.checks.later_than_test import LaterThanTest
from tunesmith.data.checks.near_duplicates import NearDuplicates
from tunesmith.data.checks.twins_across_sides import TwinsAcrossSides
from tunesmith.findings import Place


def found(check: Any, case: Any) -> list[Any]:
    return check.findings(check.update(check.start(), case.rows, case.evidence))


def test_marks_are_as_a_set_of_pairs():
    seed = 9
    rng = random.Random(seed)
    pairs = [(rng.randrange(5), rng.randrange(2**64 - 3, 2**64)) for _ in range(200)]
    halves = [Marks(), Marks()]
    for index, pair in enumerate(pairs):
        halves[index >= 90].add(*pair, Place("ab"[index >= 90], index, index - 1))
    whole = halves[0].joined(halves[1])
    seen: set[tuple[int, int]] = set()
    first = [i for i, pair in enumerate(pairs) if not (pair in seen or seen.add(pair))]
    assert whole.firsts().tolist() == first, f"seed {seed}"
    assert whole.place(150) == Place("b", 150, 149)
    assert whole.first_numbers(np.array([3, 5])).tolist() == [pairs[3][0], pairs[5][0]]
    assert Marks().firsts().tolist() == []


def test_states_of_doubles_hold_no_texts():
    text = "a sentence that must not stand in the state of any check"
    case = labelled((text, "card"), (text + "!", "order"), twins=np.array([0, 0]))
    checks: list[Any] = [ExactDuplicates(), NearDuplicates(), InconsistentTwins(), FewTemplates()]
    for check in checks:
        state = check.update(check.start(), case.rows, case.evidence)
        assert b"sentence" not in pickle.dumps(state)
    case = answered((text, text + " at all"))
    checks = [AnswerInInput(), AnswersDiffer()]
    for check in checks:
        assert b"sentence" not in pickle.dumps(check.update(check.start(), case.rows, case.evidence))


def test_exact_copies_keep_the_first_of_each():
    rows = [
        ("a card", "card"),
        ("b card", "card"),
        ("a card", "card"),
        ("a card", "order"),
        ("a card", "card"),
    ]
    (finding,) = found(ExactDuplicates(), labelled(*rows))
    assert finding.fix is not None
    assert finding.fix.drops == ("planted.jsonl:3", "planted.jsonl:5")


def test_what_is_held_out_stays():
    rows = [
        ({"text": "t", "label": "a"}, side) for side in ("train", "validation", "test", "train", "", "test")
    ]
    case = _across.sided(*rows, twins=np.array([0, 0, 0, 3, 0, 3]))
    (finding,) = found(TwinsAcrossSides(), case)
    assert finding.fix is not None
    assert set(finding.fix.drops) == {"planted.jsonl:1", "planted.jsonl:2", "planted.jsonl:4"}
    assert finding.numbers["groups"] == 2


def test_only_rows_with_a_twin_of_their_own_leave():
    text = "please cancel the order that I placed on Monday and send the money back"
    texts = [text[start : start + 50] for start in (0, 6, 12, 18, 24)]  # each near the next one only
    sides = ("test", "validation", "train", "train", "train")
    rows = [{"text": text, "label": "a"} for text in texts]
    case = _across.sided(*zip(rows, sides, strict=True), twins=np.zeros(5, dtype=np.int64))
    (finding,) = found(TwinsAcrossSides(), case)
    assert finding.fix is not None
    assert finding.fix.drops == ("planted.jsonl:2", "planted.jsonl:3")
    assert finding.numbers == {"rows": 2, "held_out": 1, "groups": 1}
    apart = _across.sided((rows[0], "test"), (rows[4], "train"), twins=np.zeros(2, dtype=np.int64))
    assert found(TwinsAcrossSides(), apart) == []


def test_large_clusters_do_not_cost_their_square():
    rows = [
        ({"text": f"your order {i} was sent", "label": "a"}, ("train", "test")[i % 2]) for i in range(2000)
    ]
    begun = time.process_time()
    found(TwinsAcrossSides(), _across.sided(*rows, twins=np.zeros(2000, dtype=np.int64)))
    assert time.process_time() - begun < 20  # about 2 s on an idle core


def test_times_that_cannot_be_read_are_passed_over():
    rows = [{"text": "t", "label": "a", "time": time} for time in ("soon", "2026-01-02", "2026-01-03", None)]
    case = _across.sided(*zip(rows, ("train", "test", "train", "train"), strict=True))
    (finding,) = found(LaterThanTest(), case)
    assert finding.fix is not None
    assert finding.fix.drops == ("planted.jsonl:3",)
    assert finding.numbers["share"] == 1


def test_large_groups_are_templates_and_no_contradiction():
    rows = [(f"please cancel order {i} of mine", "ab"[i % 2]) for i in range(30)]
    assert found(InconsistentTwins(), labelled(*rows, twins=np.zeros(30, dtype=np.int64))) == []
    assert found(InconsistentTwins(), labelled(*rows[:9], twins=np.zeros(9, dtype=np.int64)))[0].count == 9


def test_a_rare_answer_in_the_input_is_a_note_and_a_common_one_a_warning():
    told = ("Say it: we open at nine on weekdays.", "We open at nine on weekdays.")
    fine = [(f"question {i}, please?", f"the answer to it is number {i}") for i in range(99)]
    assert found(AnswerInInput(), answered(told, *fine))[0].severity == "info"
    assert found(AnswerInInput(), answered(told, *fine[:9]))[0].severity == "warning"


def test_none_of_these_checks_is_an_error():
    codes = {"D101", "D104", "D109", "D110", "D111", "D112", "D113", "D114", "D115", "D116", "L211"}
    seen = set()
    for part in catalog.parts("check").values():
        if part.code in codes:
            seen.add(part.code)
            assert {each.severity for each in found(part(), part().planted()[0])} <= {"info", "warning"}
    assert seen == codes
