"""`estimate`: what a run needs, before it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tunesmith.cli import options
from tunesmith.cli.console import put_result


def estimate(
    recipe: Annotated[
        str, typer.Argument(metavar="[RECIPE.toml]", help="A recipe.", show_default=False)
    ] = "",
    base: options.Base = "",
    rows: Annotated[
        int, typer.Option("--rows", min=0, metavar="N", help="Rows, where there is no data.")
    ] = 0,
    tokens: Annotated[
        int, typer.Option("--tokens", min=0, metavar="N", help="Tokens of a row; with --rows.")
    ] = 0,
    task: Annotated[str, typer.Option("--task", metavar="TASK", help="Kind of problem, with --base.")] = "",
    machines: Annotated[
        Path | None, typer.Option("--machines", metavar="FILE", help="Another table of machines (TOML).")
    ] = None,
    probe: Annotated[bool, typer.Option("--probe", help="Time twenty steps on this machine.")] = False,
    sets: options.Sets = None,
    home: options.Home = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Memory, disk, time, energy and money of a run, here and on other machines, and what would fit.

    \b
    tunesmith estimate recipe.toml --probe
    tunesmith estimate --base DIR --rows 5000 --tokens 512 --set tuning.name=lora
    """
    from tunesmith.cli import ending
    from tunesmith.lifecycle import estimating

    options.go_offline(offline)
    result = ending.followed(
        lambda stop: estimating.estimated(
            recipe or None,
            base=base,
            rows=rows,
            tokens=tokens,
            task=task,
            overrides=sets or (),
            table=machines,
            probe=probe,
            home=home,
            offline=offline,
            stop=stop,
        )
    )
    put_result(result.to_dict(), json, lines)


def lines(found: Mapping[str, Any]) -> list[str]:
    """The estimate for people: what it is about, memory, disk, machines, findings."""
    from tunesmith.cli import tables

    return [
        *tables.titled("Run", _about(found)),
        "",
        *tables.titled("Memory", [*_memory(found["memory"]), _checkpointing(found["checkpointing"])]),
        "",
        *tables.titled("Disk", _parts(found["disk"], ())),
        "",
        *tables.titled("Machines", _machines(found)),
        *_findings(found["findings"]),
    ]


def _about(found: Mapping[str, Any]) -> list[str]:
    rows = found["rows"]
    said = [
        f"{found['base']}: {found['parameters']:,} parameters ({found['family']}, counted by {found['counted']})",
        f"{found['tuning']}: {found['moving']:,} move, {found['dtype']} on this machine",
        f"{rows['count']:,} training rows of {rows['mean_tokens']:,} tokens (longest {rows['longest_tokens']:,}; by"
        f" {rows['counted']}), {rows['steps']:,} steps, heaviest {rows['heaviest']}",
    ]
    if probe := found["probe"]:
        pace = probe["seconds_per_step"]
        said.append(
            f"probe: {pace['value']:.3f} s a step ({pace['low']:.3f}–{pace['high']:.3f}, n = {pace['n']}), "
            f"peak {_size(probe['peak_bytes'])}"
        )
    return said


def _memory(memory: Mapping[str, Any]) -> list[str]:
    """Each component with its formula; a star marks what is there at the peak."""
    rows = _parts(memory["components"], (memory["phase"],))
    total = f"{_size(memory['peak_bytes'])} at the peak, in phase {memory['phase']} (*)"
    others = ", ".join(
        f"{name} {_size(value)}" for name, value in memory["phases"].items() if name != memory["phase"]
    )
    return [total, *rows, f"other phases: {others}"]


def _checkpointing(found: Mapping[str, Any]) -> str:
    """Activations kept and computed again, which of the two is done, and why."""
    from tunesmith.advise import room

    return room.told(found)


def _parts(parts: Sequence[Mapping[str, Any]], peak: Sequence[str]) -> list[str]:
    from tunesmith.cli import tables

    rows = [
        [
            "*" if set(peak) & set(each["phases"]) else " ",
            each["name"],
            _size(each["bytes"]),
            each["formula"],
        ]
        for each in parts
    ]
    return tables.table(rows, right=(2,))


def _machines(found: Mapping[str, Any]) -> list[str]:
    from tunesmith.cli import tables

    head = ["", "memory", "needs", "fits", "time", "energy", found["currency"]]
    rows = [
        [
            each["machine"],
            _size(each["memory_bytes"]),
            _size(each["needs_bytes"]),
            _fits(each),
            _span((each["cost"] or {}).get("seconds"), "time"),
            _span((each["cost"] or {}).get("kwh"), "kWh"),
            _span((each["cost"] or {}).get("money"), ""),
        ]
        for each in found["machines"]
    ]
    return [*tables.table([head, *rows], right=(1, 2)), *([found["prices"]] if found["prices"] else [])]


def _fits(each: Mapping[str, Any]) -> str:
    if each["fits"]:
        return "yes"
    return f"with {each['way']['words']}" if each["way"] else f"no: {_size(each['least_bytes'])} at least"


def _span(span: Sequence[float] | None, unit: str) -> str:
    if span is None:
        return "–"
    from tunesmith.cli.bar import duration

    if unit == "time":
        return f"{duration(span[0])}–{duration(span[1])}"
    return "–".join(f"{each:.2g}" for each in span) + (f" {unit}" if unit else "")


def _size(count: float) -> str:
    from tunesmith.cli import tables

    return tables.size(count)


def _findings(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    from tunesmith.cli import tables

    told = []
    for each in findings:
        fix = f" Fix: {each['fix']['effect']} ({each['fix']['command']})." if each["fix"] else ""
        told += ["", *tables.paragraph(each["code"], f"{each['message']}.{fix}")]
    return told
