"""What `data check` found, as lines for people: severity, code, rows, message, places, and the way out."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping
from typing import Any

from tunesmith.cli.console import clean, width

SHOWN = 20  # broken rows that are listed


def findings(result: Mapping[str, Any]) -> list[str]:
    """What `data check` found: the file, the findings with their fixes, the broken rows, and what to type next."""
    named = "  ".join(f'{field} = "{column}"' for field, column in result["mapping"].items())
    found, broken = result["findings"], result["broken"]
    lines = [f"{result['data']}  {result['rows']:,} rows · {result['form']}", f"{'':10}{named}", ""]
    wide = max((len(f"{each['count']:,}") for each in found), default=0)
    lines += [line for each in found for line in _finding(each, wide)]
    lines += [f"broken   {row['place']} — {row['reason']} — {row['fix']}" for row in broken[:SHOWN]]
    lines += [f"{'':9}… and {len(broken) - SHOWN:,} more (--json lists all)"] if len(broken) > SHOWN else []
    return lines + _next(result) if found or broken else [*lines, "nothing wrong was found"]


def _finding(each: Mapping[str, Any], wide: int) -> list[str]:
    """One finding: severity, code, rows, message, the first places, and its fix with whether that is safe."""
    margin = " " * (17 + wide)
    severity = "ignored" if each["ignored"] else each["severity"]
    said = textwrap.wrap(clean(each["message"]), max(40, width() - len(margin))) or [""]
    count = f"{each['count']:,}" if each["count"] else ""
    lines = [
        f"{severity:<8} {each['code']}  {count:>{wide}}  {said[0]}",
        *(margin + line for line in said[1:]),
    ]
    if each["ignored"]:
        return [*lines, f"{margin}because: {clean(each['ignored'])}"]
    lines += [f"{margin}{clean(place)}" for place in each["places"][:3]]
    if fix := each["fix"]:
        typed = fix["command"].startswith("tunesmith")
        way = (
            "" if fix["safe"] else f"   `{clean(fix['command'])}`" if typed else f"   {clean(fix['command'])}"
        )
        lines.append(f"{margin}{'safe fix' if fix['safe'] else 'fix'}: {clean(fix['effect'])}{way}")
    return lines


def _next(result: Mapping[str, Any]) -> list[str]:
    """The command that applies what is safe."""
    open_ = [each for each in result["findings"] if not each["ignored"]]
    safe = sum(bool(each["fix"] and each["fix"]["safe"] and not each["fixed"]) for each in open_)
    told = f"`tunesmith explain {open_[0]['code'] if open_ else 'CODE'}` for more."
    if not safe:
        return ["", told]
    return ["", f"Run `tunesmith data fix {shlex.quote(result['data'])}` for the {_fixes(safe)}. {told}"]


def _fixes(count: int) -> str:
    return "safe fix" if count == 1 else f"{count} safe fixes"
