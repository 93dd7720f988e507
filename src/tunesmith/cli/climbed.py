"""What `up` and `train` end with, as lines for people: the ladder, what answers take, the choice, its proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith import catalog
from tunesmith.cli import tables
from tunesmith.cli.bar import duration

ASKED = {"label": "/v1/classify", "text": "/v1/chat/completions"}  # what a task predicts → where it is asked
LEAST = 1e-4  # money below which a sum is not told apart from nothing


def model_result(result: Mapping[str, Any]) -> list[str]:
    """What `up` and `train` end with: ladder, choice, proof, verdict, model, and what to do next."""
    lines = ladder(result["ladder"], result["metrics"])
    lines += ["", *taken] if (taken := answering(result["ladder"])) else []
    lines += ["", *tables.paragraph("Chosen", f"{result['chosen']}: {result['chosen_reason']}")]
    if result["test"].get("chosen"):
        lines += tables.tests(result["test"], result["metrics"])
    lines += tables.paragraph("Verdict", result["verdict"]["sentence"])
    lines += _tuned(result.get("tuned"), result["verdict"]["sentence"])
    lines += forgetting(result.get("forgetting"))
    lines += tables.paragraph("Prefers", found["sentence"]) if (found := result.get("preferences")) else []
    lines += tables.gate(result.get("gate"))
    lines += [
        "",
        *tables.titled("Model", [f"{result['model']}   {result['bundle']}"]),
        *tables.titled("Report", [result["report"]]),
    ]
    if result.get("rehearsal"):
        return [*lines, *tables.titled("", ["a rehearsal: nothing was registered and its folder is gone"])]
    if result.get("endpoint"):
        address = result["endpoint"]
        asked = ASKED[catalog.part("task", result["task"]).predicts]
        lines += tables.titled("Serving", [f"{address}   POST {asked}   docs: {address}/docs   stop: Ctrl-C"])
    else:
        lines += tables.titled("Serve", [result["serve_command"]])
    return lines + tables.titled(
        "Next", [f"tunesmith predict {result['model']} FILE", "tunesmith models promote " + result["model"]]
    )


def ladder(rungs: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> list[str]:
    """The rungs with their scores on the validation rows, seconds and sizes."""
    main, second = metrics
    rows = [["", "", f"{tables.title(main)} (95 % interval)", tables.title(second), "time", "size"]]
    skipped = []
    for number, rung in enumerate(rungs):
        if rung["skipped"]:
            skipped.append(f"{number} {rung['detail']}: skipped, {rung['skipped']}")
            continue
        scores = rung["scores"]
        other = scores.get(second, {}).get("value")
        rows.append(
            [
                str(number),
                rung["detail"],
                tables.score(scores.get(main)),
                f"{other:.3f}" if other is not None else "–",
                duration(rung["seconds"]),
                tables.size(rung["bytes"]),
            ]
        )
    return tables.titled("Ladder", [*tables.table(rows, right=(4, 5)), *tables.wrapped(skipped)])


def answering(rungs: Sequence[Mapping[str, Any]]) -> list[str]:
    """What 1,000 answers of each rung take: seconds, memory, money, and by what the money is reckoned."""
    known = [(str(n), rung["detail"], rung["answering"]) for n, rung in enumerate(rungs) if rung["answering"]]
    if not known:
        return []
    head = ["", "1,000 answers take", "time", "memory", known[0][2]["currency"]]
    rows = [
        [number, name, _long(each["seconds_per_1000"]), _held(each), _money(each["cost_per_1000"])]
        for number, name, each in known
    ]
    reasons: dict[str, list[str]] = {}
    for number, _, each in known:
        reasons.setdefault(each["priced"], []).append(number)
    by = [f"money {', '.join(numbers)}: {reason}" for reason, numbers in reasons.items()]
    timed = (
        f"timed on {known[0][2]['n']:,} validation rows, many at once, judging included; memory is computed"
    )
    return tables.titled(
        "Answers", [*tables.table([head, *rows], right=(2, 3, 4)), *tables.wrapped([timed, *by])]
    )


def _long(seconds: float) -> str:
    """Seconds that may be few: '0.4 s', '3 min 20 s'."""
    return f"{seconds:.2g} s" if seconds < 9.5 else duration(seconds)


def _held(each: Mapping[str, Any]) -> str:
    return "at the server" if each["memory_bytes"] is None else tables.size(each["memory_bytes"])


def _money(value: float | None) -> str:
    """Two digits that count; '?' where nobody knows."""
    if value is None:
        return "?"
    if 0 < value < LEAST:
        return f"<{LEAST:.4f}"
    return f"{value:.2f}" if value >= 0.095 or not value else f"{value:.2g}"


def _tuned(found: Mapping[str, Any] | None, verdict: str) -> list[str]:
    """What tuning did to the base, as far as the verdict does not say it already."""
    sentences = [each["sentence"] for each in (found or {}).get("comparisons", ())]
    told = [f"{found['rung']}: {said}" for said in sentences if found and said != verdict]
    return tables.titled("Tuned", tables.wrapped(told)) if told else []


def forgetting(found: Mapping[str, Any] | None) -> list[str]:
    """What the base knew and the model still does."""
    if not found:
        return []
    rung = f"{found['rung']}: " if found.get("rung") else ""
    lines = [f"{rung}{found['sentence']}", *(each["sentence"] for each in found["abilities"])]
    return tables.titled("Forgot", tables.wrapped(lines))
