"""Run every check over the rows in one pass, with evidence that is computed once, if a check needs it."""

from __future__ import annotations

import itertools
import math
import shlex
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from tunesmith import catalog
from tunesmith.data.checks._rows import normalise, plural
from tunesmith.data.scaling import Mapper, here
from tunesmith.data.stored import StoredRows
from tunesmith.data.twins import Sketcher
from tunesmith.errors import DataError
from tunesmith.events import Progress
from tunesmith.fields import Broken, Record
from tunesmith.findings import SHOWN, Finding, Fix
from tunesmith.inputs import personal
from tunesmith.parts import ROW_EVIDENCE, Check, Content

Found = TypeVar("Found")
BATCH = 1000  # rows that the checks are given at a time
PART = 20_000  # rows of which one worker makes the states
# evidence that a row's own content tells: made where the rows are looked at
LOCAL: dict[str, Callable[[Sequence[Record], Content], Any]] = {"personal": personal.kinds}
_ORDER = {"error": 0, "warning": 1, "info": 2}


def check(
    records: Sequence[Record],
    content: Content,
    *,
    held_out: Sequence[Record] | None = None,
    evidence: Mapping[str, Any] | None = None,
    ignore: Mapping[str, str] | None = None,
    mapper: Mapper = here,
) -> list[Finding]:
    """`checked` to its end, for those who don't want to know how far it is."""
    return last(checked(records, content, held_out=held_out, evidence=evidence, ignore=ignore, mapper=mapper))


def checked(
    records: Sequence[Record],
    content: Content,
    *,
    held_out: Sequence[Record] | None = None,
    evidence: Mapping[str, Any] | None = None,
    ignore: Mapping[str, str] | None = None,
    mapper: Mapper = here,
    named: str = "",
) -> Generator[Progress, None, list[Finding]]:
    """The findings of all checks (built in, plug-ins), errors first, then by code.

    held_out: the rows of the test file.  evidence: what is known already by name (`parts.Check` lists the names); a
    check that needs evidence which is neither given nor computed here is left out.  ignore: code → why its findings
    don't matter.  mapper: where parts of the rows are looked at (`scaling`); the findings are the same.  named: what
    the data is called in the commands of fixes, else the file that the rows came from.  Raises ValueError when two rows
    have the same place, since fixes name rows by it.
    """
    _require_distinct_places(records)
    checks = [
        each for each in (part() for part in catalog.parts("check").values()) if each.wants <= content.offers
    ]
    needs = frozenset[str]().union(*(each.needs for each in checks))
    known = yield from gather(records, content, held_out, needs, evidence or {})
    can = [each for each in checks if each.needs <= known.keys() | LOCAL]
    found = yield from _one_pass(can, records, known, mapper)
    ref = named or (records[0].place.root if records else "")
    found = [_named(finding, ref, ignore or {}) for finding in found] if ref else found
    return sorted(found, key=lambda finding: (_ORDER[finding.severity], finding.code))


def last(steps: Generator[Any, None, Found]) -> Found:
    """What a generator returns when it has ended; what it yields on the way is passed over."""
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            return ended.value


def _named(finding: Finding, source: str, ignore: Mapping[str, str]) -> Finding:
    """The finding with the data's own name where its fix says FILE, and with its owner's reason to ignore it."""
    finding = replace(finding, ignored=ignore.get(finding.code, ""))
    if finding.fix is None:
        return finding
    command = finding.fix.command.replace("FILE", shlex.quote(source))
    return replace(finding, fix=replace(finding.fix, command=command))


def gather(
    records: Sequence[Record],
    content: Content,
    held_out: Sequence[Record] | None,
    needs: frozenset[str],
    given: Mapping[str, Any],
) -> Generator[Progress, None, dict[str, Any]]:
    """The evidence that checks need, by name: what is given, and what all rows together tell ('held_out', 'twins')."""
    known = {"content": content, **given}
    if "held_out" in needs and "held_out" not in known:
        known["held_out"] = frozenset(normalise(content.text(row)) for row in held_out or ()) - {""}
    if "twins" in needs and "twins" not in known:
        known["twins"] = yield from clustered(records, content)
    return known


def clusters(records: Sequence[Record], content: Content, threshold: float = 0.7) -> np.ndarray:
    """`clustered` to its end."""
    return last(clustered(records, content, threshold))


