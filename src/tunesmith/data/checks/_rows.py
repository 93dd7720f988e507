"""What the checks share: normal forms of texts and labels, row ids, and the making of findings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunesmith.fields import Field, Record, row_key
from tunesmith.findings import Fix, Place

SHOWN = 5  # places that a finding names
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))
_SEPARATORS = re.compile(r"[\s_\-\u2010-\u2015]+")
_NUMBER = re.compile(r"[+-]?[\d.,]+%?")


def normalise(text: str) -> str:
    """The form in which two texts count as the same: NFKC, case folded, runs of blanks as one, none at the
    ends."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_INVISIBLE)
    return " ".join(text.casefold().split())


def label_form(label: str) -> str:
    """The form in which two spellings count as one label: case, blanks, '_', '-' and end punctuation don't
    matter.

    Signs that tell classes apart stay: 'C', 'C++' and 'C#' differ, '-1' and '1' differ, and 'a' and 'A'
    differ, since one letter by itself is often a class of its own.
    """
    bare = unicodedata.normalize("NFKC", label).translate(_INVISIBLE).strip()
    if len(bare) < 2 or _NUMBER.fullmatch(bare):
        return bare
    tidy = bare.strip("\"'“”‘’").rstrip(".,;:").strip()
    return _SEPARATORS.sub(" ", tidy).strip().casefold() or bare


def row_id(place: Place) -> str:
    """The id of a row in fixes and changes: file name and line, unique within a file and the same on any
    machine."""
    return f"{place.source.rpartition('/')[2]}:{place.line}"


def key_of(row: Record) -> str:
    """The row's content hash, also where mapping has not filled it in."""
    return row.key or row_key(row.fields)


def text_of(row: Record, evidence: Mapping[str, Any]) -> str:
    """The row's text as its task reads it; '' where all its input fields are missing."""
    task = evidence["task"]
    if all(row.fields.get(field.name) is None for field in task.fields if field.role == "input"):
        return ""
    return str(task.text(row))


def label_of(row: Record, evidence: Mapping[str, Any]) -> str | None:
    """The row's label as its task reads it; None where it is missing or blank."""
    task = evidence["task"]
    value = row.fields.get(target_field(task))
    if value is None or not normalise(str(value)):
        return None
    label = task.target(row)
    return None if label is None else str(label)


def target_field(task: Any) -> str:
    """The name of the field that the task predicts."""
    return next(field.name for field in task.fields if field.role == "target")


def usable(row: Record, evidence: Mapping[str, Any]) -> bool:
    """Whether the row has both a text and a label, so that it outlives cleaning."""
    return label_of(row, evidence) is not None and bool(normalise(text_of(row, evidence)))


def shown(places: Iterable[Place]) -> tuple[Place, ...]:
    """The few places that a finding names, in file order."""
    return tuple(sorted(places, key=lambda place: (place.source, place.line))[:SHOWN])


def safe_fix(
    code: str, effect: str, drops: Iterable[Place] = (), edits: Sequence[tuple[str, str, str]] = ()
) -> Fix:
    """A fix that is applied without asking; its command leaves these rows as they are.  FILE: the data's own path."""
    return Fix(
        command=f"tunesmith up FILE --set 'data.keep=[\"{code}\"]'",
        effect=effect,
        safe=True,
        drops=tuple(row_id(place) for place in drops),
        edits=tuple(edits),
    )


def review_fix(effect: str, drops: Iterable[Place] = ()) -> Fix:
    """A fix that a person has to decide on."""
    rows = tuple(row_id(place) for place in drops)
    return Fix(command="tunesmith data check FILE --json", effect=effect, drops=rows)


def plural(count: int, noun: str, nouns: str = "") -> str:
    """'1 row', '2 rows', '1,024 rows'."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def planted_rows(*pairs: tuple[Any, Any]) -> list[Record]:
    """Records of (text, label) as a reader would give them: for `planted`."""
    fields = [{"text": text, "label": label} for text, label in pairs]
    return [Record(f, Place("planted.csv", line), row_key(f)) for line, f in enumerate(fields, 2)]


class PlantedTask:
    """Reads text and label as they stand: the task of planted rows."""

    fields = (Field("text", "input"), Field("label", "target"))

    def text(self, record: Record) -> str:
        """The field `text`."""
        return str(record.fields["text"])

    def target(self, record: Record) -> str | None:
        """The field `label`."""
        return str(record.fields["label"])
