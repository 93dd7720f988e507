"""What a column of a table looks like, and how well it fits a field of a task."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tunesmith.fields import Field

_NUMBER = re.compile(r"[-+]?(\d+([.,]\d+)*|\.\d+)([eE][-+]?\d+)?\s*%?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d{1,2}:\d{2}.*)?|\d{1,2}:\d{2}(:\d{2})?")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_IDS = frozenset(("id", "uuid", "guid", "key", "hash", "nr", "no", "number", "index"))
_FEW = 12
_LONGEST = 200  # characters of a text that may be several labels
_BETWEEN = re.compile(r"[;|,\n]")
_BRACKETS = frozenset(("[]", "{}"))
_FLAGS = frozenset(("0", "1", "0.0", "1.0", "true", "false", "yes", "no"))
_PLAIN = frozenset(("text", "category"))
EXACT = 0.85  # what a name that is the field's own, or a synonym, scores at least


@dataclass(frozen=True, slots=True)
class Column:
    """What some rows show of a column.  Shares are of its filled values; length is in characters.

    lists: it holds lists or objects; packed: as text.  several: share of values that are several labels in one, by the
    items that come back in different company.  flags: share of values that are 0, 1, true, false and the like.
    """

    name: str
    rows: int
    filled: int
    distinct: int
    length: float
    words: float
    numbers: float
    dates: float
    lists: bool
    packed: bool = False
    several: float = 0.0
    flags: float = 0.0

    @property
    def repeats(self) -> bool:
        """Whether values come back often enough to be classes: each at least twice on average."""
        return 2 * self.distinct <= self.filled

    def says(self) -> str:
        """What it looks like, in words."""
        if not self.filled:
            return "is empty"
        if self.dates > 0.5:
            return "holds dates"
        if self.distinct == 1 and self.filled > 1:
            return "is constant"
        if self.numbers > 0.5:
            return f"holds {self.distinct} different numbers"
        if self.distinct == self.filled and self.words < 1.5:
            return "holds unique ids"
        kind = "texts" if self.words >= 2.5 else "values"
        return f"holds {self.distinct} different {kind} in {self.filled} rows"


def look(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """Each column as some rows show it."""
    return {name: _look(name, [row.get(name) for row in rows]) for name in names}


def _look(name: str, values: Sequence[Any]) -> Column:
    lists = any(isinstance(value, (list, dict)) for value in values)
    texts = [text for value in values if value is not None and (text := str(value).strip())]
    count = max(1, len(texts))
    packed = not lists and sum(text[0] + text[-1] in _BRACKETS for text in texts) > 0.5 * count
    return Column(
        name,
        len(values),
        len(texts),
        len(set(texts)),
        sum(map(len, texts)) / count,
        sum(len(text.split()) for text in texts) / count,
        sum(bool(_NUMBER.fullmatch(text)) for text in texts) / count,
        sum(bool(_DATE.fullmatch(text)) for text in texts) / count,
        lists,
        packed,
        _several(values, lists or packed),
        sum(text.lower() in _FLAGS for text in texts) / count,
    )


def _several(values: Sequence[Any], listed: bool) -> float:
    """Share of values that hold several labels; 0 where their items are long, or hardly ever come back."""
    found = [items for value in values if (items := _items(value))]
    every = [item for items in found for item in items]
    if not every or sum(len(item.split()) for item in every) > 5 * len(every):
        return 0.0
    if len(found) >= _FEW and 2 * len(set(every)) > len(every):
        return 0.0
    if listed:
        return 1.0
    company = Counter(item for items in {tuple(items) for items in found} for item in set(items))
    met = sum(len(items) > 1 and any(company[item] > 1 for item in items) for items in found)
    return met / len(found)


def _items(value: Any) -> list[str]:
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str)]
    if not isinstance(value, str) or len(value) > _LONGEST:
        return []
    return [item for each in _BETWEEN.split(value.strip("[] ")) if (item := each.strip(" '\""))]


def by_name(field: Field, column: Column) -> float:
    """As `fitness`, for a field that no column can be unless its name says so; a text or class may then be anything."""
    said = named(field, column.name)
    content = judged(field, column)
    if not said or (content <= 0 and (said < EXACT or field.kind not in _PLAIN)):
        return 0.0
    return 0.6 * said + 0.4 * content


def judged(field: Field, column: Column) -> float:
    """How well what a column holds fits a field, 0..1, whatever its name."""
    return _JUDGES.get(field.kind if field.role != "group" else "group", _as_value)(column)


def fitness(field: Field, column: Column) -> float:
    """How well a column fits a field, 0..1, by name and content; 0 where it can't be that field."""
    content = judged(field, column)
    if content <= 0:
        return 0.0
    said = named(field, column.name)
    if field.role == "group" and not said:
        said = 0.7 if set(_words(column.name)) & _IDS else 0.0
        return 0.5 * said + 0.3 * content if said else 0.0
    return 0.6 * said + 0.4 * content


