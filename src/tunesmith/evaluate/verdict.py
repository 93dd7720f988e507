"""The verdict in one sentence: does the model beat guessing, and can these test rows tell?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from tunesmith.evaluate.compare import FEWEST, more_rows, paired
from tunesmith.evaluate.intervals import REPLICATES, SEED, Z, interval
from tunesmith.parts import Metric, Outcomes, Predictions

PERMUTATIONS = 2000
DRAWS = 200
LEVEL = 0.025


@dataclass(frozen=True, slots=True)
class Verdict:
    """outcome, a sentence in plain words, and the figures behind it."""

    outcome: Literal["better", "not-better", "cannot-tell"]
    sentence: str
    numbers: Mapping[str, float | None]

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {"outcome": self.outcome, "sentence": self.sentence, "numbers": dict(self.numbers)}


def verdict(
    chosen: Predictions,
    train_counts: Mapping[str, int],
    baselines: Mapping[str, Predictions],
    metric: Metric,
    *,
    name: str = "macro-F1",
    permutations: int = PERMUTATIONS,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> Verdict:
    """Better: beats the strongest trivial predictor under label permutation, one-sided 2.5 %.

    Trivial: one label for all rows, or draws from the training rows' label frequencies (`train_counts`).
    The test shuffles the true labels over whole groups, so rows that belong together stay together.
    baselines: predictions of other models on the same rows, named in the sentence.
    """
    score = interval(chosen, metric, replicates=replicates)
    if not np.isfinite(score.value):
        why = f"{name} is undefined on these test rows" if len(chosen.rows) else "there are no test rows"
        return Verdict("cannot-tell", f"Can't tell: {why}.", score.to_json())
    rival, trivial = strongest_trivial(chosen, train_counts, metric, seed=seed)
    null = permuted_scores(chosen, metric, permutations, seed)
    p = float((1 + (metric.better * (null - score.value) >= -1e-12).sum()) / (1 + permutations))
    above = metric.better * (score.value - trivial) > 0
    outcome = "not-better" if not above else "better" if p <= LEVEL else "cannot-tell"
    more = _more(score.n, p) if outcome == "cannot-tell" else None
    numbers = {**score.to_json(), "trivial": trivial, "p": p, "more_rows": more}
    sentence = " ".join([_claim(outcome, name, numbers, rival), *_against(chosen, baselines, metric, name)])
    return Verdict(outcome, sentence, numbers)


def against_base(
    chosen: Outcomes, base: Outcomes, metric: Metric, *, name: str, base_name: str = "the base"
) -> Verdict:
    """Better: the chosen model is measurably better than what it was made of, on the same rows (95 % interval)."""
    score = interval(chosen, metric)
    if not np.isfinite(score.value):
        why = f"{name} is undefined on these test rows" if len(chosen.rows) else "there are no test rows"
        return Verdict("cannot-tell", f"Can't tell: {why}.", score.to_json())
    found, other = paired(chosen, base, metric), interval(base, metric)
    numbers = {
        **score.to_json(),
        "base": other.value,
        "difference": found.value,
        "more_rows": found.more_rows,
    }
    told = {"better": "better", "worse": "not-better", "cannot-tell": "cannot-tell"}
    heads = {
        "better": f"Better than {base_name}",
        "worse": f"Worse than {base_name}",
        "cannot-tell": f"Can't tell whether it is better than {base_name}",
    }
    more = f"; about {found.more_rows:,} more test rows would tell" if found.more_rows else ""
    sentence = (
        f"{heads[found.outcome]}: {name} {score.value:.3f}{_range(score.to_json())} on {score.n:,} test rows, "
        f"{base_name} reaches {other.value:.3f} (difference {found.value:+.3f}, {found.low:+.3f} to "
        f"{found.high:+.3f}){more}."
    )
    outcome: Any = told[found.outcome]
    return Verdict(outcome, sentence, numbers)


def strongest_trivial(
    predictions: Predictions, train_counts: Mapping[str, int], metric: Metric, *, seed: int = SEED
) -> tuple[str, float]:
    """(in words, score) of the best constant or of draws from the training prior (mean of 200 draws)."""
    prior = np.array([train_counts.get(label, 0) for label in predictions.labels], dtype=np.float64)
    prior = prior / prior.sum() if prior.sum() else np.full(len(prior), 1 / len(prior))
    blind = replace(predictions, probs=np.tile(prior, (len(predictions.rows), 1)))
    ones = np.ones(len(predictions.rows))
    candidates = np.unique(np.maximum(predictions.truth, 0))
    constants = [metric.value(replace(blind, guess=np.full(len(ones), label)), ones) for label in candidates]
    best = int(np.argmax(metric.better * np.array(constants)))
    generator = np.random.default_rng(seed)
    guesses = (generator.choice(len(prior), len(ones), p=prior) for _ in range(DRAWS))
    drawn = float(np.mean([metric.value(replace(blind, guess=guess), ones) for guess in guesses]))
    constant = float(constants[best])
    if metric.better * drawn > metric.better * constant:
        return "guessing by label frequency", drawn
    return f"always answering '{predictions.labels[candidates[best]]}'", constant


def permuted_scores(predictions: Predictions, metric: Metric, permutations: int, seed: int) -> np.ndarray:
    """Scores [permutations] of the same guesses against shuffled truth.

    Groups are shuffled as blocks and laid end to end over the rows: label counts are kept exactly, and
    labels of one group stay neighbours, so correlated rows do not pass for independent ones. Single-row
    groups: a plain shuffle.
    """
    order = np.argsort(predictions.groups, kind="stable")
    blocks = np.split(order, np.flatnonzero(np.diff(predictions.groups[order])) + 1)
    single = len(blocks) == len(order)
    generator, ones = np.random.default_rng(seed), np.ones(len(order))
    scores = np.empty(permutations)
    for index in range(permutations):
        moved = generator.permutation(len(blocks))
        source = order[moved] if single else np.concatenate([blocks[block] for block in moved])
        truth = np.empty_like(predictions.truth)
        truth[order] = predictions.truth[source]
        scores[index] = metric.value(replace(predictions, truth=truth), ones)
    return scores


def _more(n: int, p: float) -> int | None:
    """Rows missing until the same effect would reach the level: its z grows with the root of the rows."""
    return more_rows(n, NormalDist().inv_cdf(1 - p), Z) if p < 1 else None


def _claim(outcome: str, name: str, numbers: Mapping[str, Any], rival: str) -> str:
    head = {
        "better": "Better than guessing",
        "not-better": "Not better than guessing",
        "cannot-tell": "Can't tell",
    }
    measured = f"{name} {numbers['value']:.3f}{_range(numbers)} on {numbers['n']:,} test rows"
    against = f"{rival} reaches {numbers['trivial']:.3f}"
    if outcome == "better":
        return f"{head[outcome]}: {measured}; {against}."
    if outcome == "not-better":
        return f"{head[outcome]}: {measured}, but {against}."
    more = numbers["more_rows"]
    missing = (
        f"about {more:,} more test rows would tell" if more else "no honest number of more rows would tell"
    )
    return (
        f"{head[outcome]} whether it is better than guessing: {measured}, {against}, and chance alone does "
        f"as well in {100 * numbers['p']:.0f} of 100 shuffles; {missing}."
    )


def _range(numbers: Mapping[str, Any]) -> str:
    low, high = numbers["low"], numbers["high"]
    return "" if low is None or high is None else f" (95 % interval {low:.3f} to {high:.3f})"


def _against(
    chosen: Predictions, baselines: Mapping[str, Predictions], metric: Metric, name: str
) -> list[str]:
    sentences = []
    for rival, predictions in baselines.items():
        found = paired(chosen, predictions, metric)
        if not np.isfinite(found.value):
            continue
        told = {
            "better": "better than",
            "worse": "worse than",
            "cannot-tell": "not measurably different from",
        }
        reach = f"{found.value:+.3f} {name}, {found.low:+.3f} to {found.high:+.3f}"
        few = len(found.fixed) + len(found.broken) < FEWEST
        if found.outcome == "cannot-tell" and few:
            reach += f"; they differ in {len(found.fixed) + len(found.broken)} rows only"
        sentences.append(f"It is {told[found.outcome]} {rival} ({reach}).")
    return sentences
