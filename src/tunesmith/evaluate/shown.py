"""Values as the page shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

LONGEST = 600  # characters of a row that the page shows
NAMES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro-F1",
    "micro_f1": "Micro-F1",
    "weighted_f1": "Weighted F1",
    "mcc": "MCC",
    "log_loss": "Log loss",
    "ece": "ECE",
    "brier": "Brier score",
    "chrf": "chrF",
    "bleu": "BLEU",
    "rouge_l": "ROUGE-L",
    "token_f1": "Token F1",
    "json_valid": "Valid JSON",
    "stops": "Stops by itself",
    "kl_to_base": "KL to the base",
}


def title_of(metric: str) -> str:
    """A metric's name for people."""
    return NAMES.get(metric, metric.replace("_", " ").capitalize())


def number(value: float | None, digits: int = 3) -> str:
    """A number with a fixed count of digits; a dash for None."""
    return "–" if value is None else f"{value:.{digits}f}"


def score(found: Mapping[str, Any] | None) -> str:
    """A score with its interval, where it has one."""
    if not found or found["value"] is None:
        return "–"
    if found["low"] is None or found["high"] is None:
        return f"{found['value']:.3f}"
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def sentence(words: str) -> str:
    """Words with a capital at the start and a stop at the end."""
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def name_of(metric: str) -> str:
    """A metric's name inside a sentence."""
    return NAMES.get(metric) or title_of(metric).lower()


def signed(value: float | None) -> str:
    """A difference with its sign."""
    return "–" if value is None else f"{value:+.3f}"


def change(gain: float, better: int) -> str:
    """A gain as the move of a score: of one of which less is better, a gain is a fall."""
    return f"{better * gain:+.3f}"


def perplexity(loss: float) -> str:
    """exp of a loss in nats per token."""
    return f"{math.exp(loss):,.2f}" if loss < math.log(1e6) else "over 1,000,000"


def clip(text: str, longest: int = LONGEST) -> str:
    """The start of a text, with its length where it is cut."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters)"


def seconds(value: float | None) -> str:
    """A duration."""
    if value is None:
        return "–"
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} min {value % 60:.0f} s"


def size(value: float | None) -> str:
    """Bytes."""
    if value is None:
        return "–"
    if value < 1000:
        return f"{value:.0f} B"
    return f"{value / 1e6:,.1f} MB" if value >= 1e5 else f"{value / 1e3:,.1f} kB"