@lru_cache(maxsize=1 << 16)  # a table may have 10,000 columns, each held against every name of every form
def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORDS.findall(name))


def named(field: Field, name: str) -> float:
    """1 where the name is a synonym of the field (less the later it stands), 0.7 where it holds one."""
    words = _words(name)
    whole = "".join(words)
    synonyms = [field.name, *field.synonyms]
    for rank, synonym in enumerate(synonyms):
        if whole == "".join(_words(synonym)):
            return 1 - min(0.1, 0.01 * rank)
    if words and words[-1] in _IDS and field.role != "group":
        return 0.0
    for rank, synonym in enumerate(synonyms):
        if len(synonym) > 2 and synonym.lower() in (*words, *(word.removesuffix("s") for word in words)):
            return 0.7 - min(0.1, 0.01 * rank)
    return 0.0


def _as_text(column: Column) -> float:
    """Long and varied is text; dates, numbers, constants and ids are not.  Of few rows, the name decides."""
    if not column.filled or column.numbers > 0.5 or column.dates > 0.5:
        return 0.0
    if column.rows >= 2 and column.distinct == 1:
        return 0.0
    if column.words < 1.2 and column.rows >= _FEW:
        return 0.0 if column.distinct > 0.9 * column.filled else 0.1
    varied = min(1.0, 2 * column.distinct / column.filled)
    long = min(1.0, column.words / 6) * 0.7 + min(1.0, column.length / 150) * 0.3
    return max(0.05, long * varied**2 * (0.3 + 0.7 * column.filled / max(1, column.rows)))


def _as_label(column: Column) -> float:
    """Few values that come back.  One value only, or few rows, leave the doubt to the name."""
    if not column.filled or column.dates > 0.5 or column.lists:
        return 0.0
    if column.rows < _FEW:
        return 0.4 if column.length < 60 else 0.05
    if column.distinct == 1:
        return 0.05
    if not column.repeats:
        return 0.0
    few = 1 - column.distinct / column.filled
    short = 1.0 if column.words <= 4 else max(0.0, 1 - (column.words - 4) / 8)
    sparse = column.filled / max(1, column.rows)
    single = 0.5 if column.several > 0.2 else 1.0
    return max(0.0, few * short * sparse * single * (0.6 if column.numbers > 0.5 else 1.0))


def _as_group(column: Column) -> float:
    """Values that come back, but are many."""
    if column.rows < 2 or not 1 < column.distinct < column.filled or column.words > 2 or column.dates > 0.5:
        return 0.0
    return min(1.0, 0.3 + column.distinct / column.filled)


def _as_structure(column: Column) -> float:
    """Lists and objects."""
    return 1.0 if column.lists or column.packed else 0.0


def _as_labels(column: Column) -> float:
    """Lists of few labels, also in one text."""
    return column.several if column.several > 0.05 else 0.0


def _as_flag(column: Column) -> float:
    """Nothing but yes and no."""
    return 1.0 if column.filled and column.flags == 1 else 0.0


def _as_value(column: Column) -> float:
    """Anything plain: the name decides."""
    return 0.5 if column.filled and not column.lists else 0.0


_JUDGES = {
    "text": _as_text,
    "category": _as_label,
    "group": _as_group,
    "labels": _as_labels,
    "flag": _as_flag,
    **dict.fromkeys(("strings", "messages", "spans", "json"), _as_structure),
}
