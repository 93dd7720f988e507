"""Puts pseudonyms in place of personal values: one for equal values everywhere, with a key the same in every run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tunesmith.inputs.checksums import bare
from tunesmith.inputs.personal_words import Found

PSEUDONYM = re.compile(
    r"\[(?P<tag>[A-Z][A-Z_]{1,20})_(?P<id>[a-z2-7]{12}|[1-9]\d{0,8})(?P<way>-[a-z2-7]{6}|-\d{1,6})?\]"
)
Edit = tuple[int, int, str]  # text[start:end] becomes this
_AS_WRITTEN = frozenset(("secret", "login"))
_WORDS = frozenset(("email", "name", "address", "organisation", "birth-date"))


class Pseudonyms:
    """A pseudonym for each value.  values: pseudonym → value, of all that were made.

    With a key it is a keyed BLAKE2b hash: it depends on the value alone, so parts of the data can be done apart, and
    files that share a key share their pseudonyms.  Without one it is a number in order of first appearance: the same
    rows give the same pseudonyms, and no search through all phone numbers can tell whose they were.
    Spellings of one value ('Jo@x.org', 'jo@x.org') share the pseudonym up to a suffix, so that each can be put back.
    """

    def __init__(self, key: bytes = b"", values: Mapping[str, str] | None = None) -> None:
        self.key = key
        self.values: dict[str, str] = dict(values or {})
        self._numbers: dict[str, int] = {}
        self._made: dict[tuple[str, str], str] = {}
        self._firsts: dict[
            tuple[str, str], list[int]
        ] = {}  # value → its number, and how many spellings it had

    def avoid(self, text: str) -> None:
        """Numbers that stand in the text already are not given again."""
        for found in PSEUDONYM.finditer(text) if not self.key and "[" in text else ():
            if found["id"].isdigit():
                self._numbers[found["tag"]] = max(self._numbers.get(found["tag"], 0), int(found["id"]))

    def of(self, group: str, value: str) -> str:
        """The pseudonym of a value, such as [EMAIL_3] or [EMAIL_k3f9a2cq7m2x]."""
        if (made := self._made.get((group, value))) is None:
            made = self._made[group, value] = (
                self._keyed(group, value) if self.key else self._counted(group, value)
            )
            self.values[made] = value
        return made

    def _keyed(self, group: str, value: str) -> str:
        plain = canonical(group, value)
        suffix = "" if value == plain else f"-{self._hash(group, 'as written', value)[:6]}"
        return f"[{tag(group)}_{self._hash(group, 'value', plain)}{suffix}]"

    def _hash(self, *parts: str) -> str:
        message = json.dumps(parts).encode()
        digest = hashlib.blake2b(message, key=self.key, digest_size=8, person=b"tunesmith").digest()
        return (
            base64.b32encode(digest).decode().lower()[:12]
        )  # 60 bits: a million values meet once in two million sets

    def _counted(self, group: str, value: str) -> str:
        plain, name = (group, canonical(group, value)), tag(group)
        if plain not in self._firsts:
            self._numbers[name] = self._numbers.get(name, 0) + 1
            self._firsts[plain] = [self._numbers[name], 0]
        number, spellings = self._firsts[plain]
        self._firsts[plain][1] += 1
        return f"[{name}_{number}-{spellings + 1}]" if spellings else f"[{name}_{number}]"


def tag(group: str) -> str:
    """How a group is called within a pseudonym: 'national-id' → NATIONAL_ID."""
    return group.upper().replace("-", "_")


def canonical(group: str, value: str) -> str:
    """The form in which two spellings are one value."""
    if group in _AS_WRITTEN:
        return value
    if group in _WORDS:
        return " ".join(value.casefold().split())
    return ("+" if value.startswith("+") else "") + bare(value)


def hidden(text: str, found: Sequence[Found], pseudonyms: Pseudonyms) -> list[Edit]:
    """What to put where, for values that do not overlap."""
    return [(each.start, each.end, pseudonyms.of(each.group, text[each.start : each.end])) for each in found]


def shown(text: str, values: Mapping[str, str]) -> list[Edit]:
    """What to put where, so that the values stand in the text again."""
    matches = PSEUDONYM.finditer(text) if "[" in text else ()
    return [(each.start(), each.end(), values[each[0]]) for each in matches if each[0] in values]


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text after edits that stand in order."""
    parts, position = [], 0
    for start, end, new in edits:
        parts += [text[position:start], new]
        position = end
    return "".join([*parts, text[position:]])


def moved(position: int, edits: Sequence[Edit], *, end: bool) -> int:
    """Where a position of the text stands after the edits; one within a value goes to its start, or to its end."""
    shift = 0
    for start, stop, new in edits:
        if start >= position:
            break
        if position < stop:
            return start + shift + (len(new) if end else 0)
        shift += len(new) - (stop - start)
    return position + shift


def rewritten(fields: Mapping[str, Any], edits_of: Callable[[str], Sequence[Edit]]) -> dict[str, Any]:
    """The fields of a row with every text in them edited, however deep; spans of its text move along."""
    if "spans" not in fields or not isinstance(fields.get("text"), str):
        return {name: _value(value, edits_of) for name, value in fields.items()}
    edits = edits_of(fields["text"])
    known = {
        "text": edited(fields["text"], edits),
        "spans": [_span(span, edits) for span in fields["spans"] or ()],
    }
    known["spans"] = known["spans"] if edits else fields["spans"]
    return {name: known[name] if name in known else _value(value, edits_of) for name, value in fields.items()}


def _span(span: Mapping[str, Any], edits: Sequence[Edit]) -> dict[str, Any]:
    start, end = (moved(int(span[name]), edits, end=name == "end") for name in ("start", "end"))
    return {**span, "start": start, "end": end}


def _value(value: Any, edits_of: Callable[[str], Sequence[Edit]]) -> Any:
    if isinstance(value, str):
        return _text(value, edits_of)
    if isinstance(value, Mapping):
        return {key: _value(item, edits_of) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(item, edits_of) for item in value]
    return value


def _text(text: str, edits_of: Callable[[str], Sequence[Edit]]) -> str:
    edits = edits_of(text)
    if not edits:
        return text
    new = edited(text, edits)
    if text.lstrip()[:1] in ("{", "[") and _is_json(text) and not _is_json(new):
        return edited(text, [_quoted(text, edit) for edit in edits])
    return new


def _quoted(text: str, edit: Edit) -> Edit:
    """The edit with quotes where it replaces a whole number of JSON, as in the arguments of a call."""
    start, end, new = edit
    number = text[:start].rstrip()[-1:] in (":", ",", "[") and text[end:].lstrip()[:1] in (",", "}", "]")
    return (start, end, f'"{new}"') if number else edit


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
