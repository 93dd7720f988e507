"""Scores of texts against straightforward formulas, and the cases that their docstrings speak of."""

from __future__ import annotations

import math
import random
import re
import string
import time
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering import answers, said
from tunesmith.evaluate.intervals import interval
from tunesmith.evaluate.measure import metric
from tunesmith.evaluate.metrics.final_number import last_number
from tunesmith.evaluate.metrics.json_valid import parses
from tunesmith.evaluate.metrics.rouge_l import common, rouge_l
from tunesmith.evaluate.metrics.token_f1 import overlap
from tunesmith.inputs.refusing import refuses
from tunesmith.parts import Answer, Answers, Likelihood

LETTERS = st.lists(st.sampled_from("abcde"), max_size=30)


def score(name: str, found: Answers, weights: list[float] | None = None) -> float:
    return metric(name).value(found, np.ones(len(found.rows)) if weights is None else np.array(weights))


# ---- likelihoods ------------------------------------------------------------------------------------------------


def likely(*rows: tuple[float, float, float, int] | None) -> Answers:
    return said([Answer("", likelihood=row and Likelihood(*row)) for row in rows])


def test_each_token_counts_alike_whichever_row_it_stands_in() -> None:
    found = likely((10.0, 4.0, 3.0, 20), (2.0, 6.0, 6.0, 30), None)
    assert score("loss", found) == pytest.approx(1.2)
    assert score("perplexity", found) == pytest.approx(math.exp(1.2))
    assert score("token_accuracy", found) == pytest.approx(0.9)
    assert score("bits_per_byte", found) == pytest.approx(12 / math.log(2) / 50)
    assert score("loss", found, [2, 0, 5]) == pytest.approx(2.5)


@pytest.mark.parametrize("name", ["loss", "perplexity", "token_accuracy", "bits_per_byte"])
def test_without_likelihoods_nothing_is_said(name: str) -> None:
    assert math.isnan(score(name, likely(None, None)))
    assert math.isnan(score(name, likely((0.0, 0.0, 0.0, 0))))


def test_a_perplexity_that_no_float_holds_is_infinite() -> None:
    found = likely((9e5, 10.0, 0.0, 40))
    assert score("perplexity", found) == math.inf and score("loss", found) == 9e4


def test_an_interval_of_the_loss_comes_from_the_rows() -> None:
    found = interval(answers(200, 0.5), metric("loss"))
    assert found.low < found.value < found.high and found.n == 200


# ---- overlap ----------------------------------------------------------------------------------------------------


def table_of_lcs(one: list[str], other: list[str]) -> int:
    before = [0] * (len(other) + 1)
    for word in one:
        row = [0]
        for at, each in enumerate(other):
            row.append(before[at] + 1 if word == each else max(before[at + 1], row[at]))
        before = row
    return before[-1]


@given(LETTERS, LETTERS)
def test_the_longest_common_sequence_is_that_of_the_table(one: list[str], other: list[str]) -> None:
    assert common(one, other) == table_of_lcs(one, other)


def test_rouge_l_of_a_thousand_long_rows() -> None:
    draw = random.Random(5)
    words = [f"w{n}" for n in range(300)]
    texts = [" ".join(draw.choices(words, k=200)) for _ in range(2000)]
    start = time.process_time()
    value = score("rouge_l", said(texts[:1000], [(text,) for text in texts[1000:]]))
    assert time.process_time() - start < 4
    pairs = zip(texts[:1000:100], texts[1000::100], strict=True)
    assert 0 < value < 0.3
    for one, other in pairs:
        assert rouge_l(one, other) == pytest.approx(table_of_lcs(one.split(), other.split()) / 200)


def test_rouge_l_reads_every_script_and_takes_the_best_reference() -> None:
    assert rouge_l("The cat sat.", "the CAT, sat!") == 1
    assert rouge_l("The cat sat.", "") == 0 and rouge_l("", "") == 1
    assert rouge_l("我喜欢猫", "我爱猫") == pytest.approx(2 * 2 / 7)
    assert rouge_l("नमस्ते दुनिया", "नमस्ते") == pytest.approx(2 / 3)
    assert score("rouge_l", said(["a b c d"], [("x y", "a b", "a b c")])) == pytest.approx(6 / 7)


def squad(answer: str, reference: str) -> float:
    def words(text: str) -> list[str]:
        text = "".join(sign for sign in text.lower() if sign not in string.punctuation)
        return re.sub(r"\b(a|an|the)\b", " ", text).split()

    one, other = words(answer), words(reference)
    shared = sum((Counter(one) & Counter(other)).values())
    if not one or not other:
        return float(one == other)
    precision, recall = shared / len(one), shared / len(other)
    return 2 * precision * recall / (precision + recall) if shared else 0.0


