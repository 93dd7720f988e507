"""`data convert`: the rows of a file or version in another form, read back and compared: nothing is lost unsaid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith import catalog
from tunesmith.data import mapping, source, writing
from tunesmith.data.choosing import Columns
from tunesmith.data.contents import _translations
from tunesmith.errors import DataError, TunesmithError, UsageError
from tunesmith.events import Event, Finished, Note, Saved, Stage
from tunesmith.fields import CONTEXT, Record
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.results import Result
from tunesmith.parts import Form
from tunesmith.store import files

SHOWN = 20


@dataclass
class _Loss:
    """What does not come along.  fields: name → rows that lose it; first: name → the first of them; left_out: rows that
    the form can't hold, as (place, reason); unread: columns of the file that its form has no key for."""

    fields: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    unread: tuple[str, ...] = ()

    def note(self, name: str, place: str) -> None:
        self.fields[name] += 1
        self.first.setdefault(name, place)

    def to_json(self) -> dict[str, Any]:
        return {
            "lost": {name: {"rows": self.fields[name], "first": self.first[name]} for name in self.fields},
            "left_out": len(self.left_out),
            "left_out_rows": [{"place": place, "reason": reason} for place, reason in self.left_out[:SHOWN]],
            "unread": list(self.unread),
        }

    def says(self) -> list[str]:
        """What was lost, a line each."""
        lines = [
            f"'{name}' is not kept whole in {count:,} rows, first in {self.first[name]}"
            for name, count in self.fields.items()
        ]
        if self.left_out:
            place, reason = self.left_out[0]
            lines.append(f"{len(self.left_out):,} rows are left out, first {place}: {reason}")
        if self.unread:
            lines.append(f"columns that were not read: {', '.join(self.unread)}")
        return lines


@dataclass(frozen=True)
class _Made:
    """A row to be written: how the form writes it, what must be read back, and where it came from."""

    row: Mapping[str, Any]
    fields: Mapping[str, Any]
    place: str


def convert(
    ref: str,
    to: str,
    out: str,
    *,
    form: str = "",
    fields: Mapping[str, str] | None = None,
    strict: bool = False,
    home: Path | str | None = None,
) -> Iterator[Event]:
    """Write the rows in the form `to`, read the file back, and say what was lost: Finished(Result).

    form, fields: how the rows are read.  Raises UsageError F039 where `out` is there already, M206 where rows of this
    content can't become those of the form; DataError M209 where strict and anything is lost (then nothing is written).
    """
    goal, part = Path(out), catalog.part("form", to)()
    _require_free(goal)
    found = yield from datasets.opened(ref, home_folder(home), form=form, fields=fields)
    loss = _Loss(unread=_unread(found))
    loss.left_out += [(str(row.place), row.reason) for row in found.broken]
    made = _made(found, to, part, loss)
    if not made:
        raise _impossible(found, to, part, loss.says()[0] if loss.left_out else "no row is left")
    yield Stage("convert", f"{len(found.records):,} rows · {found.form} → {to} · {goal.name}")
    digest = writing.write(goal, [each.row for each in made])
    _compare(goal, to, part, made, loss)
    if strict and loss.says():
        files.remove(goal)
        raise _strict(ref, to, loss)
    yield Saved("data", str(goal), digest)
    for line in loss.says():
        yield Note(line, "warning")
    counts = {"rows": len(found.records), "written": len(made), "sha256": digest}
    yield Finished(
        Result({"data": ref, "from": found.form, "to": to, "out": str(goal), **counts, **loss.to_json()})
    )


def _made(found: Dataset, to: str, part: Form, loss: _Loss) -> list[_Made]:
    way = _translations.find(found.content_name, part.content)
    if way is None:
        raise _impossible(found, to, part, f"{found.content_name} can't become {part.content}")
    made: list[_Made] = []
    for record in found.records:
        try:
            rows = _rendered(record, way, part, found.context)
        except (ValueError, KeyError, IndexError) as wrong:
            loss.left_out.append((str(record.place), str(wrong)))
            continue
        if not rows:
            loss.left_out.append((str(record.place), f"it has no place among {part.content} rows"))
        for name in way.lost(record.fields):
            loss.note(name, str(record.place))
        made += rows
    return made


def _rendered(
    record: Record, way: _translations.Translation, part: Form, context: Sequence[str]
) -> list[_Made]:
    about = {name: record.fields[name] for name in context if record.fields.get(name)}
    return [
        _Made({**part.render(fields), **about}, {**fields, **about}, str(record.place))
        for fields in way.make(record.fields)
    ]


def _compare(path: Path, to: str, part: Form, made: Sequence[_Made], loss: _Loss) -> None:
    """Read what was written and note each field that is not what it was."""
    columns = {each.name: each.name for each in (*part.keys, *CONTEXT)}
    try:
        reading = mapping.Reading(to, Columns(columns))
        read = [getattr(row, "fields", {}) for row in mapping.records(source.sniff(path), reading)]
    except TunesmithError:
        read = []
    if len(read) != len(made):
        loss.note("rows", made[0].place)
        loss.fields["rows"] = abs(len(made) - len(read))
        return
    for each, fields in zip(made, read, strict=True):
        for name, value in each.fields.items():
            if fields.get(name) != value and not (value in ("", [], None) and not fields.get(name)):
                loss.note(name, each.place)


def _unread(found: Dataset) -> tuple[str, ...]:
    """Columns of the file that its form has no key for; none of a version, which has forgotten them."""
    if found.digest:
        return ()
    read = {part for column in found.steps[0]["fields"].values() for part in (column, *column.split(","))}
    return tuple(name for name in source.sniff(found.ref).dialect.columns if name not in read)


def _require_free(goal: Path) -> None:
    writing.require_suffix(goal)
    if goal.exists():
        raise UsageError(
            "F039",
            f"{goal} is there already",
            expected="a name that is free: nothing is written over",
            fixes=(f"tunesmith data convert … --out {goal.stem}-2{goal.suffix}",),
            where=str(goal),
        )


def _impossible(found: Dataset, to: str, part: Form, reason: str) -> UsageError:
    fitting = [name for goal in _translations.goals(found.content_name) for name in mapping.forms_of(goal)]
    return UsageError(
        "M206",
        f"the form '{to}' can't hold the rows of {found.ref}: {reason}",
        expected=f"a form for {found.content_name} rows: {', '.join(fitting)}",
        fixes=tuple(f"tunesmith data convert '{found.ref}' --to {name} --out OUT" for name in fitting[:2]),
        where=found.ref,
    )


def _strict(ref: str, to: str, loss: _Loss) -> DataError:
    return DataError(
        "M209",
        f"{ref} can't be written as '{to}' without a loss: {'; '.join(loss.says())}",
        expected="nothing to be lost, as --strict asks; nothing was written",
        fixes=(f"tunesmith data convert '{ref}' --to {to} --out OUT   (without --strict)",),
        where=ref,
    )
