"""Takes personal values out of a data set, and puts them back with the key."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunesmith.catalog import nearest
from tunesmith.data import journal, stored, version
from tunesmith.data.pseudonyms import Edit, Pseudonyms, hidden, rewritten, shown
from tunesmith.errors import UsageError
from tunesmith.events import Event, Finished, Note, Progress, Saved, Stage
from tunesmith.fields import Broken, Record, row_key
from tunesmith.home import home_folder
from tunesmith.inputs import entities, personal
from tunesmith.lifecycle import datasets, forgetting, keyfile, streaming
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.results import Result

CHANGED = "changed rows"
CHUNK = 256  # rows whose texts a classifier is given together


def redact(
    ref: str,
    *,
    kinds: Sequence[str] = (),
    key: str = "",
    names: str = "",
    form: str = "",
    fields: Mapping[str, str] | None = None,
    licence: str = "",
    home: Path | str | None = None,
) -> Iterator[Event]:
    """A version in which each personal value is a pseudonym, equal values the same one: Finished(Result).

    kinds: groups (`personal.GROUPS`, `personal.NAMES`); all, where there are none.  key: a file that can put the values
    back; without it nothing can.  names: a token classifier's folder.  Of a file, the rows as they were are not kept.
    Raises UsageError P320 for an unknown kind, P327 for names without a classifier, and what `keyfile.opened` raises.
    """
    place = home_folder(home)
    _require_known(kinds, names)
    finder = entities.opened(names) if names else None
    opens = keyfile.opened(key, place, make=True) if key else None
    dataset = yield from datasets.opened(ref, place, form=form, fields=fields, licence=licence)
    if finder is None:
        yield Note("names and addresses are not looked for: no token classifier was given (--names FOLDER)")
    pseudonyms = Pseudonyms(opens.key if opens else b"", opens.values if opens else None)
    counts: Counter[str] = Counter()
    rows = yield from _redacted(
        dataset, pseudonyms, frozenset(kinds), finder, counts, place / "cache" / "rows"
    )
    changed = counts.pop(CHANGED, 0)
    if opens and counts:
        opens.save(pseudonyms.values)
        yield Saved("key", str(opens.path))
    replaced = dict(sorted(counts.items()))
    step = {
        "verb": "redact",
        "kinds": sorted(kinds),
        "keyed": bool(key),
        "names": bool(names),
        "replaced": replaced,
    }
    made = yield from _kept(dataset, rows, step, place)
    raw = forgetting.raw_versions(place, made) if replaced else []
    if raw:
        yield Note(
            f"the values still stand in {', '.join(raw)}: tunesmith data forget {' '.join(raw)}", "warning"
        )
    about = {"data": ref, "version": made.ref, "digest": made.digest, "rows": len(rows), "changed": changed}
    yield Finished(Result({**about, "replaced": replaced, "key": key, "raw": raw}))


def restore(ref: str, *, key: str, home: Path | str | None = None) -> Iterator[Event]:
    """A version with the values that the key file knows in place of their pseudonyms: Finished(Result)."""
    place = home_folder(home)
    values = keyfile.opened(key, place).values
    dataset = yield from datasets.opened(ref, place)
    yield Stage("restore", f"{len(dataset.records):,} rows")
    count = Counter[str]()

    def edits(text: str) -> list[Edit]:
        found = shown(text, values)
        count["values"] += len(found)
        return found

    rows = [_changed(row, edits) for row in dataset.records]
    if not count["values"]:
        yield Note("none of the key's pseudonyms stands in these rows", "warning")
    step = {"verb": "restore", "values": count["values"]}
    made = yield from datasets.changed(dataset, rows, step, place)
    yield Finished(
        Result(
            {
                "data": ref,
                "version": made.ref,
                "digest": made.digest,
                "rows": len(rows),
                "restored": count["values"],
            }
        )
    )


def _require_known(kinds: Sequence[str], names: str) -> None:
    legal = [*personal.GROUPS, *personal.NAMES]
    for kind in kinds:
        if kind not in legal:
            close = nearest(kind, legal)
            raise UsageError(
                "P320",
                f"'{kind}' is no kind of personal data that is known",
                expected=f"one of: {', '.join(legal)}",
                fixes=(f"--kinds {close}",) if close else (),
                where="--kinds",
            )
    if (asked := sorted(set(kinds) & set(personal.NAMES))) and not names:
        raise UsageError(
            "P327",
            f"'{asked[0]}' can't be found without a token classifier",
            expected="--names FOLDER: a local model that marks names",
            fixes=(f"--kinds {asked[0]} --names FOLDER",),
            where="--kinds",
        )


def _avoiding(pseudonyms: Pseudonyms) -> Any:
    def edits(text: str) -> Sequence[Edit]:
        pseudonyms.avoid(text)
        return ()

    return edits


def _redacted(
    dataset: Dataset,
    pseudonyms: Pseudonyms,
    kinds: frozenset[str],
    finder: entities.Finder | None,
    counts: Counter[str],
    spool: Path,
) -> Generator[Event, None, Sequence[Record]]:
    """The rows after the replacement, on disk where they are too many for memory; counts[CHANGED]: how many differ."""
    yield Stage("redact", f"{len(dataset.records):,} rows")
    for row in dataset.records:
        rewritten(row.fields, _avoiding(pseudonyms))
    total, start_at = len(dataset.records), time.monotonic()
    with stored.Rows(spool if streaming.is_large(dataset) else None) as done:
        for start in range(0, total, CHUNK):
            rows = dataset.records[start : start + CHUNK]
            named = _named(rows, finder)

            def edits(text: str, named: Mapping[str, Any] = named) -> list[Edit]:
                found = personal.find(text, kinds, named.get(text, ()))
                counts.update(each.group for each in found)
                return hidden(text, found, pseudonyms)

            for row in rows:
                new = _changed(row, edits)
                counts[CHANGED] += new is not row
                done.add(new)
            if start % (CHUNK * 40) == 0:
                yield Progress("redact", start, total, time.monotonic() - start_at)
    return done.sequence()


def _named(rows: Sequence[Record], finder: entities.Finder | None) -> dict[str, Any]:
    """text → what the classifier found in it, for every text of the rows."""
    if finder is None:
        return {}
    texts: dict[str, None] = {}

    def collect(text: str) -> Sequence[Edit]:
        texts[text] = None
        return ()

    for row in rows:
        rewritten(row.fields, collect)
    return dict(zip(texts, finder(list(texts)), strict=True))


def _changed(row: Record, edits: Any) -> Record:
    fields = rewritten(row.fields, edits)
    if fields == row.fields:
        return row
    place = replace(row.place, source=row.place.source.rpartition("/")[2])
    return Record(fields, place, row_key(fields))


def _kept(
    dataset: Dataset, rows: Sequence[Record], step: Mapping[str, Any], home: Path
) -> Generator[Event, None, Dataset]:
    """The rows as a version.  Unlike `datasets.changed` it keeps neither the rows of a file nor raw lines of broken
    rows, which would defeat the redaction."""
    steps = (*dataset.steps, dict(step))
    made = version.make_version(
        rows,
        content=dataset.content_name,
        fields=dataset.fields,
        broken=[Broken(row.place, "a broken row; its text is not kept", row.fix) for row in dataset.broken],
        parent=dataset.digest,
        steps=steps,
        sources=dataset.sources,
    )
    if made.digest == dataset.digest:
        return dataset
    folder = version.save(made, home, dataset.name)
    yield Saved("dataset", str(folder), made.digest)
    ref = journal.named(home, made.digest, dataset.name)
    return replace(
        dataset, ref=ref, records=made.records, digest=made.digest, steps=steps, parent=dataset.digest
    )
