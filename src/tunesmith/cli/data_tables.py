"""What the commands on data sets show: rows, figures, differences, lineage, as aligned lines."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunesmith.cli.console import one_line
from tunesmith.cli.tables import table, titled

WIDE = 60  # characters of a value that is shown
CONTEXT = 20  # characters that are shown before what changed
HIDDEN = {"Cf", "Co", "Cn", "Mn", "Zl", "Zp"}  # categories of signs that can't be seen by themselves
LABELS = 20

Result = Mapping[str, Any]


def value(what: Any) -> str:
    """A value on one line: texts as they are, others as JSON."""
    return one_line(what if isinstance(what, str) else json.dumps(what, ensure_ascii=False), WIDE)


def pair(before: Any, after: Any) -> str:
    """'before → after'; of long texts the part in which they differ, with what can't be seen as escapes."""
    old, new = (
        each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in (before, after)
    )
    start = next((at for at, (one, two) in enumerate(zip(old, new, strict=False)) if one != two), 0)
    start = max(0, start - CONTEXT) if max(len(old), len(new)) > WIDE else 0
    return " → ".join(one_line(("…" if start else "") + _seen(each[start:]), WIDE) for each in (old, new))


def _seen(text: str) -> str:
    hidden = (letter for letter in set(text) if unicodedata.category(letter) in HIDDEN)
    return text.translate({ord(letter): f"\\u{ord(letter):04x}" for letter in hidden})


def version_of(found: Result) -> str:
    """'tickets@2  0f3a…', or that there is none yet."""
    digest = str(found.get("digest", ""))[:12]
    return f"{found['version']}  {digest}" if found["version"] else "not saved"


def written(found: Result) -> list[str]:
    """The files that were written, where there are any."""
    files = [f"{each['file']}  {each['rows']:,} rows" for each in found.get("files", ())]
    return titled("Files", files) if files else []


def rows_of(rows: Iterable[Result]) -> list[str]:
    """Rows with their ids and fields as a table."""
    return table(
        [each["row"], each.get("code") or each.get("side") or "", *_values(each["fields"])]
        for each in _even(rows)
    )


def _even(rows: Iterable[Result]) -> list[Result]:
    """The rows with the same fields, so that they fit a table."""
    listed = list(rows)
    names = dict.fromkeys(name for row in listed for name in row["fields"])
    return [{**row, "fields": {name: row["fields"].get(name, "") for name in names}} for row in listed]


def _values(fields: Result) -> list[str]:
    return [value(each) for each in fields.values()]


def more(count: int, listed: Sequence[Any]) -> list[str]:
    """A line for what is not listed."""
    return [f"… and {count - len(listed):,} more"] if count > len(listed) else []


def card(found: Result) -> list[str]:
    """The card, or the file that it went to."""
    return [found["file"]] if found["file"] else found["card"].splitlines()


def shown(found: Result) -> list[str]:
    """Rows of a data set."""
    lines = _about(found)
    rows = found["shown"]
    return [*lines, "", *(rows_of(rows) if rows else ["no such row"]), *more(found["matching"], rows)]


def _about(found: Result) -> list[str]:
    broken = f", {found['broken']:,} broken" if found["broken"] else ""
    about = f"{found['rows']:,} rows of {found['content']}{broken} · fields {', '.join(found['fields'])}"
    return [*titled("Data", [f"{found['data']}  {version_of(found)}"]), *titled("", [about])]


def stats(found: Result) -> list[str]:
    """Figures of a data set."""
    lines = _about(found)
    for name, quantiles in found["lengths"].items():
        told = "  ".join(f"{key} {number:,.0f}" for key, number in quantiles.items())
        lines += titled(name.capitalize(), [f"characters: {told}"]) if told else []
    doubles = found["duplicates"]
    near = "not looked for" if doubles["near"] is None else f"{doubles['near']:,} nearly"
    lines += titled(
        "Doubles", [f"{doubles['exact']:,} rows have the text of another; {near} (those included)"]
    )
    lines += titled(
        "Scripts", [", ".join(f"{name or 'none'} {rows:,}" for name, rows in found["scripts"].items())]
    )
    lines += titled("Tokens", [f"about {found['tokens']:,}"])
    labels = found.get("labels", {})
    rows = [
        [name, f"{each['rows']:,}", f"{each['share']:.1%}"] for name, each in list(labels.items())[:LABELS]
    ]
    lines += titled("Labels", [*table(rows, right=(1, 2)), *more(len(labels), rows)]) if rows else []
    sides = [[side, f"{each['rows']:,}"] for side, each in found.get("sides", {}).items()]
    return lines + (titled("Sides", table(sides, right=(1,))) if sides else [])


def difference(found: Result) -> list[str]:
    """What came, went and changed."""
    counts = found["counts"]
    lines = [f"{side.upper():<10}{found[side]['data']}  {found[side]['rows']:,} rows" for side in ("a", "b")]
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    lines += titled("Rows", [f"{found['same']:,} the same, {told}"])
    for name in ("came", "went"):
        if found[name]:
            lines += [
                "",
                *titled(name.capitalize(), [*rows_of(found[name]), *more(counts[name], found[name])]),
            ]
    if found["changed"]:
        edits = [
            f"{each['row']}  {field}: {pair(*both)}"
            for each in found["changed"]
            for field, both in each["fields"].items()
        ]
        lines += ["", *titled("Changed", [*edits, *more(counts["changed"], found["changed"])])]
    labels = [
        [name, f"{old:,}", "→", f"{new:,}"] for name, (old, new) in list(found["labels"].items())[:LABELS]
    ]
    rest = more(len(found["labels"]), labels)
    return lines + (["", *titled("Labels", [*table(labels, right=(1, 3)), *rest])] if labels else [])


def versions(found: Sequence[Result]) -> list[str]:
    """All versions, one line each; * marks what the bare name stands for."""
    if not found:
        return ["no versions yet: tunesmith data fix DATA"]
    head = ["version", "", "rows", "step", "parent", "licence", "when", "digest"]
    rows = [
        [
            each["version"],
            "*" if each["current"] else "",
            "gone" if each["rows"] is None else f"{each['rows']:,}",
            each["step"],
            each["parent"],
            ", ".join(each["licences"]),
            each["at"][:16].replace("T", " "),
            each["digest"][:12],
        ]
        for each in found
    ]
    return table([head, *rows], right=(2,))


def lineage(found: Result) -> list[str]:
    """The tree of a version, newest first, each generation further in."""
    lines = _branch(found, "")
    heirs = [f"{each['version']} ({each['verb']})" for each in found["children"]]
    return lines + (["", *titled("Children", heirs)] if heirs else [])


def _branch(node: Result, margin: str) -> list[str]:
    rows = "rows gone" if node["rows"] is None else f"{node['rows']:,} rows"
    step = {
        key: each for key, each in node["step"].items() if key != "verb" and each not in ("", [], {}, None)
    }
    verb = node["step"].get("verb", "made")
    lines = [
        f"{margin}{node['version']}  {node['digest'][:12]}  {rows}  ← {verb} {value(step) if step else ''}".rstrip()
    ]
    lines += [f"{margin}   used by {each['kind']} {each['ref']} as {each['as']}" for each in node["used_by"]]
    if not node["parents"]:
        lines += [f"{margin}   source {_source(each)}" for each in node["sources"]]
    return [*lines, *(line for each in node["parents"] for line in _branch(each, margin + "   "))]


def _source(each: Result) -> str:
    return f"{each['name']}  {str(each.get('sha256', ''))[:12]}  {each.get('licence') or 'licence not said'}"
