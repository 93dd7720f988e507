"""What a split says about leaks: rows that bridge two sides, or are close to the test file or another given side."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tunesmith.data.checks._rows import plural, shown
from tunesmith.data.checks.twins_across_sides import TwinsAcrossSides
from tunesmith.data.groups import Marks
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Content


def bridging(records: Sequence[Record], sides: Sequence[str]) -> list[Finding]:
    """D106 for rows that have no side, since they would join rows of two."""
    places = [row.place for row, side in zip(records, sides, strict=True) if not side]
    if not places:
        return []
    message = f"{plural(len(places), 'new row')} between two sides, entering neither"
    fix = Fix("tunesmith explain D106", "left out of training and of the proof", safe=True)
    return [Finding("D106", "warning", message, len(places), shown(places), fix=fix, fixed=True)]


def near_test(records: Sequence[Record], sides: Sequence[str], known: Marks) -> list[Finding]:
    """D107 for near-duplicates of the test file's rows, D108 for rows that share a group value with them."""
    count = len(records)
    near, values = set(known.clusters[count:]), set(known.values[count:]) - {""}
    alike = [row.place for i, row in enumerate(records) if sides[i] and known.clusters[i] in near]
    related = [row.place for i, row in enumerate(records) if sides[i] and known.values[i] in values]
    found = []
    if alike:
        message = f"{plural(len(alike), 'row')} nearly the same as a row of the test file"
        fix = Fix("tunesmith explain D107", "they stay; a score on their twins may be a little too high")
        found.append(Finding("D107", "info", message, len(alike), shown(alike), {"rows": len(alike)}, fix))
    if related:
        message = f"{plural(len(related), 'row')} with a group value of the test file"
        fix = Fix("tunesmith explain D108", "make a test file of groups that are not in the data")
        found.append(Finding("D108", "warning", message, len(related), shown(related), {}, fix))
    return found


def across(records: Sequence[Record], said: Sequence[str], content: Content, known: Marks) -> list[Finding]:
    """D109 for rows that have a twin on another of the sides that the data gives, as `data check` says it."""
    if not any(said):
        return []
    check = TwinsAcrossSides()
    evidence = {
        "content": content,
        "twins": np.array(known.clusters[: len(records)], dtype=np.int64),
        "sides": np.array(said, dtype=np.str_),
    }
    found = check.findings(check.update(check.start(), records, evidence))
    return [_of_file(finding, records[0].place.root) for finding in found]


def _of_file(finding: Finding, path: str) -> Finding:
    """The finding with the data's own path where its fix says FILE."""
    fix = finding.fix
    command = fix.command.replace("FILE", shlex.quote(path)) if fix else ""
    return replace(finding, fix=replace(fix, command=command) if fix else None)
