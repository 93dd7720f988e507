"""Verbs that make a dataset version from another: fix, undo, sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunesmith.data import checking, cleaning, journal, sampling, source, version
from tunesmith.errors import MissingError, UsageError
from tunesmith.events import Event, Finished, Stage
from tunesmith.fields import Record
from tunesmith.findings import Finding
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets, examining
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.known import Wanted
from tunesmith.lifecycle.results import Result
from tunesmith.names import slug

SHOWN = 20  # changes that a result lists; `changes.jsonl` of the version holds all


def fix(
    ref: str,
    codes: Sequence[str] = (),
    *,
    dry_run: bool = False,
    ignore: Mapping[str, str] | None = None,
    test: str = "",
    wanted: Wanted | None = None,
    form: str = "",
    fields: Mapping[str, str] | None = None,
    licence: str = "",
    home: Path | str | None = None,
) -> Iterator[Event]:
    """The safe fixes, and those of the codes named, as a new version: Finished(Result).

    The user's file is never touched.  ignore: code → why its finding does not matter.  test: a file whose rows must
    not be among these.  wanted: what checks may look at beside the rows.  Raises UsageError F030 where a code named
    has nothing that could be applied.
    """
    place = home_folder(home)
    before = yield from datasets.opened(ref, place, form=form, fields=fields, licence=licence)
    held_out = yield from _held_out(before, test, place)
    asked = replace(wanted or Wanted(), home=place, test=held_out or ())
    found = yield from examining.examined(before, asked, ignore or {})
    codes = tuple(dict.fromkeys(code.upper() for code in codes))

    def judge(rows: Sequence[Record]) -> list[Finding]:
        # what waited needs no dear evidence: such checks edit nothing
        return found if rows is before.records else checking.check(rows, before.content, ignore=ignore)

    made = cleaning.settled(before.records, judge, ignore or {}, codes)
    _require(codes, made.findings, ref)
    after = before
    if not dry_run:
        step = {"verb": "fix", "codes": list(codes), "ignore": sorted(ignore or {})}
        step |= {"applied": sorted({each.code for each in made.findings if each.fixed})}
        after = yield from datasets.changed(
            before, made.records, step, place, changes=made.changes, findings=made.findings
        )
    yield Finished(Result(_fixed(before, after, made, dry_run)))


def _held_out(before: Dataset, test: str, home: Path) -> Generator[Event, None, Sequence[Record] | None]:
    if not test:
        return None
    read = next((step for step in before.steps if step["verb"] == "read"), {})
    found = yield from datasets.opened(test, home, form=before.form, fields=read.get("fields"))
    return found.records


def _require(codes: Iterable[str], findings: Sequence[Finding], ref: str) -> None:
    able = [each.code for each in findings if each.fix and (each.fix.drops or each.fix.edits)]
    if lacking := next((code for code in codes if code not in able), ""):
        raise UsageError(
            "F030",
            f"there is nothing to apply for {lacking} in {ref}",
            expected=f"a code with a fix: {', '.join(sorted(set(able)))}"
            if able
            else "no code: nothing has a fix",
            fixes=(f"tunesmith data check {ref}", f"tunesmith explain {lacking}"),
            where=ref,
        )


def _fixed(before: Dataset, after: Dataset, made: cleaning.Cleaned, dry_run: bool) -> dict[str, Any]:
    drops = [change for change in made.changes if change["action"] == "drop"]
    edits = [change for change in made.changes if change["action"] == "edit"]
    return {
        **summary(before, after),
        "dry_run": dry_run,
        "rows": len(made.records),
        "dropped": len(drops),
        "edited": len(edits),
        "by_code": dict(sorted(Counter(change["code"] for change in made.changes).items())),
        "left": [_shown_drop(change) for change in drops[:SHOWN]],
        "changed": [_shown_edit(change) for change in edits[:SHOWN]],
        "findings": [finding.to_json() for finding in made.findings],
    }


def summary(before: Dataset, after: Dataset) -> dict[str, Any]:
    """What every verb says of the version that it made."""
    known = {"data": before.ref, "version": after.ref if after.digest else "", "digest": after.digest}
    return {**known, "parent": after.parent, "rows_before": len(before.records), "rows": len(after.records)}


def _shown_drop(change: Mapping[str, Any]) -> dict[str, Any]:
    return {"row": change["row"], "code": change["code"], "fields": change["before"]["fields"]}


def _shown_edit(change: Mapping[str, Any]) -> dict[str, Any]:
    sides = {"before": change["before"]["value"], "after": change["after"]["value"]}
    return {"row": change["row"], "code": change["code"], "field": change["field"], **sides}


def undo(ref: str, *, home: Path | str | None = None) -> Iterator[Event]:
    """The name stands for the version before again: Finished(Result).  What is undone stays in the store.

    ref: a version, or a file from which versions were made.  Raises MissingError F031 where there is none before.
    """
    place = home_folder(home)
    name = slug(source.title(ref)) if Path(ref).exists() else ref
    digest = version.find(place, name)
    if not digest:
        raise _nothing(ref, "no version was made of it")
    name = journal.named(place, digest, name.partition("@")[0]).partition("@")[0]
    left = version.load(place, digest, name)
    if not left.parent:
        raise _nothing(ref, "it is as it was read")
    back = version.load(place, left.parent, name)
    how = {"parent": back.parent, "steps": list(back.steps), "sources": list(back.sources)}
    journal.note(place, name, back.digest, **how)
    refs = [journal.named(place, each.digest, name) for each in (left, back)]
    yield Stage("version", f"{name} is {refs[1]} again · {len(back.records):,} rows")
    counts = {"rows_before": len(left.records), "rows": len(back.records)}
    undone = dict(left.steps[-1]) if left.steps else {}
    made = {"data": ref, "undone": refs[0], "step": undone, "version": refs[1], "digest": back.digest}
    yield Finished(Result({**made, "parent": back.parent, **counts}))


def _nothing(ref: str, why: str) -> MissingError:
    return MissingError(
        "F031",
        f"nothing can be undone for '{ref}': {why}",
        expected="a version that was made from another",
        fixes=("tunesmith data ls",),
        where=ref,
    )


def sample(
    ref: str,
    count: int,
    *,
    stratify: bool = False,
    seed: int = 0,
    name: str = "",
    form: str = "",
    fields: Mapping[str, str] | None = None,
    licence: str = "",
    home: Path | str | None = None,
) -> Iterator[Event]:
    """Some rows drawn by chance, in their order, as a version: Finished(Result).

    stratify: each label keeps its share, as nearly as whole rows allow.  name: what the sample is called, else as the
    data with '-sample': the data keeps its own name.  Raises UsageError F033 where there are fewer.
    """
    place = home_folder(home)
    before = yield from datasets.opened(ref, place, form=form, fields=fields, licence=licence)
    if not 0 < count <= len(before.records):
        raise UsageError(
            "F033",
            f"{count:,} rows can't be drawn from the {len(before.records):,} of {ref}",
            expected=f"a number from 1 to {len(before.records):,}",
            fixes=(f"tunesmith data sample {ref} {min(100, len(before.records))}",),
            where=ref,
        )
    chosen = sampling.sample(before.records, before.content, count, seed=seed, stratify=stratify)
    step = {"verb": "sample", "rows": count, "seed": seed, "stratify": stratify}
    rows = [before.records[index] for index in chosen]
    after = yield from datasets.changed(before, rows, step, place, name=name or f"{before.name}-sample")
    yield Finished(Result({**summary(before, after), **{key: step[key] for key in ("seed", "stratify")}}))
