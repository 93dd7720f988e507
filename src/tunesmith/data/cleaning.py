"""Apply the safe fixes of findings to rows, and write down each change so that it can be undone.

Fixes and changes name a row by its place's id (file name:line), not by its key: equal rows share a key, and an edit
changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunesmith.data.checks._rows import key_of
from tunesmith.fields import Record, Way, at, put, row_key
from tunesmith.findings import Finding, Place

Change = dict[str, Any]
ROUNDS = 8  # of fixes that wait for each other; far more than checks that edit one value


@dataclass(frozen=True)
class Cleaned:
    """Rows after cleaning, what was changed (in the order in which it was done), and all findings.

    A change is {code, row, place, action: 'edit'|'drop', field, before, after, round}.  Of an edit `before` and
    `after` are {value, key}; of a drop `before` is {index, fields, key, place} with the index among the rows
    before any drop of its round.  waiting: edits that were not made since another had changed their value: they
    were worked out from what it was before.
    """

    records: list[Record]
    changes: list[Change]
    findings: list[Finding]
    waiting: int = 0


def settled(
    records: Sequence[Record],
    judge: Callable[[Sequence[Record]], Iterable[Finding]],
    ignore: Iterable[str] = (),
    also: Iterable[str] = (),
) -> Cleaned:
    """`clean` by what `judge` finds, and again while fixes wait for each other; findings are those of the rows given.

    Raises nothing where fixes undo each other: after eight rounds the rows stay as they are.
    """
    ignore, also = frozenset(ignore), frozenset(also)
    made = clean(records, judge(records), ignore, also)
    for number in range(1, ROUNDS):
        if not made.waiting:
            break
        more = clean(made.records, judge(made.records), ignore, also)
        changes = [*made.changes, *({**change, "round": number} for change in more.changes)]
        made = Cleaned(more.records, changes, made.findings, more.waiting if more.changes else 0)
    return made


def clean(
    records: Sequence[Record],
    findings: Iterable[Finding],
    ignore: Iterable[str] = (),
    also: Iterable[str] = (),
) -> Cleaned:
    """Apply every safe fix except of the codes in `ignore`, and those of the codes in `also`: first edits, then drops.

    Rows that an edit made equal to another row leave too, unless D101 is ignored.  A row is dropped once, by the
    first finding that says so, and a value is edited once (`settled` goes on with what waits).
    """
    findings, ignore, also = list(findings), frozenset(ignore), frozenset(also)
    applied = [
        each
        for each in findings
        if each.fix and (each.fix.safe or each.code in also) and each.code not in ignore
    ]
    edited, changes, waiting = _edit(records, applied)
    drops = _drops(edited, applied, {} if "D101" in ignore else {c["row"]: c["code"] for c in changes})
    changes += [_drop(index, edited[index], code) for index, code in sorted(drops.items())]
    left = [record for index, record in enumerate(edited) if index not in drops]
    fixed = {id(each) for each in applied}
    told = [replace(each, fixed=True) if id(each) in fixed else each for each in findings]
    return Cleaned(left, changes, told, waiting)


def undo(records: Sequence[Record], changes: Sequence[Mapping[str, Any]]) -> list[Record]:
    """The rows as they were before `clean` or `settled` made these changes."""
    rows = list(records)
    for number in sorted({change.get("round", 0) for change in changes}, reverse=True):
        rows = _undo_round(rows, [change for change in changes if change.get("round", 0) == number])
    return rows


def _undo_round(records: Sequence[Record], changes: Sequence[Mapping[str, Any]]) -> list[Record]:
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
            restore = _without if old.get("absent") else put
            fields = restore(before[index].fields, way(change["field"]), old["value"])
            before[index] = replace(before[index], fields=fields, key=old["key"])
    return before


def _without(fields: Mapping[str, Any], path: Way, _value: Any) -> dict[str, Any]:
    """The fields without what an edit added to them."""
    node = {key: value for key, value in at(fields, path[:-1]).items() if key != path[-1]}
    return put(fields, path[:-1], node)


def _edit(records: Sequence[Record], applied: Sequence[Finding]) -> tuple[list[Record], list[Change], int]:
    positions = {record.place.id: index for index, record in enumerate(records)}
    edited, changes, waiting = list(records), [], 0
    done: dict[str, dict[Way, Any]] = {}
    for finding in applied:
        for row, path, value in finding.fix.edits if finding.fix else ():
            steps, known = way(path), done.setdefault(row, {})
            if rivals := [other for other in known if _overlap(other, steps)]:
                waiting += known.get(steps, rivals) != value
                continue
            known[steps] = value
            old = edited[positions[row]]
            edited[positions[row]], change = _edited(old, finding.code, path, value)
            changes.append(change)
    return edited, changes, waiting


def _overlap(one: Way, two: Way) -> bool:
    """Whether one value is the other or holds it."""
    return all(first == second for first, second in zip(one, two, strict=False))


def _edited(old: Record, code: str, path: str, value: Any) -> tuple[Record, Change]:
    fields = put(old.fields, way(path), value)
    new = replace(old, fields=fields, key=row_key(fields))
    change = _change(code, new, "edit", path)
    value_before, absent = _value(old, path)
    change["before"] = {"value": value_before, "key": old.key, **({"absent": True} if absent else {})}
    change["after"] = {"value": value, "key": new.key}
    return new, change


def way(path: str) -> Way:
    """The steps of a path as fixes write it: "messages/1/content"."""
    return tuple(int(step) if step.isdigit() else step for step in path.split("/"))


def _value(record: Record, path: str) -> tuple[Any, bool]:
    """The value at a path, and whether there is none."""
    try:
        return at(record.fields, way(path)), False
    except (KeyError, IndexError):
        return None, True


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
    change = _change(code, record, "drop", "")
    change["before"] = {
        "index": index,
        "fields": dict(record.fields),
        "key": record.key,
        "place": record.place.to_json(),
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
        "round": 0,
    }


def _restore(before: Mapping[str, Any]) -> Record:
    return Record(dict(before["fields"]), Place(*before["place"]), before["key"])
