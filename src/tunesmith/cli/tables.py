"""Results as aligned lines for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunesmith.cli.bar import duration
from tunesmith.cli.console import clean, one_line, width
from tunesmith.cli.finding_lines import findings as findings

MARGIN = 10


def table(rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Rows of cells as lines with two blanks between columns; `right`: columns that are aligned to the right."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if not cells:
        return []
    wide = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    aligned = set(right)
    return [
        "  ".join(
            cell.rjust(size) if column in aligned else cell.ljust(size)
            for column, (cell, size) in enumerate(zip(row, wide, strict=True))
        ).rstrip()
        for row in cells
    ]


def titled(title: str, lines: Sequence[str]) -> list[str]:
    """Lines behind a title in the margin."""
    first, *rest = lines or [""]
    return [f"{title:<{MARGIN}}{first}".rstrip(), *(" " * MARGIN + line for line in rest)]


def paragraph(title: str, text: str) -> list[str]:
    """A sentence or two, wrapped to the terminal."""
    return titled(title, textwrap.wrap(clean(text), max(30, width() - MARGIN)) or [""])


def score(value: Mapping[str, Any] | None) -> str:
    """'0.874 (0.848–0.897)'; a dash where there is none."""
    if not value or value.get("value") is None:
        return "–"
    low, high = value.get("low"), value.get("high")
    return f"{value['value']:.3f}" + (
        f" ({low:.3f}–{high:.3f})" if low is not None and high is not None else ""
    )


def size(count: float) -> str:
    """Bytes in words: '4 MB'."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if count else "–"
        count /= 1000
    return f"{count:.1f} GB"


def _tests(test: Mapping[str, Mapping[str, Any]], metrics: Sequence[str]) -> list[str]:
    """The scores of each model on the test rows; nothing where there are none."""
    rows = [[name, *(score(scores.get(metric)) for metric in metrics)] for name, scores in test.items()]
    return titled("Test", table([["", *map(_title, metrics)], *rows])) if rows else []


def _title(metric: str) -> str:
    from tunesmith.evaluate.report import title_of

    return title_of(metric)


def forgetting(found: Mapping[str, Any] | None) -> list[str]:
    """What the base knew and the model still does."""
    if not found:
        return []
    lines = [each["sentence"] for each in found["abilities"]]
    return titled("Forgot", [found["sentence"], *lines])


def ladder(rungs: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> list[str]:
    """The rungs with their scores on the validation rows, seconds and sizes."""
    main, second = metrics
    rows = [["", "", f"{_title(main)} (95 % interval)", _title(second), "time", "size"]]
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
                score(scores.get(main)),
                f"{other:.3f}" if other is not None else "–",
                duration(rung["seconds"]),
                size(rung["bytes"]),
            ]
        )
    wrapped = [line for text in skipped for line in textwrap.wrap(clean(text), max(30, width() - MARGIN))]
    return titled("Ladder", [*table(rows, right=(4, 5)), *wrapped])


def model_result(result: Mapping[str, Any]) -> list[str]:
    """What `up` and `train` end with: ladder, choice, proof, verdict, model, and what to do next."""
    lines = ladder(result["ladder"], result["metrics"])
    lines += ["", *titled("Chosen", [result["chosen"]])]
    if result["test"].get("chosen"):
        lines += _tests(result["test"], result["metrics"])
    lines += paragraph("Verdict", result["verdict"]["sentence"])
    lines += forgetting(result.get("forgetting"))
    lines += _gate(result.get("gate"))
    lines += [
        "",
        *titled("Model", [f"{result['model']}   {result['bundle']}"]),
        *titled("Report", [result["report"]]),
    ]
    if result.get("rehearsal"):
        return [*lines, *titled("", ["a rehearsal: nothing was registered and its folder is gone"])]
    if result.get("endpoint"):
        address = result["endpoint"]
        lines += titled("Serving", [f"{address}   POST /v1/classify   docs: {address}/docs   stop: Ctrl-C"])
    else:
        lines += titled("Serve", [result["serve_command"]])
    return lines + titled(
        "Next", [f"tunesmith predict {result['model']} FILE", "tunesmith models promote " + result["model"]]
    )


