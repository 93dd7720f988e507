"""What the checks share: normal forms of texts and labels, row ids, and the making of findings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tunesmith.fields import Record, row_key
from tunesmith.findings import SHOWN, Fix, Place
from tunesmith.parts import Case, Content

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))
_SEPARATORS = re.compile(r"[\s_\-\u2010-\u2015]+")
_NUMBER = re.compile(r"[+-]?[\d.,]+%?")


@lru_cache(2048)  # several checks ask for the same text while a batch of rows is looked at
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


def key_of(row: Record) -> str:
    """The row's content hash, also where mapping has not filled it in."""
    return row.key or row_key(row.fields)


def text_of(row: Record, evidence: Mapping[str, Any]) -> str:
    """The row's input as its content reads it; '' where it is missing."""
    return evidence["content"].text(row)


def label_of(row: Record, evidence: Mapping[str, Any]) -> str | None:
    """The row's first label; None where it is missing or blank."""
    label = next(iter(evidence["content"].labels(row)), None)
    return label if label is not None and normalise(label) else None


def target_field(content: Content) -> str:
    """The name of the field that is to be predicted."""
    return next(field.name for field in content.fields if field.role == "target")


def usable(row: Record, evidence: Mapping[str, Any]) -> bool:
    """Whether the row has both a text and a label, so that it outlives cleaning."""
    return label_of(row, evidence) is not None and bool(normalise(text_of(row, evidence)))


def shown(places: Iterable[Place]) -> tuple[Place, ...]:
    """The few places that a finding names, in file order."""
    return tuple(sorted(places, key=lambda place: (place.source, place.line))[:SHOWN])


def safe_fix(
    code: str, effect: str, drops: Iterable[str] = (), edits: Sequence[tuple[str, str, Any]] = ()
) -> Fix:
    """A fix that is applied without asking; its command leaves these rows as they are.  drops: row ids.  FILE stands
    for the data's own path."""
    command = f"tunesmith up FILE --set data.ignore.{code}='they are wanted'"
    return Fix(command, effect, safe=True, drops=tuple(drops), edits=tuple(edits))


def review_fix(
    code: str, effect: str, drops: Iterable[str] = (), edits: Sequence[tuple[str, str, Any]] = ()
) -> Fix:
    """A fix that a person has to decide on: naming its code applies it."""
    return Fix(f"tunesmith data fix FILE {code}", effect, drops=tuple(drops), edits=tuple(edits))


def plural(count: int, noun: str, nouns: str = "") -> str:
    """'1 row', '2 rows', '1,024 rows'."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def planted(content: Content, *rows: Mapping[str, Any], **evidence: Any) -> Case:
    """A case of rows given by their fields, with the evidence about them: for `Check.planted`."""
    records = [Record(dict(f), Place("planted.jsonl", n), row_key(f)) for n, f in enumerate(rows, 1)]
    return Case(records, {"content": content, **evidence})


def labelled(*pairs: tuple[Any, Any], **evidence: Any) -> Case:
    """A case of (text, label) rows."""
    from tunesmith.data.contents.labelled import Labelled

    return planted(Labelled(), *({"text": text, "label": label} for text, label in pairs), **evidence)
