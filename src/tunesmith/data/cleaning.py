"""Apply the safe fixes of findings to rows, and write down each change so that it can be undone.

Fixes and changes name a row by its place's id (file name:line), not by its key: equal rows share a key, and an edit
changes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunesmith.data.checks._rows import key_of
from tunesmith.fields import Record, Way, at, put, row_key
from tunesmith.findings import Finding, Place

Change = dict[str, Any]


@dataclass(frozen=True)
class Cleaned:
    """Rows after cleaning, what was changed (in the order in which it was done), and all findings.

    A change is {code, row, place, action: 'edit'|'drop', field, before, after}.  Of an edit `before` and
    `after` are {value, key}; of a drop `before` is {index, fields, key, place} with the index among the rows
    before any drop.
    """

    records: list[Record]
    changes: list[Change]
    findings: list[Finding]


def clean(
    records: Sequence[Record],
    findings: Iterable[Finding],
    ignore: Iterable[str] = (),
    also: Iterable[str] = (),
) -> Cleaned:
    """Apply every safe fix except of the codes in `ignore`, and those of the codes in `also`: first edits, then drops.

    Rows that an edit made equal to another row leave too, unless D101 is ignored.  A row is dropped once, by the
    first finding that says so.
    """
    findings, ignore, also = list(findings), frozenset(ignore), frozenset(also)
    applied = [
        each
        for each in findings
        if each.fix and (each.fix.safe or each.code in also) and each.code not in ignore
    ]
    edited, changes = _edit(records, applied)
    drops = _drops(edited, applied, {} if "D101" in ignore else {c["row"]: c["code"] for c in changes})
    changes += [_drop(index, edited[index], code) for index, code in sorted(drops.items())]
    left = [record for index, record in enumerate(edited) if index not in drops]
    fixed = {id(each) for each in applied}
    return Cleaned(
        left, changes, [replace(each, fixed=True) if id(each) in fixed else each for each in findings]
    )


def undo(records: Sequence[Record], changes: Sequence[Mapping[str, Any]]) -> list[Record]:
    """The rows as they were before `clean` made these changes."""
    dropped = {
        change["before"]["index"]: _restore(change["before"])
        for change in changes
        if change["action"] == "drop"
    }
    rest = iter(records)
    before = [
        dropped[index] if index in dropped else next(rest) for index in range(len(records) + len(dropped))
    ]
    positions = {record.place.id: index for index, record in enumerate(before)}
    for change in reversed(changes):
        if change["action"] == "edit":
            index, old = positions[change["row"]], change["before"]
            fields = put(before[index].fields, way(change["field"]), old["value"])
            before[index] = replace(before[index], fields=fields, key=old["key"])
    return before


def _edit(records: Sequence[Record], applied: Sequence[Finding]) -> tuple[list[Record], list[Change]]:
    positions = {record.place.id: index for index, record in enumerate(records)}
    edited, changes = list(records), []
    for finding in applied:
        for row, field, value in finding.fix.edits if finding.fix else ():
            old = edited[positions[row]]
            fields = put(old.fields, way(field), value)
            new = replace(old, fields=fields, key=row_key(fields))
            edited[positions[row]] = new
            change = _change(finding.code, new, "edit", field)
            change["before"] = {"value": _value(old, field), "key": old.key}
            change["after"] = {"value": value, "key": new.key}
            changes.append(change)
    return edited, changes


def way(path: str) -> Way:
    """The steps of a path as fixes write it: "messages/1/content"."""
    return tuple(int(step) if step.isdigit() else step for step in path.split("/"))


def _value(record: Record, path: str) -> Any:
    try:
        return at(record.fields, way(path))
    except (KeyError, IndexError):
        return None


def _drops(records: Sequence[Record], applied: Sequence[Finding], edits: Mapping[str, str]) -> dict[int, str]:
    """Position → code of each row to drop; `edits`: row id → code of the edit that changed it."""
    asked: dict[str, str] = {}
    for finding in applied:
        for row in finding.fix.drops if finding.fix else ():
            asked.setdefault(row, finding.code)
    drops = {i: asked[r.place.id] for i, r in enumerate(records) if r.place.id in asked}
    if edits:
        drops |= _made_equal(records, drops, edits)
    return drops


def _made_equal(
    records: Sequence[Record], drops: Mapping[int, str], edits: Mapping[str, str]
) -> dict[int, str]:
    """Rows that equal an earlier one since one of the two was edited."""
    first: dict[str, str] = {}
    equal = {}
    for index, record in enumerate(records):
        if index in drops:
            continue
        row = record.place.id
        earlier = first.setdefault(key_of(record), row)
        if earlier != row and (code := edits.get(row) or edits.get(earlier)):
            equal[index] = code
    return equal


def _drop(index: int, record: Record, code: str) -> Change:
    place = record.place
    change = _change(code, record, "drop", "")
    change["before"] = {
        "index": index,
        "fields": dict(record.fields),
        "key": record.key,
        "place": [place.source, place.line, place.byte],
    }
    return change


def _change(code: str, record: Record, action: str, field: str) -> Change:
    return {
        "code": code,
        "row": record.place.id,
        "place": str(record.place),
        "action": action,
        "field": field,
        "before": None,
        "after": None,
    }


def _restore(before: Mapping[str, Any]) -> Record:
    return Record(dict(before["fields"]), Place(*before["place"]), before["key"])