def _gate(gate: Mapping[str, Any] | None) -> list[str]:
    if not gate or (not gate["findings"] and gate["passed"]):
        return []
    return titled(
        "Gate",
        [
            "passed" if gate["passed"] else "NOT passed",
            *(clean(each["message"]) for each in gate["findings"]),
        ],
    )


def pairs(values: Mapping[str, Any]) -> list[str]:
    """Names and plain values below each other."""
    return table([[name, one_line(str(value), 160)] for name, value in values.items()])


def evaluation(result: Mapping[str, Any]) -> list[str]:
    """Scores with intervals, every class, and what is confused most."""
    lines = [f"{result['model']} on {result['data']}: {result['rows']:,} rows", ""]
    lines += table([[name, score(value)] for name, value in result["scores"].items()])
    lines += [
        "",
        *table([["class", "F1", "precision", "recall", "rows"], *map(_class, result["classes"])], right=(4,)),
    ]
    confused = [f"{pair[0]} taken for {pair[1]}: {pair[2]}" for pair in result["confused"]]
    return lines + (["", *titled("Confused", confused)] if confused else [])


def _class(each: Mapping[str, Any]) -> list[str]:
    return [
        each["label"],
        *(score(each[name]) for name in ("f1", "precision", "recall")),
        f"{each['support']:,}",
    ]


def comparison(result: Mapping[str, Any]) -> list[str]:
    """The models' scores, and each one's paired difference from the first."""
    metric = result["metric"]
    rows = [
        [each["model"], *(score(value) for value in each["scores"].values())] for each in result["models"]
    ]
    lines = table([["", *result["models"][0]["scores"]], *rows])
    for each in result["differences"]:
        more = f"; about {each['more_rows']:,} more rows would tell" if each["more_rows"] else ""
        lines.append("")
        lines.append(
            f"{each['model']} against {each['against']}: {metric} {each['value']:+.3f} "
            f"({each['low']:+.3f}…{each['high']:+.3f}), {each['outcome']}{more}"
        )
        lines.append(f"  {each['fixed']} rows fixed, {each['broken']} broken")
        for kind in ("fixed", "broken"):
            lines += [
                f"  {kind:<7} {row['place']}  {one_line(row['text'], 70)}" for row in each[f"{kind}_rows"][:5]
            ]
    return lines


def model(found: Mapping[str, Any]) -> list[str]:
    """One version of a model."""
    lines = pairs({key: found[key] for key in ("ref", "stage", "created", "digest", "folder")})
    verdict, test = found.get("verdict"), found.get("test") or {}
    lines += ["", *paragraph("Verdict", verdict["sentence"])] if verdict else []
    lines += _tests(test, found["metrics"])
    lines += _gate(found.get("gate"))
    history = [" ".join(str(value) for value in entry.values()) for entry in found["history"]]
    return lines + (titled("History", history) if history else [])


def run(found: Mapping[str, Any]) -> list[str]:
    """One run."""
    lines = pairs({key: found[key] for key in ("id", "status", "approach", "data", "folder")})
    if found["status"] == "interrupted":
        lines.append(f"go on with: tunesmith train --resume {found['id']}")
    if found.get("error"):
        lines.append(f"error[{found['error'].get('code', 'X000')}] {found['error'].get('found', '')}")
    counts = ", ".join(f"{count} {kind}" for kind, count in found["events"].items())
    return [*lines, f"events   {counts}", "", *clean(found["recipe"]).splitlines()]


def doctor(found: Mapping[str, Any]) -> list[str]:
    """The machine, its libraries, the bases, and what to install."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items() if version)
    facts = {
        "system": found["system"],
        "cores": found["cores"],
        "memory": f"{found['memory_gb']} GB",
        "free disk": f"{found['disk_free_gb']} GB",
        "home": found["home"] + ("" if found["home_writable"] else "   NOT writable"),
        "libraries": versions,
        **{f"base {name}": state for name, state in found["bases"].items()},
    }
    install = [f"fix      {command}" for command in found["install"]]
    return [*pairs(facts), "", *(install or ["nothing is missing"])]