def clustered(
    records: Sequence[Record], content: Content, threshold: float = 0.7
) -> Generator[Progress, None, np.ndarray]:
    """`twins` of the rows' texts, which are never in memory together: those of candidates are read once more."""
    sketcher, begun = Sketcher(threshold), time.monotonic()
    for start in range(0, len(records), BATCH):
        sketcher.add([content.text(row) for row in records[start : start + BATCH]])
        if start % PART == 0 and start:
            yield Progress("near-duplicates", start, len(records), time.monotonic() - begun)
    return sketcher.join(lambda indices: [content.text(records[index]) for index in indices])


def broken_finding(broken: Sequence[Broken], total: int, max_broken: float) -> Finding | None:
    """F010 for rows that could not be read (None without any): an error when their share of `total` (good and
    broken rows) is above `max_broken`, else a warning."""
    if not broken:
        return None
    share = len(broken) / max(total, 1)
    rows = f"{plural(len(broken), 'broken row')} of {total:,} ({share:.1%})"
    return Finding(
        "F010",
        "error" if share > max_broken else "warning",
        f"{rows} went to quarantine: {broken[0].reason}",
        len(broken),
        tuple(row.place for row in broken[:SHOWN]),
        {"share": share, "rows": total, "max_broken": max_broken},
        Fix(
            f"tunesmith data check {broken[0].place.root}",
            "lists every broken row with its line, its reason and a fix",
        ),
    )


def refuse_if_broken(broken: Sequence[Broken], total: int, max_broken: float) -> None:
    """Raise DataError F011 when the share of broken rows is above `max_broken`: then nothing is trained."""
    if not broken or len(broken) <= max_broken * total:
        return
    first = broken[0]
    raise DataError(
        "F011",
        f"{plural(len(broken), 'broken row')} of {total:,} ({len(broken) / max(total, 1):.1%}); "
        f"the first: {first.place} — {first.reason} — {first.fix}",
        expected=f"at most {max_broken:.1%} broken rows",
        fixes=(
            f"tunesmith data check {broken[0].place.root}",
            f"tunesmith up {broken[0].place.root} --set data.max_broken={math.ceil(100 * len(broken) / total) / 100}",
        ),
        where=str(first.place),
    )


@dataclass(frozen=True)
class _Part:
    """Some rows in a row, and what is known of them."""

    records: Sequence[Record]
    evidence: Mapping[str, Any]
    checks: Sequence[Check]


def _one_pass(
    checks: Sequence[Check], records: Sequence[Record], known: Mapping[str, Any], mapper: Mapper
) -> Generator[Progress, None, list[Finding]]:
    parts = [
        _Part(_slice(records, start, start + PART), _evidence(known, start, start + PART), checks)
        for start in range(0, len(records), PART)
    ]
    states, begun = [each.start() for each in checks], time.monotonic()
    for number, found in enumerate(mapper(_states, parts)):
        if number:
            yield Progress("check", number * PART, len(records), time.monotonic() - begun)
        states = [each.merge(one, two) for each, one, two in zip(checks, states, found, strict=True)]
    return [finding for each, state in zip(checks, states, strict=True) for finding in each.findings(state)]


def _states(part: _Part) -> list[Any]:
    """The checks' states after the rows of a part."""
    states = [each.start() for each in part.checks]
    local = [name for name in LOCAL if any(name in each.needs for each in part.checks)]
    for start in range(0, len(part.records), BATCH):
        rows = part.records[start : start + BATCH]
        known = _evidence(part.evidence, start, start + BATCH)
        known |= {name: LOCAL[name](rows, known["content"]) for name in local if name not in known}
        states = [each.update(state, rows, known) for each, state in zip(part.checks, states, strict=True)]
    return states


def _slice(records: Sequence[Record], start: int, stop: int) -> Sequence[Record]:
    if isinstance(records, StoredRows):
        return records.part(start, min(stop, len(records)))
    return records[start:stop]


def _evidence(known: Mapping[str, Any], start: int, stop: int) -> dict[str, Any]:
    """Evidence about rows cut to some of them."""
    return {name: value[start:stop] if name in ROW_EVIDENCE else value for name, value in known.items()}


def _in_order(records: Sequence[Record]) -> bool:
    places = ((record.place.source, record.place.line) for record in records)
    return all(first < second for first, second in itertools.pairwise(places))


def _require_distinct_places(records: Sequence[Record]) -> None:
    """Rows of a file come in the order of its lines, so that a set of ids is needed for other rows alone."""
    if (isinstance(records, StoredRows) and records.in_order) or _in_order(records):
        return
    counts = Counter(record.place.id for record in records)
    twice = next((place for place, count in counts.items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"two rows have the place {twice}: give each row its own line")
