"""A data set by its reference (a file or a saved version), and the keeping of what was done to it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunesmith import catalog
from tunesmith.catalog import nearest
from tunesmith.data import version
from tunesmith.data.version import DatasetVersion
from tunesmith.errors import MissingError
from tunesmith.events import Event, Saved, Stage
from tunesmith.fields import Broken, Record
from tunesmith.findings import Finding
from tunesmith.lifecycle import prepare
from tunesmith.names import slug
from tunesmith.parts import Content
from tunesmith.store import files


@dataclass(frozen=True)
class Dataset:
    """Rows of one content with what is known of them.  digest: of the version that they are, '' for a file that was not
    saved yet.  steps, sources: as in `DatasetVersion`."""

    name: str
    ref: str
    content: Content
    content_name: str
    form: str
    fields: tuple[str, ...]
    records: Sequence[Record]
    broken: Sequence[Broken] = ()
    digest: str = ""
    steps: tuple[Mapping[str, Any], ...] = ()
    sources: tuple[Mapping[str, Any], ...] = ()


def opened(
    ref: str, home: Path, *, form: str = "", fields: Mapping[str, str] | None = None
) -> Generator[Event, None, Dataset]:
    """The rows that a reference names: a file, 'name', 'name@2', or the first digits of a version's digest.

    Raises what reading a file raises; MissingError F013 where there is neither such a file nor such a version.
    """
    if not Path(ref).exists() and (digest := version.find(home, ref)):
        return _of_version(ref, version.load(home, digest))
    if not Path(ref).exists() and "." not in ref and "/" not in ref:
        raise _missing(ref, home)
    table = yield from prepare.read(ref, fields or {}, form=form)
    reading = {"verb": "read", "form": table.reading.form, "fields": dict(table.columns.columns)}
    return Dataset(
        slug(Path(ref).name.split(".")[0]),
        ref,
        table.content,
        catalog.part("form", table.reading.form).content,
        table.reading.form,
        table.fields,
        table.records,
        table.broken,
        steps=(reading,),
        sources=({"name": Path(ref).name, "sha256": files.sha256(Path(ref))},),
    )


def _of_version(ref: str, found: DatasetVersion) -> Dataset:
    read = next((step for step in found.steps if step["verb"] == "read"), {})
    return Dataset(
        slug(ref.partition("@")[0]),
        ref,
        catalog.part("content", found.content)(),
        found.content,
        read.get("form", ""),
        found.fields,
        found.records,
        found.broken,
        found.digest,
        found.steps,
        found.sources,
    )


def _missing(ref: str, home: Path) -> MissingError:
    close = nearest(ref.partition("@")[0], list(version.numbered(home)))
    return MissingError(
        "F013",
        f"there is neither a file nor a dataset version '{ref}'",
        expected="a path, a name such as tickets or tickets@2, or the first six digits of a digest",
        fixes=(f"tunesmith data show {close}",) if close else ("tunesmith data ls",),
        where=ref,
    )


def saved(dataset: Dataset, home: Path) -> Generator[Event, None, Dataset]:
    """The data set as a version: one that was read from a file is kept as it is, so that what follows can be undone."""
    if dataset.digest:
        return dataset
    made = version.make_version(
        dataset.records,
        content=dataset.content_name,
        fields=dataset.fields,
        broken=dataset.broken,
        steps=dataset.steps,
        sources=dataset.sources,
    )
    folder = version.save(made, home, dataset.name)
    yield Saved("dataset", str(folder), made.digest)
    return replace(dataset, digest=made.digest, records=made.records)


def changed(
    dataset: Dataset,
    records: Iterable[Record],
    step: Mapping[str, Any],
    home: Path,
    *,
    changes: Iterable[Mapping[str, Any]] = (),
    findings: Iterable[Finding] = (),
) -> Generator[Event, None, Dataset]:
    """A new version with these rows: a child of the data set, which is kept too.

    step: {verb, …options}: what was done, so that the same sources and steps give the same rows again.
    """
    before = yield from saved(dataset, home)
    steps = (*before.steps, dict(step))
    made = version.make_version(
        records,
        content=before.content_name,
        fields=before.fields,
        findings=findings,
        changes=changes,
        broken=before.broken,
        parent=before.digest,
        steps=steps,
        sources=before.sources,
    )
    folder = version.save(made, home, before.name)
    yield Saved("dataset", str(folder), made.digest)
    yield Stage(
        "version", f"{before.name}@{len(version.numbered(home)[before.name])} · {len(made.records):,} rows"
    )
    return replace(before, records=made.records, digest=made.digest, steps=steps)
