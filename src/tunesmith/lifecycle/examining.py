"""Every check over a file or a version: what is wrong with it, nothing changed."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tunesmith import lifecycle, machine
from tunesmith.data import checking, scaling, source
from tunesmith.events import Event, Finished, Stage
from tunesmith.findings import Finding
from tunesmith.lifecycle import datasets, evidence, streaming
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.known import Wanted
from tunesmith.lifecycle.results import Result
from tunesmith.recipe.sections import Data


def check(
    data: str,
    *,
    form: str = "",
    fields: Mapping[str, str] | None = None,
    test: str = "",
    overrides: Sequence[str] = (),
    ignore: Mapping[str, str] | None = None,
    wanted: Wanted | None = None,
) -> Iterator[Event]:
    """Every finding of a file or a version, nothing changed: Finished(Result).

    form, fields: how a file's rows are written, and which column is which key.  test: a file of its own for the proof.
    ignore: code → why its findings don't matter.  wanted: what to look at beside the rows.
    """
    asked = wanted or Wanted()
    recipe = lifecycle.recipe_of(data, {}, test, "", 0, overrides).data
    given = {**recipe.fields, **{key: column for key, column in (fields or {}).items() if column}}
    dataset = yield from datasets.opened(data, asked.home, form=form or recipe.form, fields=given)
    if recipe.test:
        held_out = yield from datasets.opened(recipe.test, asked.home, form=dataset.form, fields=given)
        asked = replace(asked, test=held_out.records)
    findings = yield from examined(dataset, asked, {**recipe.ignore, **(ignore or {})}, recipe.max_broken)
    yield Finished(Result({"data": data, **_described(dataset, recipe), **_judged(dataset, findings)}))


def examined(
    dataset: Dataset, wanted: Wanted, ignore: Mapping[str, str], max_broken: float = 0.01
) -> Generator[Event, None, list[Finding]]:
    """The findings of all checks on a data set, with the evidence that can be had."""
    yield Stage("check", f"{len(dataset.records):,} rows")
    lost = checking.broken_finding(dataset.broken, len(dataset.records) + len(dataset.broken), max_broken)
    known = yield from evidence.gather(dataset.records, dataset.content, wanted)
    found = yield from checking.checked(
        dataset.records,
        dataset.content,
        held_out=wanted.test or None,
        evidence={**known, "sources": dataset.sources},
        ignore=ignore,
        mapper=_mapper(dataset, wanted),
        named=dataset.ref,
    )
    return [*([lost] if lost else []), *found]


def _mapper(dataset: Dataset, wanted: Wanted) -> scaling.Mapper[Any, Any]:
    cores = machine.usual_threads()
    workers = wanted.workers or (cores if streaming.is_large(dataset) else 1)
    if wanted.ray:
        return scaling.ray(wanted.workers or cores)
    return scaling.processes(workers) if workers > 1 else scaling.here


def _described(dataset: Dataset, recipe: Data) -> dict[str, Any]:
    version = f"version {dataset.digest[:12]}" if dataset.digest else ""
    read = next((step for step in dataset.steps if step["verb"] == "read"), {})
    return {
        "form": version or source.describe(source.sniff(recipe.source)),
        "rows": len(dataset.records),
        "reading": dataset.form,
        "mapping": dict(read.get("fields", {})),
    }


def _judged(dataset: Dataset, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "findings": [finding.to_json() for finding in findings],
        "broken": [{"place": str(row.place), "reason": row.reason, "fix": row.fix} for row in dataset.broken],
    }
