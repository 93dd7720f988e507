"""Predictions and a whole report made up for tests: a support desk with seven queues."""

from __future__ import annotations

from typing import Any

import numpy as np

from tunesmith.evaluate import calibration, curves, report, suspects
from tunesmith.evaluate.compare import paired
from tunesmith.evaluate.intervals import Score
from tunesmith.evaluate.measure import measure, metric
from tunesmith.evaluate.verdict import verdict
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix, Place
from tunesmith.gate import judge
from tunesmith.parts import Predictions
from tunesmith.recipe.sections import Gate

QUEUES = (
    "billing",
    "delivery",
    "returns",
    "account access",
    "technical fault",
    "cancellation",
    "praise & other",
)
PRIOR = (0.28, 0.22, 0.16, 0.13, 0.11, 0.07, 0.03)
METRICS = (
    "macro_f1",
    "accuracy",
    "macro_precision",
    "macro_recall",
    "weighted_f1",
    "mcc",
    "log_loss",
    "ece",
    "brier",
)
TEXTS = (
    "I was charged twice for order 4471 and the second charge is still on my card. Please refund it.",
    "Where is my parcel? The tracking has said 'out for delivery' since Tuesday.",
    "The zip broke after two days. I would like to send the jacket back but there was no label in the box.",
    "Can't log in any more since the update, the reset mail never comes.",
    "app crashes when i open the cart on android 14, tried reinstalling",
    "Please end my subscription at the end of the month and confirm in writing.",
    "Just wanted to say that Dana on the phone was lovely!",
)


def predictions(
    n: int = 400,
    signal: float = 2.2,
    *,
    seed: int = 1,
    labels: tuple[str, ...] = QUEUES,
    prior: tuple[float, ...] | None = PRIOR,
    noise: int = 0,
) -> Predictions:
    """Random rows (a function of `seed` and `noise`); signal: how far the true label stands out in the logits."""
    truth = np.random.default_rng(seed).choice(len(labels), n, p=prior)
    logits = np.random.default_rng([seed, noise]).normal(size=(n, len(labels)))
    logits[np.arange(n), truth] += signal
    probs = calibration.softmax(logits * 1.7)
    rows = tuple(f"{i:064x}" for i in range(n))
    return Predictions(labels, probs, probs.argmax(1), truth, np.arange(n), rows)


def constant(like: Predictions, label: int = 0) -> Predictions:
    """The same rows, always answered with one label."""
    probs = np.tile(
        np.bincount(like.truth, minlength=len(like.labels)) / len(like.truth), (len(like.truth), 1)
    )
    return Predictions(
        like.labels, probs, np.full(len(like.truth), label), like.truth, like.groups, like.rows
    )