@given(*2 * [st.text(" \t\n_-.,'$aAtThHeEn9", max_size=30)])
def test_token_f1_is_squads(answer: str, reference: str) -> None:
    assert overlap(answer, reference) == pytest.approx(squad(answer, reference))


def test_token_f1_beyond_english() -> None:
    assert overlap("«Ja», sagt er…", "ja sagt er") == 1
    assert overlap("東京都です。", "東京都") == pytest.approx(2 * 3 / 8)


def test_exact_match_is_what_lists_of_hits_say_and_needs_a_reference() -> None:
    found = said(["  The  END ", "no", "x"], [("the end",), ("yes", "No"), ()])
    assert score("exact_match", found) == 1.0 and found.hits.tolist() == [True, True, False]
    assert math.isnan(score("exact_match", said(["x"], [()])))


# ---- numbers, JSON, ends, refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5 * 3 = 15\n#### 15", "15"),
        ("The answer is $1,250.50.", "1250.5"),
        ("so 18.0 eggs", "18"),
        ("it falls to -3 degrees", "-3"),
        ("it falls to −3.", "-3"),
        ("7-3", "3"),
        ("(7)-3", "3"),
        ("covid-19", "19"),
        ("1,2,3", "3"),
        ("in 2024,100 came", "100"),
        ("12,3456", "3456"),
        ("version 1.2.3", "3"),
        ("٤٢", "42"),
        ("none", None),
    ],
)
def test_the_last_number(text: str, number: str | None) -> None:
    assert last_number(text) == (None if number is None else Decimal(number))


def test_final_number_counts_rows_whose_reference_has_one() -> None:
    found = said(["first 3, then 8", "8 or 9", "8", ""], [("#### 8",), ("8",), ("eight",), ("1",)])
    assert score("final_number", found) == pytest.approx(1 / 3)


@pytest.mark.parametrize("text", ['{"a": [1, null]}', " 3\n", '"x"', "9" * 9000, "[1e400]"])
def test_what_is_json(text: str) -> None:
    assert parses(text)


@pytest.mark.parametrize(
    "text", ["", "{'a': 1}", '{"a": 1,}', "NaN", "[Infinity]", '```json\n{"a": 1}\n```', "{} {}", "[" * 10**5]
)
def test_what_is_no_json(text: str) -> None:
    assert not parses(text)


def test_stops_is_the_share_that_ends_by_itself() -> None:
    found = said([Answer("a", 3, True), Answer("b", 9, False), Answer("c", 2, True)])
    assert score("stops", found) == pytest.approx(2 / 3)


def test_refusals_are_known_in_several_languages_and_only_at_the_start() -> None:
    refused = ["I’m sorry, but I can’t do that.", "Dabei kann ich nicht helfen.", "抱歉，我无法回答"]
    fine = ["Sorry, only in cash.", "x" * 200 + " as an AI ", ""]
    assert all(map(refuses, refused)) and not any(map(refuses, fine))
    assert score("refusal_rate", said([*refused, *fine])) == 0.5


# ---- length and repetition --------------------------------------------------------------------------------------


def test_length_drift_is_the_typical_factor() -> None:
    assert score("length_drift", said(["a b c"], [("x y z",)])) == 1
    # (1 + 7) ÷ (1 + 3) = 2 and (1 + 0) ÷ (1 + 1) = 1/2: both are off by a factor of two
    assert score("length_drift", said(["a " * 7, ""], [("x y z",), ("x",)])) == pytest.approx(2)
    assert score("length_drift", said(["a b c"], [("x", "x y z q", "x y z")])) == 1
    assert math.isnan(score("length_drift", said(["a"], [()])))


def test_distinct_counts_within_each_answer() -> None:
    found = said(["a b a b", "a b", "a"])
    assert score("distinct_1", found) == pytest.approx((2 + 2 + 1) / 7)
    assert score("distinct_2", found) == pytest.approx((2 + 1) / 4)
    assert math.isnan(score("distinct_2", said(["a", ""])))
    assert interval(said(["a b a b", "a b c d"] * 40), metric("distinct_2")).high < 1


def test_measuring_again_after_taking_rows_looks_at_the_rows_that_were_taken() -> None:
    found = answers(60, 0.5)
    score("chrf", found)
    part = found.take(np.arange(10))
    assert score("chrf", part) == score("chrf", replace(part, _known={}))
