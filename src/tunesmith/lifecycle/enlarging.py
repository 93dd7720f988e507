"""The verb `augment`: rows written anew, as a new version in which they are marked."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith import bases, catalog
from tunesmith.data import balance, enlarging
from tunesmith.endpoints import Endpoint, endpoint
from tunesmith.errors import UsageError
from tunesmith.events import Event, Finished, Note, Stage
from tunesmith.fields import Record
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.results import Result
from tunesmith.parts import Augmentation


@dataclass(frozen=True)
class Tools:
    """What the user gives for ways that need it: a base model, an endpoint with the name of a model."""

    base: str = ""
    url: str = ""
    model: str = ""
    offline: bool = False

    def of(self, needs: str) -> Any:
        """The base or the endpoint.  Raises UsageError C130 or what `bases.resolve` raises where it is not given."""
        found = {
            "": lambda: None,
            "base": lambda: bases.resolve(self.base or "minilm", offline=self.offline),
            "endpoint": self.endpoint,
        }
        return found[needs]()

    def endpoint(self) -> Endpoint:
        """The endpoint.  Raises UsageError C130."""
        return endpoint(self.url, self.model, offline=self.offline)


def augment(
    ref: str,
    ways: Sequence[str],
    *,
    copies: int = 1,
    labels: Sequence[str] = (),
    seed: int = 0,
    tools: Tools | None = None,
    form: str = "",
    fields: Mapping[str, str] | None = None,
    licence: str = "",
    home: Path | str | None = None,
) -> Iterator[Event]:
    """A version with each row (of the labels, where some are named) written anew `copies` times in each way:
    Finished(Result)."""
    place = home_folder(home)
    parts = _parts(ways)
    dataset = yield from datasets.opened(ref, place, form=form, fields=fields, licence=licence)
    _require_texts_alone(dataset)
    rows = [row for row in dataset.records if not enlarging.is_made(row)]
    rows = of_labels(dataset, rows, labels)
    made: list[Record] = []
    for name, part in parts.items():
        given = (tools or Tools()).of(part.needs)
        yield Stage("augment", name)
        for copy in range(copies):
            options = {"seed": seed, "copy": copy, "given": given}
            made += enlarging.varied(rows, dataset.content, name, part, **options)
    kept = enlarging.new_only(made, dataset.records, dataset.content, near=False)
    yield Note(f"{len(made):,} rows written, {len(made) - len(kept):,} of them equal to another and left out")
    step = {"verb": "augment", "with": list(ways), "copies": copies, "labels": list(labels), "seed": seed}
    yield from ended(dataset, kept, step, place)


def _parts(ways: Sequence[str]) -> dict[str, Augmentation]:
    """Ways by their names; raises UsageError C103 for an unknown one, C131 for none."""
    if not ways:
        raise UsageError(
            "C131",
            "no way to write rows anew is named",
            expected=f"one or more of: {', '.join(catalog.names('augmentation'))}",
            fixes=("--with typos,casing",),
            where="--with",
        )
    return {name: catalog.part("augmentation", name)() for name in ways}


def _require_texts_alone(dataset: Dataset) -> None:
    if dataset.content.offers & {"tags", "spans"}:
        raise UsageError(
            "C132",
            f"rows of {dataset.content_name} mark places in their texts, which would move",
            expected="rows whose answer does not point into the text",
            fixes=(f"tunesmith data show {dataset.ref}",),
            where=dataset.ref,
        )


def of_labels(dataset: Dataset, rows: Sequence[Record], labels: Sequence[str]) -> list[Record]:
    known = set(balance.counts(rows, dataset.content))
    for label in labels:
        if label not in known:
            close = catalog.nearest(label, sorted(known))
            raise UsageError(
                "C133",
                f"no row has the label '{label}'",
                expected=f"one of: {', '.join(sorted(known)[:20])}",
                fixes=(f"--class '{close}'",) if close else (),
                where=dataset.ref,
            )
    wanted = set(labels)
    return [row for row in rows if not wanted or wanted & set(dataset.content.labels(row))]


def with_made(
    dataset: Dataset, made: Sequence[Record], step: Mapping[str, Any], place: Path
) -> Generator[Event, None, Dataset]:
    """The child version that holds the made rows too, with their mark."""
    rows = [*dataset.records, *made]
    return (yield from datasets.changed(dataset, rows, step, place, adds=("origin",)))


def ended(dataset: Dataset, made: Sequence[Record], step: Mapping[str, Any], place: Path) -> Iterator[Event]:
    """The version with the rows and those made of them, and what is said of it."""
    after = yield from with_made(dataset, made, step, place)
    counts = balance.counts(made, dataset.content) if "labels" in dataset.content.offers else {}
    yield Finished(
        Result(
            {
                "data": dataset.ref,
                "name": after.name,
                "version": after.digest,
                "rows": len(after.records),
                "made": len(made),
                "by_label": counts,
                "step": dict(step),
            }
        )
    )