def sample_report(found: Predictions | None = None, texts: tuple[str, ...] = TEXTS) -> dict[str, Any]:
    """A report with every section."""
    chosen = predictions(signal=3.1, noise=1) if found is None else found
    n, macro = len(chosen.rows), metric("macro_f1")
    linear = predictions(n, 2.5, labels=chosen.labels, prior=None if found else PRIOR, noise=2)
    linear = Predictions(chosen.labels, linear.probs, linear.guess, linear.truth, linear.groups, linear.rows)
    if found is not None:
        linear = chosen
    majority = constant(chosen)
    places = [f"tickets.csv:{i + 2} (byte {i * 97 + 31})" for i in range(n)]
    words = [texts[t % len(texts)] for t in chosen.truth]
    records = [
        Record({"text": w}, Place("tickets.csv", i + 2), k)
        for i, (w, k) in enumerate(zip(words, chosen.rows, strict=True))
    ]
    scores = {
        name: {k: s.to_json() for k, s in measure(p, METRICS).items()}
        for name, p in {"chosen": chosen, "majority": majority, "linear": linear}.items()
    }
    told = verdict(
        chosen,
        {label: max(1, round(1000 * p)) for label, p in zip(QUEUES, PRIOR, strict=True)},
        {"linear": linear},
        macro,
        permutations=300,
    )
    difference = paired(chosen, linear, macro)
    sizes, values = (190, 475, 950, 1900), (0.71, 0.80, 0.845, 0.868)
    points = [Score(v, v - 0.03, v + 0.03, 400) for v in values]
    suspicious = suspects.suspects(chosen.probs, chosen.truth, chosen.labels, records)
    rungs = {
        "majority": ("", 0.0623, 0.281, 0.01, 400),
        "linear": ("words 1–2 + characters 2–4", 0.801, 0.842, 3.2, 2_310_000),
        "features": ("minilm, frozen", 0.862, 0.881, 31.0, 1_190_000),
        "tune": ("LoRA r16, top layers", 0.871, 0.889, 214.0, 3_420_000),
    }
    return {
        "title": "tickets.csv: which queue does a ticket belong to?",
        "created": "2026-11-20 14:31 UTC",
        "model": "tickets@1",
        "task": "text-classification",
        "metric": "macro_f1",
        "verdict": told.to_json(),
        "chosen": "features",
        "chosen_reason": "Chosen: features, the simplest that is not measurably worse than the best (tune).",
        "data": {
            "source": "tickets.csv",
            "version": "9f1c64d0b1f84c1fa8e35c0a4ce0b8d7",
            "rows": 2721,
            "splits": {"train": 1900, "validation": 421, "test": n},
            "mapping": [
                {"field": "text", "column": "body", "confidence": 0.97},
                {"field": "label", "column": "queue", "confidence": 0.99},
            ],
            "labels": {label: round(2721 * p) for label, p in zip(QUEUES, PRIOR, strict=True)},
            "findings": [
                finding.to_json()
                for finding in (
                    Finding("F003", "info", "the file begins with a byte-order mark", 1, fixed=True),
                    Finding("D101", "warning", "14 rows occur more than once", 14, fixed=True),
                    Finding("L201", "warning", "'Billing ' is another spelling of 'billing'", 23, fixed=True),
                    Finding(
                        "L203",
                        "warning",
                        "37 labels are likely wrong",
                        37,
                        fix=Fix("look at these rows and correct the file", "better labels"),
                    ),
                )
            ],
        },
        "ladder": [
            {
                "approach": name,
                "detail": detail,
                "scores": {
                    "macro_f1": {"value": f1, "low": f1 - 0.034, "high": f1 + 0.03, "n": 421},
                    "accuracy": {"value": acc, "low": acc - 0.03, "high": acc + 0.03, "n": 421},
                },
                "seconds": seconds,
                "bytes": size,
                "skipped": None,
            }
            for name, (detail, f1, acc, seconds, size) in rungs.items()
        ]
        + [
            {
                "approach": "tune",
                "detail": "full",
                "scores": {},
                "seconds": None,
                "bytes": None,
                "skipped": "would take about 9 min, 4 min are left (--budget 15m)",
            }
        ],
        "test": scores,
        "differences": [
            {
                "against": "linear",
                "value": difference.value,
                "low": difference.low,
                "high": difference.high,
                "outcome": difference.outcome,
                "fixed": len(difference.fixed),
                "broken": len(difference.broken),
            }
        ],
        "gate": judge(
            scores["chosen"], Gate.model_validate({"macro_f1": ">= 0.85", "ece": "<= 0.05"}), None
        ).to_json(),
        **report.about(chosen, words, places, temperature=1.31),
        "data_curve": {
            "points": [{"rows": s, "score": p.to_json()} for s, p in zip(sizes, points, strict=True)],
            "forecast": curves.forecast(sizes, points).to_json(),
        },
        "training": {
            "loss": [[s, 1.9 * np.exp(-s / 90) + 0.16 + 0.05 * np.sin(s)] for s in range(1, 360, 4)],
            "validation": [[60, 0.71], [120, 0.812], [180, 0.851], [240, 0.871], [300, 0.866], [360, 0.862]],
            "best_step": 240,
            "outcome": "fits",
            "sentence": curves.fit_diagnosis(0.962, [0.71, 0.812, 0.851, 0.871, 0.866, 0.862])[1],
        },
        "suspects": [
            s.to_json() | {"text": records[[r.key for r in records].index(s.row)].fields["text"]}
            for s in suspicious
        ],
        "recipe": 'task = "text-classification"\nbase = "minilm"\n\n[data]\nsource = "tickets.csv"\n'
        'fields = { text = "body", label = "queue" }\n\n[approach]\nname = "features"   # chosen by the ladder\n',
        "lineage": {"data": "9f1c64d0b1f8", "recipe": "41aa07be9d02", "model": "c7d1e0f27b64", "parent": "–"},
        "environment": {"tunesmith": "0.1.0", "python": "3.11.7", "cores": 2},
        "serve_command": "tunesmith serve tickets@1 --port 8080",
    }
