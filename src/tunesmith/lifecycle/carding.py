"""`data card`: what is known of a data set as README.md in the hub's dataset-card form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith.data import statistics
from tunesmith.errors import UsageError
from tunesmith.events import Event, Finished, Saved
from tunesmith.findings import Finding
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets, dividing, examining, exporting
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.known import Wanted
from tunesmith.lifecycle.results import Result
from tunesmith.store import files

# content → the hub's name of what it is for; a content that is not here gets none
TASKS = {
    "labelled": "text-classification",
    "multilabel": "text-classification",
    "pair": "text-classification",
    "chat": "text-generation",
    "preference": "text-generation",
    "unpaired": "text-generation",
    "document": "text-generation",
    "tags": "token-classification",
    "spans": "token-classification",
    "rewrite": "translation",
}
SIZES = ((1e3, "n<1K"), (1e4, "1K<n<10K"), (1e5, "10K<n<100K"), (1e6, "100K<n<1M"), (1e7, "1M<n<10M"))
LABELS = 50  # that the card lists


def card(
    ref: str,
    *,
    licence: str = "",
    language: Sequence[str] = (),
    out: str = "",
    form: str = "",
    fields: Mapping[str, str] | None = None,
    home: Path | str | None = None,
) -> Iterator[Event]:
    """The card as text, and as a file where `out` names one: Finished(Result).

    licence: an SPDX identifier, else what the sources say.  language: ISO 639 codes; what a card does not say, is not
    guessed.  Raises UsageError F039 where `out` is there already.
    """
    place = home_folder(home)
    if out and Path(out).exists():
        raise UsageError(
            "F039",
            f"{out} is there already",
            expected="a name that is free: nothing is written over",
            fixes=(f"tunesmith data card {ref} --out {Path(out).stem}-2.md",),
            where=out,
        )
    found = yield from datasets.opened(ref, place, form=form, fields=fields, licence=licence)
    sides = dividing.sides(found, place)
    findings = yield from examining.examined(found, Wanted(home=place), {})
    figures = statistics.statistics(found.records, found.content, sides)
    text = _text(found, figures, findings, language)
    if out:
        digest = files.write(Path(out), text.encode("utf-8", "replace"))
        yield Saved("card", out, digest)
    yield Finished(Result({"data": ref, "version": found.digest, "file": out, "card": text}))


def _text(
    found: Dataset, figures: Mapping[str, Any], findings: Sequence[Finding], language: Sequence[str]
) -> str:
    parts = (
        _front(found, figures, language),
        _what(found, figures),
        _sources(found),
        _fields(found),
        _statistics(figures),
        _steps(found),
        _problems(findings),
        _personal(findings),
        _use(found),
    )
    return "\n\n".join(parts) + "\n"


def _front(found: Dataset, figures: Mapping[str, Any], language: Sequence[str]) -> str:
    """The YAML between the dashes; texts are quoted as JSON, which YAML reads."""
    rows = figures["rows"]
    size = next((name for limit, name in SIZES if rows < limit), "n>10M")
    licences = _licences(found)
    lines = [
        f"license: {json.dumps(licences[0].lower() if len(licences) == 1 else 'other' if licences else 'unknown')}"
    ]
    lines += _listed("language", language)
    lines += _listed("task_categories", [TASKS[found.content_name]] if found.content_name in TASKS else [])
    lines += [*_listed("size_categories", [size]), f"pretty_name: {json.dumps(found.name)}"]
    lines += _listed("tags", ["tunesmith", found.content_name])
    sides = [side for side in figures.get("sides", {}) if side != "none"]
    paths = [(side, f"{side}.{exporting.FILES}") for side in sides] or [
        ("train", f"{found.name}.{exporting.FILES}")
    ]
    lines += ["configs:", "- config_name: default", "  data_files:"]
    lines += [
        line for side, path in paths for line in (f"  - split: {side}", f"    path: {json.dumps(path)}")
    ]
    return "\n".join(("---", *lines, "---"))


def _listed(name: str, values: Iterable[str]) -> list[str]:
    items = [f"- {json.dumps(value)}" for value in values]
    return [f"{name}:", *items] if items else []


def _licences(found: Dataset) -> list[str]:
    return sorted({str(each["licence"]) for each in found.sources if each.get("licence")})


def _what(found: Dataset, figures: Mapping[str, Any]) -> str:
    version = f"Version `{found.digest[:12]}`" if found.digest else "A file that was not saved as a version"
    return f"# {found.name}\n\n{version}: {figures['rows']:,} rows of the content *{found.content_name}*."


def _section(title: str, lines: Sequence[str], otherwise: str = "") -> str:
    return f"## {title}\n\n" + ("\n".join(lines) if lines else otherwise)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    cells = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in cells]


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")


def _sources(found: Dataset) -> str:
    rows = [
        (each["name"], each.get("sha256", ""), each.get("licence") or "not said") for each in found.sources
    ]
    return _section("Sources", _table(("file", "SHA-256", "licence"), rows))


def _fields(found: Dataset) -> str:
    known = {each.name: f"{each.role}, {each.kind}" for each in found.content.fields}
    return _section(
        "Fields", _table(("field", "what it is"), [(f, known.get(f, "context")) for f in found.fields])
    )


def _statistics(figures: Mapping[str, Any]) -> str:
    doubles, lengths = figures["duplicates"], figures["lengths"]["text"]
    facts = [
        ("rows", f"{figures['rows']:,}"),
        (
            "characters of a text",
            f"{lengths.get('p50', 0):.0f} (median), {lengths.get('max', 0):.0f} (longest)",
        ),
        ("tokens, about", f"{figures['tokens']:,}"),
        ("rows with the text of another", f"{doubles['exact']:,} exactly"),
        ("scripts", ", ".join(f"{name or 'none'} {rows:,}" for name, rows in figures["scripts"].items())),
    ]
    lines = _table(("figure", "value"), facts)
    if sides := figures.get("sides"):
        lines += [
            "",
            "### Splits",
            "",
            *_table(("side", "rows"), [(s, f"{v['rows']:,}") for s, v in sides.items()]),
        ]
    if labels := figures.get("labels"):
        shown = [(name, f"{v['rows']:,}", f"{v['share']:.1%}") for name, v in list(labels.items())[:LABELS]]
        more = [f"\n… and {len(labels) - LABELS:,} more labels"] if len(labels) > LABELS else []
        lines += ["", "### Labels", "", *_table(("label", "rows", "share"), shown), *more]
    return _section("Statistics", lines)


def _steps(found: Dataset) -> str:
    lines = [f"{number}. {_step(step)}" for number, step in enumerate(found.steps, 1)]
    fixed = [f"- {each.code}: {each.message}" for each in found.findings if each.fixed]
    lines += ["", f"What the last step mended ({len(found.changes):,} changes):", "", *fixed] if fixed else []
    return _section("How it was made", lines)


def _step(step: Mapping[str, Any]) -> str:
    options = {key: value for key, value in step.items() if key != "verb" and value not in ("", [], {}, None)}
    return f"`{step['verb']}`" + (f" {_cell(json.dumps(options, ensure_ascii=False))}" if options else "")


def _problems(findings: Sequence[Finding]) -> str:
    lines = [
        f"- {each.severity} {each.code}: {_cell(each.message)}" for each in findings if each.code[0] != "P"
    ]
    return _section("Known problems", lines, "No check found any.")


def _personal(findings: Sequence[Finding]) -> str:
    found = [f"- {each.code}: {_cell(each.message)}" for each in findings if each.code[0] == "P"]
    note = "\n\nThe scan looks for patterns (addresses, numbers, keys); names and addresses of people it does not know."
    return _section("Personal data", found, "The scan found none.") + note


def _use(found: Dataset) -> str:
    task = TASKS.get(found.content_name, found.content_name)
    licence = (
        ", ".join(_licences(found))
        or "no licence is known: ask the owner of the sources before you pass it on"
    )
    return _section("Intended use", [f"Training and evaluating models for {task}. Licence: {licence}."])
