"""A data set by its reference (a file or a saved version), and the keeping of what was done to it."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunesmith import catalog
from tunesmith.catalog import nearest
from tunesmith.data import journal, source, version
from tunesmith.data.version import DatasetVersion
from tunesmith.errors import MissingError, UsageError
from tunesmith.events import Event, Saved, Stage
from tunesmith.fields import Broken, Record
from tunesmith.findings import Finding
from tunesmith.lifecycle.reading import read
from tunesmith.names import slug
from tunesmith.parts import Content
from tunesmith.store import files

_LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}( (AND|OR|WITH) [A-Za-z0-9][A-Za-z0-9.+-]{0,63}){0,4}")


@dataclass(frozen=True)
class Dataset:
    """Rows of one content with what is known of them.  digest: of the version that they are, '' for a file that was not
    saved yet.  parent, steps, sources, findings, changes: as in `DatasetVersion`.  confidence: of the columns, 0..1."""

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
    parent: str = ""
    findings: tuple[Finding, ...] = ()
    changes: tuple[Mapping[str, Any], ...] = ()
    confidence: Mapping[str, float] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, str]:
        """Which column of the file was which key of its form."""
        read = next((step for step in self.steps if step["verb"] == "read"), {})
        return dict(read.get("fields", {}))

    @property
    def context(self) -> tuple[str, ...]:
        """The fields that the rows have beside their content's: group, time, split, annotator."""
        own = {each.name for each in self.content.fields}
        return tuple(name for name in self.fields if name not in own)


def opened(
    ref: str,
    home: Path,
    *,
    form: str = "",
    fields: Mapping[str, str] | None = None,
    licence: str = "",
    content: str = "",
) -> Generator[Event, None, Dataset]:
    """The rows that a reference names: a file, 'name', 'name@2', or the first digits of a version's digest.

    content: the name of what the rows must hold, '' for any.  licence: of the file, as an SPDX identifier; of a
    version, of all its sources.  Raises what reading a file raises; MissingError F013 where there is neither such a
    file nor such a version; UsageError F034 where fields are given for a version that lacks them, F042 where a version
    holds another content, C123 for what is no licence.
    """
    _require_licence(licence)
    found = yield from _opened(ref, home, form, fields or {}, content)
    known = {} if licence or found.digest else _licences(home)
    said = ((each, licence or known.get(each.get("sha256", ""), "")) for each in found.sources)
    return replace(found, sources=tuple({**each, "licence": word} if word else each for each, word in said))


def _licences(home: Path) -> dict[str, str]:
    """SHA-256 of a file → the licence that was last given for it: it is asked for once."""
    sources = (each for line in journal.notes(home) for each in line.get("sources", ()))
    return {each["sha256"]: each["licence"] for each in sources if each.get("licence") and each.get("sha256")}


def _require_licence(licence: str) -> None:
    if licence and not _LICENCE.fullmatch(licence):
        raise UsageError(
            "C123",
            f"{licence[:80]!r} is no licence identifier",
            expected="an SPDX identifier: CC-BY-4.0, MIT, Apache-2.0, LicenseRef-own",
            fixes=("--licence CC-BY-4.0",),
            where="--licence",
        )


def _opened(
    ref: str, home: Path, form: str, fields: Mapping[str, str], content: str
) -> Generator[Event, None, Dataset]:
    if not Path(ref).exists() and (digest := version.find(home, ref)):
        name = journal.named(home, digest, ref.partition("@")[0]).partition("@")[0]
        known = _narrowed(_of_version(ref, name, version.load(home, digest, name)), fields)
        _require_content(known, content)
        return known
    if not Path(ref).exists() and not set("./*#") & set(ref):
        raise _missing(ref, home)
    table = yield from read(ref, fields, form=form, content=content, spool=home / "cache" / "rows")
    reading = {"verb": "read", "form": table.reading.form, "fields": dict(table.columns.columns)}
    return Dataset(
        slug(source.title(ref)),
        ref,
        table.content,
        catalog.part("form", table.reading.form).content,
        table.reading.form,
        table.fields,
        table.records,
        table.broken,
        steps=(reading,),
        sources=table.origins,
        confidence=table.columns.confidence,
    )


