"""The results as a table in Markdown: one line for each comparison, its goals beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HEAD = (
    "row",
    "peer",
    "ratio [95 %]",
    "ours, peer",
    "floor, goal",
    "outcome",
    "quality: ours, peer",
    "peak memory",
    "CPU",
)
START, END = "<!-- table: python -m bench page -->", "<!-- end of table -->"
BOUNDS = {"at least": "≥", "at most": "≤"}
SIZES = ((1e9, "G"), (1e6, "M"))


def results(folder: Path) -> list[dict[str, Any]]:
    """The newest whole result of each part that was measured, in the order of rows."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict) or found.get("quick") or "parts" not in found:
            continue
        about = {key: each for key, each in found.items() if key != "parts"}
        for part in found["parts"]:
            newest[part["row"], part["part"]] = {**part, "about": about, "file": path.name}
    return [newest[key] for key in sorted(newest)]


def markdown(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of the table; the work of each row stands below it."""
    lines = [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    lines += [f"| {' | '.join(cells)} |" for part in parts for cells in _lines(part)]
    return [
        *lines,
        "",
        *(
            f"- **{name(part)}**: {part['work'].rstrip('.')}.{_control(part)}{_mfu(part)}{_ended(part)}"
            for part in parts
        ),
    ]


def into(text: str, lines: Sequence[str]) -> str:
    """A page with the table between its two marks; raises ValueError where it has none."""
    before, found, rest = text.partition(START)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise ValueError(f"the page has no {START} … {END}")
    return before + START + "\n" + "\n".join(lines) + "\n" + END + after


def name(part: Mapping[str, Any]) -> str:
    """Row and part, as the table says it."""
    return f"{part['row']} {part['part']}".strip()


def number(value: float | None) -> str:
    """Three digits that mean something; a dash for none."""
    if value is None:
        return "–"
    for size, word in SIZES:
        if abs(value) >= size:
            return f"{value / size:.2f} {word}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _lines(part: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for column, found in part["columns"].items():
        if "ratios" not in found:
            why = "cannot" if found.get("cannot") and "failed" not in found else "failed"
            yield (
                name(part),
                f"{column}: {', '.join(found.get('cannot', {})) or why}",
                why,
                *[""] * (len(HEAD) - 3),
            )
            continue
        for measure in measures(part, column):
            yield _line(part, column, found, measure)


def measures(part: Mapping[str, Any], column: str) -> list[str]:
    """Seconds always, and what has a goal of its own; goals over all columns stand in the line of seconds."""
    asked = [each["measure"] for each in part["verdicts"] if each["column"] == column]
    return list(dict.fromkeys(["seconds", *asked]))


def _line(part: Mapping[str, Any], column: str, found: Mapping[str, Any], measure: str) -> tuple[str, ...]:
    goals = [each for each in part["verdicts"] if (each["column"], each["measure"]) == (column, measure)]
    ours, theirs = (_spent(found["medians"][side], measure) for side in ("A", "B"))
    return (
        name(part),
        f"{column}: {found['arms'][1]['name']}"
        + ("" if measure == "seconds" else f" ({measure.replace('_', ' ')})"),
        ratio(found["ratios"][measure]),
        f"{ours}, {theirs}",
        "; ".join(f"{each['floor']:g}×, {goal(each)}" for each in goals),
        "; ".join(each["outcome"] for each in goals),
        _quality(found),
        ratio(found["ratios"]["peak"]) + _lean(part, column),
        ratio(found["ratios"]["cpu"]),
    )


def ratio(found: Mapping[str, Any] | None) -> str:
    """'3.1× [2.9, 3.3] of 4'; '≥ 3.1× of 1' where the peer, '≤ 0.4× of 1' where ours was stopped before its goal."""
    if found is None:
        return "not reached"
    if found.get("bound"):
        return f"{BOUNDS[found['bound']]} {found['value']:.2f}× of {found['pairs']}"
    return f"{found['value']:.2f}× [{found['low']:.2f}, {found['high']:.2f}] of {found['pairs']}"


def _spent(medians: Mapping[str, Any], measure: str) -> str:
    """A side's number, or that it did not reach its goal."""
    if measure == "seconds" and medians.get("bound"):
        return medians["bound"]
    return number(medians[measure]) + (" s" if measure == "seconds" else "")


def goal(verdict: Mapping[str, Any]) -> str:
    """The goal's figure, or a dash."""
    return f"{verdict['goal']:g}×" if verdict["goal"] is not None else "–"


def _lean(part: Mapping[str, Any], column: str) -> str:
    lean = [each for each in part["verdicts"] if each["column"] == "leanest" and each["ratio"]]
    mine = [each for each in lean if each["ratio"] == part["columns"][column]["ratios"][each["measure"]]]
    return "".join(f" (leanest; {each['floor']:g}×, {goal(each)}: {each['outcome']})" for each in mine)


def _quality(found: Mapping[str, Any]) -> str:
    quality = found["quality"]
    if not quality:
        return ""
    if not isinstance(quality["ours"], Mapping):
        return f"{quality['key']}: {quality['ours']}, {quality['theirs']}"
    key = quality["key"]
    said = f"{key} {quality['ours'][key]:.4g}, {quality['theirs'][key]:.4g}"
    if "difference" in quality:
        apart = quality["difference"]
        said += f"; apart {apart['mean']:+.4f} [{apart['low']:+.4f}, {apart['high']:+.4f}], n {apart['n']}"
    return said


def _control(part: Mapping[str, Any]) -> str:
    control = part.get("control")
    if not control or "ratio" not in control:
        return ""
    mark = "" if control["sound"] else ": **a restless machine**"
    return f" Ours against itself: {ratio(control['ratio'])}{mark}."


def _ended(part: Mapping[str, Any]) -> str:
    """Where fewer pairs ran than were asked for, or none."""
    told = [
        f"{column}: {len(each['runs']) // 2} of {each['asked']} pairs ({each['ended'].splitlines()[0]})"
        for column, each in part["columns"].items()
        if each.get("ended")
    ]
    told += [f"ended early: {part['stopped'].splitlines()[0]}"] if part.get("stopped") else []
    return f" {'; '.join(told)}." if told else ""


def _mfu(part: Mapping[str, Any]) -> str:
    told = [
        f"{arm} {each['share']:.0%} ({each['dtype']})" for arm, each in part["mfu"].items() if each["share"]
    ]
    return f" Useful FLOPs of the peak: {', '.join(told)}." if told else ""
