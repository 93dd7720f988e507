"""Results as aligned lines for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunesmith.cli.console import clean, one_line, width
from tunesmith.cli.finding_lines import findings as findings

MARGIN = 10
ANSWERS = 3  # that an evaluation shows


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


def wrapped(texts: Iterable[str]) -> list[str]:
    """Texts as lines that fit behind the margin."""
    return [line for text in texts for line in textwrap.wrap(clean(text), max(30, width() - MARGIN))]


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


def tests(test: Mapping[str, Mapping[str, Any]], metrics: Sequence[str]) -> list[str]:
    """The scores of each model on the test rows; nothing where there are none."""
    rows = [[name, *(score(scores.get(metric)) for metric in metrics)] for name, scores in test.items()]
    return titled("Test", table([["", *map(title, metrics)], *rows])) if rows else []


def title(metric: str) -> str:
    from tunesmith.evaluate.report import title_of

    return title_of(metric)


def gate(gate: Mapping[str, Any] | None) -> list[str]:
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
    """Scores with intervals; then every class and what is confused most, or some answers."""
    lines = [f"{result['model']} on {result['data']}: {result['rows']:,} rows", ""]
    lines += table([[title(name), score(value), _on(value)] for name, value in result["scores"].items()])
    return lines + _classes(result) + _answers(result.get("answers", ())[:ANSWERS])


def _on(value: Mapping[str, Any]) -> str:
    return f"{value['n']:,} rows" if value["value"] is not None else "no row can be judged by it"


def _classes(result: Mapping[str, Any]) -> list[str]:
    if "classes" not in result:
        return []
    head = ["class", "F1", "precision", "recall", "rows"]
    lines = ["", *table([head, *map(_class, result["classes"])], right=(4,))]
    confused = [f"{pair[0]} taken for {pair[1]}: {pair[2]}" for pair in result["confused"]]
    return lines + (["", *titled("Confused", confused)] if confused else [])


def _answers(shown: Sequence[Mapping[str, Any]]) -> list[str]:
    """Some questions with what was said and what would be right."""
    lines: list[str] = []
    for each in shown:
        lines += ["", *titled("asked", [one_line(each["prompt"], 100)])]
        lines += titled("wanted", [one_line(each["reference"], 100)])
        lines += titled("said", [one_line(each["answer"], 100)])
    return lines


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


def models(found: Mapping[str, Any]) -> list[str]:
    """All registered models, a line each."""
    rows = [
        [each["ref"], each["stage"], each["created"], each["digest"][:12], each["folder"]]
        for each in found["models"]
    ]
    head = ["model", "stage", "created", "digest", "folder"]
    return table([head, *rows]) if rows else ["no models yet: tunesmith up DATA"]


def runs(found: Mapping[str, Any]) -> list[str]:
    """All runs, a line each."""
    rows = [[each["id"], each["status"], each["approach"], each["data"]] for each in found["runs"]]
    return (
        table([["run", "status", "approach", "data"], *rows]) if rows else ["no runs yet: tunesmith up DATA"]
    )


def model(found: Mapping[str, Any]) -> list[str]:
    """One version of a model."""
    lines = pairs({key: found[key] for key in ("ref", "stage", "created", "digest", "folder")})
    verdict, test = found.get("verdict"), found.get("test") or {}
    lines += ["", *paragraph("Verdict", verdict["sentence"])] if verdict else []
    lines += tests(test, found["metrics"])
    lines += gate(found.get("gate"))
    history = [" ".join(str(value) for value in entry.values()) for entry in found["history"]]
    return lines + (titled("History", history) if history else [])


def run(found: Mapping[str, Any]) -> list[str]:
    """One run."""
    lines = pairs({key: found[key] for key in ("id", "status", "verb", "approach", "data", "folder")})
    if found["again"]:
        lines.append(f"go on with: {found['again']}")
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
