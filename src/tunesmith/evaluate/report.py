"""The report: one JSON value, and the same as a self-contained page that opens offline.

Every key but `title` may be missing; its section is then left out.  Score: {value, low, high, n}, null where unknown.

title, created (ISO 8601), model ("tickets@3"), task, metric (main score), serve_command
verdict       {outcome: better | not-better | cannot-tell, sentence}
data          {source, version, rows, splits: {name: rows}, mapping: [{field, column, confidence}],
               labels: {label: rows}, findings: [Finding.to_json()]}
ladder        [{approach, detail, scores: {metric: Score}, seconds, bytes, skipped: null | reason}]
chosen        approach of the ladder that was chosen;  chosen_reason: one sentence
test          {"chosen" | "majority" | "linear" | …: {metric: Score}}
differences   [{against, value, low, high, outcome, fixed, broken}]   fixed, broken: numbers of rows
classes       [ClassScores.to_json()]
confusion     {labels, counts (rows: truth), pairs: [[truth, guess, rows]]}
calibration   {temperature, ece: Score, bins: [[confidence, right, rows]], curve: [[coverage, error]],
               threshold, coverage, error}
data_curve    {points: [{rows, score: Score}], forecast: Forecast.to_json()}
training      {loss: [[step, loss]], validation: [[step, score]], best_step, outcome, sentence}
worst         [{place, text, label, guess, confidence}]
answers       [{prompt, reference, base, answer, gain}]   of models that answer in words
forgetting    {abilities: [Ability.to_json()], kl_to_base: Score or null, sentence, source}; sentence alone where it
               could not be measured
preferences   {rows, left_out, scores: {metric: Score}, guessing: {metric: value}, length: {rule, chosen, rejected,
               unit, accuracy: Score, agrees, gain: {value, low, high, n, outcome, more_rows}}, sentence}
gate          {passed, findings: [Finding.to_json()]}
suspects      [{place, text, label, suggested, times}]
recipe        the resolved recipe as TOML text;  lineage, environment: {name: value}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tunesmith import catalog
from tunesmith.evaluate import measure, plots, shown
from tunesmith.evaluate.evidence import MOST_LABELS, about, worst
from tunesmith.evaluate.shown import title_of
from tunesmith.store import files

__all__ = ["about", "in_order", "render", "title_of", "to_json", "worst"]

WEAKEST = 15
LONG_ANSWER = 300  # of a text in the table of answers
ORDER = (  # of splits, models and scores
    *("train", "validation", "test", "chosen", "prompt", "linear", "majority"),
    *("macro_f1", "accuracy", "balanced_accuracy", "macro_precision", "macro_recall"),
    *("weighted_f1", "weighted_precision", "weighted_recall", "micro_f1", "micro_precision", "micro_recall"),
    *("mcc", "log_loss", "ece", "brier"),
    *("chrf", "rouge_l", "token_f1", "exact_match", "final_number", "bleu", "loss", "perplexity"),
)


def to_json(report: Mapping[str, Any]) -> str:
    """The report as canonical JSON text: `report.json`."""
    return files.canonical_json(report).decode("utf-8")


def render(report: Mapping[str, Any]) -> str:
    """The report as one HTML page without scripts or outside resources; all text from the data is escaped."""
    return _template().render(
        r=report,
        metric=report.get("metric", "macro_f1"),
        plots=plots,
        figures=_figures(report),
        weakest=WEAKEST,
        most_labels=MOST_LABELS,
        LONG_ANSWER=LONG_ANSWER,
        better=_better(report.get("metric", "macro_f1")),
        lower=[shown.title_of(name) for name in _scores_shown(report) if _better(name) < 0],
    )


@cache
def _template() -> Any:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {
        "title_of": shown.title_of,
        "rung_name": _rung,
        "number": shown.number,
        "score": shown.score,
        "seconds": shown.seconds,
        "size": shown.size,
        "weakest_first": _weakest_first,
        "in_order": in_order,
        "clip": shown.clip,
        "signed": shown.signed,
        "sentence": shown.sentence,
        "name_of": shown.name_of,
        "change": shown.change,
        "perplexity": shown.perplexity,
        "by_gain": _by_gain,
    }
    return environment.from_string(Path(__file__).with_name("page.html.j2").read_text("utf-8"))


def _figures(report: Mapping[str, Any]) -> dict[str, Any]:
    """The charts for which there are values."""
    found: dict[str, Any] = {}
    if curve := report.get("calibration"):
        spot = (curve["coverage"], curve["error"]) if curve.get("coverage") is not None else None
        found["reliability"] = plots.reliability(curve["bins"])
        found["coverage"] = plots.coverage(curve["curve"], spot)
    if curve := report.get("data_curve"):
        known = [point for point in curve["points"] if point["score"]["value"] is not None]
        points = [(p["rows"], *(p["score"][k] for k in ("value", "low", "high"))) for p in known]
        label = shown.title_of(report.get("metric", "macro_f1"))
        found["data"] = points and plots.data_curve(points, curve["forecast"]["curve"], label)
    training = report.get("training") or {}
    if training.get("loss"):
        found["loss"] = plots.series(_thinned(training["loss"]), "step", "training loss", "two")
    if len(training.get("validation") or ()) > 1:
        label = f"validation {shown.title_of(training.get('metric', report.get('metric', 'macro_f1')))}"
        found["validation"] = plots.series(
            training["validation"], "step", label, "one", training.get("best_step")
        )
    confusion = report.get("confusion")
    if confusion and 0 < len(confusion["labels"]) <= MOST_LABELS:
        found["confusion"] = plots.heat_map(confusion["labels"], confusion["counts"])
    if rows := _ladder_rows(report):
        found["ladder"] = plots.dots(
            rows, f"{shown.title_of(report.get('metric', 'macro_f1'))} on validation rows"
        )
    return found


def _thinned(points: Sequence[Sequence[float]]) -> list[list[float]]:
    """At most about 300 points: means of neighbours, so that a long run still draws a readable line."""
    size = -(-len(points) // 300)
    parts = [points[start : start + size] for start in range(0, len(points), size)]
    return [[part[-1][0], sum(value for _, value in part) / len(part)] for part in parts]


def _ladder_rows(report: Mapping[str, Any]) -> list[tuple[str, float, float | None, float | None, bool]]:
    metric = report.get("metric", "macro_f1")
    rungs = [
        rung for rung in report.get("ladder", []) if not rung.get("skipped") and metric in rung["scores"]
    ]
    scores = [(rung, rung["scores"][metric]) for rung in rungs]
    return [
        (_rung(rung), score["value"], score["low"], score["high"], _is_chosen(report, rung))
        for rung, score in scores
        if score["value"] is not None
    ]


def _rung(rung: Mapping[str, Any]) -> str:
    """The rung's name; its detail alone where that begins with the approach's name."""
    detail = rung.get("detail") or ""
    return detail if detail.startswith(rung["approach"]) else f"{rung['approach']} · {detail}".rstrip(" ·")


def _is_chosen(report: Mapping[str, Any], rung: Mapping[str, Any]) -> bool:
    return bool(rung.get("chosen", rung["approach"] == report.get("chosen")))


def in_order(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Items in the order in which people read them, whatever the order of keys in the JSON."""
    return sorted(
        values.items(), key=lambda item: (ORDER.index(item[0]) if item[0] in ORDER else len(ORDER), item[0])
    )


def _by_gain(
    answers: Sequence[Mapping[str, Any]],
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """(rows that gained most, the others from the one that lost most), half and half of those whose gain is known."""
    known = sorted(
        (row for row in answers if row.get("gain") is not None), key=lambda row: row["gain"], reverse=True
    )
    half = (len(known) + 1) // 2
    return known[:half], known[half:][::-1]


def _scores_shown(report: Mapping[str, Any]) -> list[str]:
    return [name for name, _ in in_order(report.get("test", {}).get("chosen", {}))]


def _better(name: str) -> int:
    """+1 where more is better; a score that is not installed here counts as such."""
    known = {each.replace("-", "_") for each in catalog.names("metric")}
    return measure.metric(name).better if name in known else 1


def _weakest_first(classes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(classes, key=lambda c: (c["f1"] is None, c["f1"]["value"] if c["f1"] else 0.0, c["label"]))
