"""`data dedupe`: one row of each group of near-duplicates stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.data import cleaning
from tunesmith.data.checks._rows import normalise, plural, shown
from tunesmith.data.twins import twins
from tunesmith.errors import MissingError, UsageError
from tunesmith.events import Event, Finished, Found, Stage
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.home import home_folder
from tunesmith.inputs import meaning as meanings
from tunesmith.inputs.overlap import Overlap
from tunesmith.lifecycle import benchmarks, datasets, evidence, streaming
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.known import Known, Wanted
from tunesmith.lifecycle.results import Result
from tunesmith.parts import Content

KEEP = ("first", "longest")
LOWEST = 0.5  # similarity under which bands of hashes find pairs no more, and texts are not the same anyway
SHOWN = 20  # rows that a result lists; `changes.jsonl` of the version holds all


def dedupe(
    ref: str,
    *,
    threshold: float = 0.7,
    meaning: bool = False,
    against: str = "",
    keep: str = "first",
    base: str = "",
    form: str = "",
    fields: Mapping[str, str] | None = None,
    licence: str = "",
    out: str = "",
    home: Path | str | None = None,
) -> Iterator[Event]:
    """A version without rows that say what another says: Finished(Result).

    Compared is the text of labelled rows, and of others the whole row, answers too.  threshold: Jaccard similarity of
    character 5-grams, 0.5 to 1 (1: equal but for case and blanks).  meaning: also rows whose vectors by `base` have a
    cosine of 0.95.  against: a file; rows that hold a text of it leave.  keep: which row of a group stays.
    out: a folder that gets the rows as a file; those too many for memory go there and nowhere else.
    Raises UsageError C123, MissingError D120 where vectors can't be had.
    """
    _require(threshold, keep)
    place = home_folder(home)
    before = yield from datasets.opened(ref, place, form=form, fields=fields, licence=licence)
    if streaming.is_large(before):
        _require_plain(ref, meaning or bool(against) or keep != "first")
        yield from streaming.deduped(before, threshold, out)
        return
    yield Stage("dedupe", f"{len(before.records):,} rows")
    texts = [compared(row, before.content) for row in before.records]
    found = _copies("D104", before.records, texts, twins(texts, threshold), keep)
    if meaning:
        clusters = meanings.clusters((yield from _vectors(before, base, place)))
        found += _copies("D114", before.records, texts, clusters, keep)
    if against:
        found += _known_rows(before, (yield from _overlap(against, before, place)))
    made = cleaning.clean(before.records, found, ignore=("D101",), also=[each.code for each in found])
    for each in made.findings:
        yield Found(each)
    step = {"verb": "dedupe", "threshold": threshold, "meaning": meaning, "keep": keep}
    step |= {"base": base} if meaning else {}
    step |= {"against": Path(against).name} if against else {}
    after = yield from datasets.changed(
        before, made.records, step, place, changes=made.changes, findings=made.findings
    )
    everything = {"rows": np.ones(len(after.records), bool)}
    written = (yield from streaming.files_of(after, everything, out)) if out else []
    yield Finished(Result({**_told(before, after, made), "files": written}))


def compared(row: Record, content: Content) -> str:
    """What of a row counts as the same: its text where it has labels, tags or spans; else every passage."""
    if content.offers & {"labels", "tags", "spans"}:
        return content.text(row)
    return "\n".join(text for _, text in content.passages(row))


def _require(threshold: float, keep: str) -> None:
    if not LOWEST <= threshold <= 1:
        raise UsageError(
            "C123",
            f"{threshold} is no similarity from which rows count as the same",
            expected=f"a number from {LOWEST} to 1",
            fixes=("--threshold 0.7",),
            where="--threshold",
        )
    if keep not in KEEP:
        raise UsageError(
            "C123",
            f"'{keep}' does not say which row of a group stays",
            expected="first or longest",
            fixes=("--keep first", "--keep longest"),
            where="--keep",
        )


def _require_plain(ref: str, more: bool) -> None:
    """Rows that are too many for memory are compared by their characters only."""
    if more:
        raise UsageError(
            "C123",
            f"the rows of {ref} are too many for --meaning, --against and --keep longest",
            expected="--threshold and --out alone",
            fixes=(f"tunesmith data dedupe {ref} --out FOLDER",),
            where=ref,
        )


def _copies(
    code: str, records: Sequence[Record], texts: Sequence[str], clusters: np.ndarray, keep: str
) -> list[Finding]:
    """A finding whose fix leaves out all rows of each cluster but one."""
    sizes = [len(normalise(text)) if keep == "longest" else 0 for text in texts]
    stays: dict[int, int] = {}
    for index, cluster in enumerate(clusters.tolist()):
        best = stays.setdefault(cluster, index)
        if sizes[index] > sizes[best]:
            stays[cluster] = index
    kept = set(stays.values())
    places = [row.place for index, row in enumerate(records) if index not in kept]
    if not places:
        return []
    counts = Counter(clusters.tolist())
    groups = sum(count > 1 for count in counts.values())
    how = "in other words " if code == "D114" else ""
    message = f"{plural(len(places), 'row')} saying {how}what another says, in {plural(groups, 'group')}"
    numbers = {"rows": len(places), "groups": groups, "largest": max(counts.values())}
    return [Finding(code, "info", message, len(places), shown(places), numbers, _fix(code, places))]


def _known_rows(before: Dataset, overlap: Overlap) -> list[Finding]:
    content = before.content
    places = [
        row.place
        for row in before.records
        if overlap.kind(content.text(row)) or overlap.kind(compared(row, content))
    ]
    if not places:
        return []
    message = f"{plural(len(places), 'row')} with a text of the benchmark"
    return [Finding("D113", "warning", message, len(places), shown(places), fix=_fix("D113", places))]


def _fix(code: str, places: Sequence[Any]) -> Fix:
    return Fix(
        f"tunesmith explain {code}",
        f"leaves out {plural(len(places), 'row')}",
        drops=tuple(p.id for p in places),
    )


def _overlap(path: str, before: Dataset, home: Path) -> Generator[Event, None, Overlap]:
    wanted = Wanted(benchmark=path, home=home)
    return (yield from benchmarks.benchmark(Known(before.records, before.content, wanted)))


def _vectors(before: Dataset, base: str, home: Path) -> Generator[Event, None, np.ndarray]:
    wanted = Wanted(deep=True, base=base, home=home)
    known = yield from evidence.gather(before.records, before.content, wanted, frozenset({"embeddings"}))
    if "embeddings" not in known:
        raise MissingError(
            "D120",
            "vectors of the texts can't be made here",
            expected="torch, and a base model",
            fixes=('pip install "tunesmith[train]"', f"tunesmith data dedupe {before.ref}"),
            where="--meaning",
        )
    return known["embeddings"]


def _told(before: Dataset, after: Dataset, made: cleaning.Cleaned) -> dict[str, Any]:
    left = [
        {"row": change["row"], "code": change["code"], "fields": change["before"]["fields"]}
        for change in made.changes[:SHOWN]
    ]
    return {
        "data": before.ref,
        "version": after.ref if after.digest else "",
        "digest": after.digest,
        "parent": after.parent,
        "rows_before": len(before.records),
        "rows": len(after.records),
        "dropped": len(made.changes),
        "by_code": dict(sorted(Counter(change["code"] for change in made.changes).items())),
        "left": left,
        "findings": [finding.to_json() for finding in made.findings],
    }
