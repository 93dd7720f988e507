"""BLEU and chrF equal sacrebleu's corpus scores, with several references and on texts made to be hard."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from answering import answers, said
from tunesmith.evaluate.measure import metric
from tunesmith.evaluate.metrics._thirteen import tokens

sacrebleu = pytest.importorskip("sacrebleu", reason="sacrebleu is not installed: extra 'dev'")
from sacrebleu.metrics import BLEU, CHRF  # noqa: E402
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a  # noqa: E402

SIGNS = [*"ab cd. ,-19&;\n<>'\"/[]{}~_éß中 の।", "&amp;", "&quot;", "<skipped>", "-\n", " the", "word "]
SEEDS = range(60)


def text(draw: random.Random, most: int) -> str:
    return "".join(draw.choice(SIGNS) for _ in range(draw.randint(0, most)))


def corpus(seed: int) -> tuple[list[str], list[list[str]]]:
    """(answers, references: one list for each position)."""
    draw = random.Random(seed)
    given = [text(draw, 60) for _ in range(draw.randint(1, 6))]
    near = [[each[: draw.randint(1, 60)] + " end." for each in given] for _ in range(2)]
    far = [[text(draw, 60) for _ in given] for _ in range(2)]
    return given, draw.choice([near, far, near[:1], [*near, *far]])


@pytest.mark.parametrize("seed", SEEDS)
def test_corpus_scores_are_equal(seed: int) -> None:
    given, wanted = corpus(seed)
    found, weights = said(given, list(zip(*wanted, strict=True))), np.ones(len(given))
    for name, theirs in (("bleu", BLEU()), ("chrf", CHRF())):
        ours = metric(name).value(found, weights)
        expected = theirs.corpus_score(given, wanted).score / 100
        assert (0.0 if math.isnan(ours) else ours) == pytest.approx(expected, abs=1e-9), name


def test_a_weighted_score_is_that_of_repeated_rows() -> None:
    found, weights = answers(50, 0.4), np.random.default_rng(2).integers(0, 4, 50)
    rows = np.repeat(np.arange(50), weights)
    given = [found.answers[row].text for row in rows]
    wanted = [[found.references[row][0] for row in rows]]
    for name, theirs in (("bleu", BLEU()), ("chrf", CHRF())):
        expected = theirs.corpus_score(given, wanted).score / 100
        assert metric(name).value(found, weights.astype(float)) == pytest.approx(expected, abs=1e-9)


def test_rows_without_a_reference_do_not_count() -> None:
    one, more = said(["a b c d e"], [("a b c d f",)]), said(["a b c d e", "x"], [("a b c d f",), ()])
    for name in ("bleu", "chrf"):
        assert metric(name).value(one, np.ones(1)) == metric(name).value(more, np.ones(2)) > 0
        assert math.isnan(metric(name).value(said(["x"], [()]), np.ones(1)))


def test_words_are_cut_as_tokenizer_13a_does() -> None:
    theirs, draw = Tokenizer13a(), random.Random(7)
    for _ in range(2000):
        each = text(draw, 40)
        assert tokens(each) == theirs(each.rstrip()).split(), each