def _require_content(dataset: Dataset, content: str) -> None:
    if content not in ("", dataset.content_name):
        raise UsageError(
            "F042",
            f"{dataset.ref} holds {dataset.content_name} rows",
            expected=f"{content} rows",
            fixes=("tunesmith data ls",),
            where=dataset.ref,
        )


def _narrowed(dataset: Dataset, fields: Mapping[str, str]) -> Dataset:
    """The data set, where it has the fields that are asked for: a version's columns were chosen when it was read."""
    if lacking := next((name for name in fields.values() if name and name not in dataset.fields), ""):
        raise UsageError(
            "F034",
            f"the rows of {dataset.ref} have no field '{lacking}'",
            expected=f"one of: {', '.join(dataset.fields)}; a column is named where the file is read",
            fixes=tuple(
                f"tunesmith data split '{each['name']}' --group {lacking}" for each in dataset.sources[:1]
            ),
            where=dataset.ref,
        )
    return dataset


def _of_version(ref: str, name: str, found: DatasetVersion) -> Dataset:
    read = next((step for step in found.steps if step["verb"] == "read"), {})
    return Dataset(
        slug(name),
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
        found.parent,
        found.findings,
        found.changes,
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


def about(home: Path, digest: str) -> dict[str, Any]:
    """What a version says of itself (rows: their count, content, parent, steps, sources); empty where it is gone."""
    path = home / "data" / digest[:2] / digest / "version.json"
    return files.read_json(path) if path.is_file() else {}


def require_same(first: Dataset, second: Dataset) -> None:
    """Raise UsageError F032 where two data sets hold different contents."""
    if first.content_name == second.content_name:
        return
    raise UsageError(
        "F032",
        f"{first.ref} holds {first.content_name} rows and {second.ref} {second.content_name} rows",
        expected="data sets of one content",
        fixes=(f"tunesmith data convert {second.ref} --to {first.form or first.content_name}",),
        where=second.ref,
    )


def saved(dataset: Dataset, home: Path) -> Generator[Event, None, Dataset]:
    """The data set as a version: one that was read from a file is kept as it is, so that what follows can be undone."""
    if dataset.digest:
        how = {"parent": dataset.parent, "steps": list(dataset.steps), "sources": list(dataset.sources)}
        known = journal.noted(home, dataset.name, dataset.digest)
        if known.get("sources") != how["sources"]:  # another name, or a licence that was not known before
            aside = {"aside": True} if known else {}
            journal.note(home, dataset.name, dataset.digest, **how, **aside)
        return replace(dataset, ref=journal.named(home, dataset.digest, dataset.name))
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
    ref = journal.named(home, made.digest, dataset.name)
    return replace(dataset, ref=ref, digest=made.digest, records=made.records)


def changed(
    dataset: Dataset,
    records: Iterable[Record],
    step: Mapping[str, Any],
    home: Path,
    *,
    changes: Iterable[Mapping[str, Any]] = (),
    findings: Iterable[Finding] = (),
    name: str = "",
    adds: Sequence[str] = (),
) -> Generator[Event, None, Dataset]:
    """A new version with these rows: a child of the data set, which is kept too.

    name: what it is called, where it is not to follow the data set under its own name.  adds: fields that only the new
    rows have.

    step: {verb, …options}: what was done, so that the same sources and steps give the same rows again.  Where the rows
    are as they were, the version is too, and nothing is noted.
    """
    before = yield from saved(dataset, home)
    steps = (*before.steps, dict(step))
    fields = tuple(dict.fromkeys((*before.fields, *adds)))
    made = version.make_version(
        records,
        content=before.content_name,
        fields=fields,
        findings=findings,
        changes=changes,
        broken=before.broken,
        parent=before.digest,
        steps=steps,
        sources=before.sources,
    )
    if made.digest == before.digest:
        return before
    name = slug(name) if name else before.name
    folder = version.save(made, home, name)
    yield Saved("dataset", str(folder), made.digest)
    ref = journal.named(home, made.digest, name)
    yield Stage("version", f"{ref} · {len(made.records):,} rows")
    return replace(
        before,
        name=name,
        ref=ref,
        fields=fields,
        records=made.records,
        digest=made.digest,
        steps=steps,
        parent=before.digest,
        findings=made.findings,
        changes=made.changes,
    )
