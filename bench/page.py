"""The page with the results drawn: one HTML file that needs nothing else, and the table in the documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench import plot, table

NAME = "index.html"
INTRODUCTION = """How many times as long the peer takes at the same work: right of 1 tunesmith is faster.  A dot is the
median over adjacent pairs of runs, its bar the 95 % interval (below four pairs the range that was seen); the red mark
is the floor that was promised, the green one the goal.  The axis is logarithmic."""
STYLE = Path(__file__).with_name("page.css")


def write(folder: Path, docs: Path) -> None:
    """The page beside the results and the table in the documentation."""
    parts = table.results(folder)
    (folder / NAME).write_text(html(parts), encoding="utf-8")
    docs.write_text(table.into(docs.read_text("utf-8"), _documented(parts)), encoding="utf-8")


def _documented(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    if not parts:
        return ["", "No row has been measured.", ""]
    return [
        "",
        *table.markdown(parts),
        "",
        *(f"- {name}: {', '.join(rows)}" for name, rows in _machines(parts).items()),
        "",
    ]


def html(parts: Sequence[Mapping[str, Any]]) -> str:
    """The whole page."""
    body = [
        "<h1>tunesmith beside its peers</h1>",
        f"<p>{INTRODUCTION}</p>",
        plot.chart(parts) if parts else "<p>No row has been measured.</p>",
        *(_section(part) for part in parts),
        "<h2>Machines</h2>",
        *(
            f"<p class='about'>{escape(name)}: {escape(', '.join(rows))}</p>"
            for name, rows in _machines(parts).items()
        ),
    ]
    head = "<meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
    head += f"<title>tunesmith: benchmarks</title><style>{STYLE.read_text('utf-8')}</style>"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(body)}</body></html>\n"


def _told(value: Any) -> str:
    """A fact as a reader wants it: the numbers of a table one after the other."""
    if not isinstance(value, dict):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return ", ".join(f"{key.replace('_', ' ')} {_told(each)}" for key, each in value.items())


def _section(part: Mapping[str, Any]) -> str:
    facts = "; ".join(f"{key.replace('_', ' ')}: {_told(value)}" for key, value in part["facts"].items())
    control = part.get("control") or {}
    told = ""
    if "ratio" in control:
        sound = "" if control["sound"] else " <b class='restless'>a restless machine</b>"
        told = f"<p>Ours against itself: {escape(table.ratio(control['ratio']))}{sound}</p>"
    return (
        f"<h2>{escape(table.name(part))}</h2><p>{escape(part['work'])}</p>"
        + (f"<p class='about'>{escape(facts)}</p>" if facts else "")
        + _goals(part)
        + told
        + "".join(_column(name, each) for name, each in part["columns"].items())
        + (_details(_tried(part), part["grid"]) if part["grid"] else "")
    )


def _tried(part: Mapping[str, Any]) -> str:
    kept = part.get("rates_kept")
    return "Learning rates that were tried" + (f" (in an earlier run: {', '.join(kept)})" if kept else "")


def _goals(part: Mapping[str, Any]) -> str:
    rows = [
        f"<tr><td>{escape(v['column'])} {escape(v['measure'].replace('_', ' '))}</td>"
        f"<td>{escape(table.ratio(v['ratio'])) if v['ratio'] else '–'}</td><td>{v['floor']:g}×</td>"
        f"<td>{table.goal(v)}</td><td class='{v['outcome'].split()[0]}'>{v['outcome']}</td></tr>"
        for v in part["verdicts"]
    ]
    head = "<tr><th>against</th><th>ratio</th><th>floor</th><th>goal</th><th>outcome</th></tr>"
    return f"<div class='wide'><table>{head}{''.join(rows)}</table></div>" if rows else ""


def _column(name: str, column: Mapping[str, Any]) -> str:
    if "ratios" not in column:
        why = column.get("failed") or "; ".join(
            f"{arm}: {each}" for arm, each in column.get("cannot", {}).items()
        )
        return f"<h3>{escape(name)}</h3><p class='missed'>Not measured.</p>{_details('Why', why)}"
    runs = [
        f"<tr><td>{run['side']}</td><td>{escape(run['arm'])}</td><td>{_seconds(run)}</td><td>{run['cpu']:.2f}</td>"
        f"<td>{run['peak'] / 1e6:.0f}</td><td>{run['load']:.2f}</td><td>{run['stolen']:.1%}</td></tr>"
        for run in column["runs"]
    ]
    head = "<tr><th></th><th>arm</th><th>seconds</th><th>CPU s</th><th>peak MB</th><th>load</th><th>stolen</th></tr>"
    return (
        f"<h3>{escape(name)}</h3><div class='wide'><table>{head}{''.join(runs)}</table></div>"
        + _details("Settings of both arms", column["arms"])
        + (
            _details("Checks and quality", {"checks": column["checks"], "quality": column["quality"]})
            if column["checks"]
            else ""
        )
    )


def _seconds(run: Mapping[str, Any]) -> str:
    """Or that it did not reach its goal."""
    return escape(run["bound"]) if run.get("bound") else f"{run['seconds']:.2f}"


def _details(title: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
    return f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>"


def _machines(parts: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """'date · machine · versions' → the parts that were measured there."""
    found: dict[str, list[str]] = {}
    for part in parts:
        about = part["about"]
        machine = about["machine"]
        versions = {**about["versions"]["ours"], **about["versions"]["peers"]}
        words = f"{about['date']}, {machine['processor']}, {about['threads']} threads, "
        words += f"{machine['memory_gb']:.0f} GB, Python {machine['python']}; "
        words += ", ".join(f"{name} {version}" for name, version in versions.items())
        found.setdefault(words, []).append(table.name(part))
    return found
