"""Answers that fit a JSON Schema: which tokens may come next, so that what is written is always valid."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from tunesmith import doors
from tunesmith.errors import MissingError
from tunesmith.inputs import json_closing, json_dates, json_keywords
from tunesmith.inputs.json_closing import Place, Words

LIBRARY = "llguidance"
ANY_OBJECT: Mapping[str, Any] = {"type": "object"}  # what `response_format` json_object asks for
# one blank between two words of JSON, as most texts have it: unbounded, a weak model writes blanks for ever
_WRITING = {"whitespace_flexible": True, "whitespace_pattern": " ?"}
_TIGHT = 4  # tokens: with so few to spare even what is open is ended; a letter may take as many
_PARTS, _MOST = 100, 512  # parts of a schema whose shortest form is measured, and tokens of one


class Shape:
    """One schema for the answers of one decoding: `decode(…, allowed=shape.allowed)`.

    tokenizer: the content of tokenizer.json.  stops: ids of the tokens that end an answer.  An answer that comes near
    its limit opens nothing more and is brought to its end in time, so it is valid unless even the shortest one that is
    found is longer than the limit.  A schema whose strings follow patterns may need more than that foresees.

    Raises DataError V131 for a schema that can't be kept, MissingError V132 for a tokenizer that can't write JSON and
    MissingError E501 without the library.
    """

    def __init__(self, schema: Mapping[str, Any], tokenizer: bytes, stops: Collection[int]) -> None:
        json_keywords.check(schema)
        schema = json_dates.spelled_out(schema)
        self._words = _words(tokenizer, tuple(sorted(stops)))
        self._start = _matcher(schema, self._words)
        self._leap = _leap(schema, self._words)
        self._answers: dict[int, _Answer] = {}

    def allowed(self, row: int, ids: Sequence[int], room: int) -> np.ndarray | None:
        """Which tokens may follow a row's tokens so far: booleans [V], None where the answer is whole.

        room: how many more tokens the row may have.
        """
        answer = self._answers.get(row)
        if answer is None or list(ids[: len(answer.ids)]) != answer.ids:
            answer = self._answers[row] = _Answer(self._start.deep_copy(), self._words, self._leap)
        return answer.follow(ids, room)


class _Answer:
    """Where one answer stands.

    leap: by how many tokens one token can move its end away.  way: tokens that would end it, `need` of them, as found
    `since` other tokens ago; followed once begun, because a second search may find another one, and so never arrive.
    """

    def __init__(self, matcher: Any, words: Words, leap: int) -> None:
        self.ids: list[int] = []
        self._matcher, self._words, self._leap = matcher, words, leap
        self._place, self._way = Place(), list[int]()
        self._need, self._since, self._tight = 0, -1, _TIGHT

    def follow(self, ids: Sequence[int], room: int) -> np.ndarray | None:
        for token in ids[len(self.ids) :]:
            self._take(token)
        if self._matcher.is_stopped():
            return None
        mask = self._words.mask(self._matcher)
        _sound(self._matcher)
        if self._since < 0 or room <= self._need + self._leap * (self._since + 1):
            mask = self._narrow(mask, room)
        return mask if mask.any() else None

    def _take(self, token: int) -> None:
        self.ids.append(token)
        if self._way[:1] == [token]:
            self._way, self._need = self._way[1:], self._need - 1
        else:
            self._way, self._since = [], self._since + (self._since >= 0)
        self._place = self._place.after(self._words.spelled(token))
        self._matcher.consume_token(token)
        _sound(self._matcher)

    def _narrow(self, mask: np.ndarray, room: int) -> np.ndarray:
        """What may follow so that the answer still ends in time."""
        if self._matcher.is_accepting():
            return mask if room > _TIGHT else mask & self._words.ends
        if not self._way and not self._look(room):
            return mask
        if room > self._need + self._leap:
            return mask
        only = np.zeros_like(mask)
        only[self._way[0]] = True
        return only if self._need + self._tight >= room else only | (mask & self._open())

    def _look(self, room: int) -> bool:
        """Find a way to the end; whether there is one."""
        way = json_closing.way(self._matcher, self._place, self._words, room)
        if way is None:
            return False
        if (
            self._since == 1
        ):  # one token moved the end away: with a pattern or a multiple more than letters do
            self._tight = max(self._tight, 2 * (len(way) - self._need))
        self._way, self._need, self._since = way, len(way), 0
        return True

    def _open(self) -> np.ndarray | bool:
        """What can be written here without opening anything."""
        if self._place.in_value:
            return self._words.plain
        return False if self._place.in_string else self._words.digits


@lru_cache(maxsize=8)
def _words(tokenizer: bytes, stops: tuple[int, ...]) -> Words:
    """Reading a vocabulary of 100,000 words takes some tenths of a second, so it is done once."""
    library = doors.open(LIBRARY)
    try:
        return Words(library.LLTokenizer(tokenizer.decode("utf-8"), eos_token=list(stops) or None), stops)
    except ValueError as broken:
        raise _mute(str(broken)) from None


def _matcher(schema: Mapping[str, Any], words: Words) -> Any:
    """Where every answer starts."""
    grammar = _grammar(schema)
    failed, remarks = doors.open(LIBRARY).LLMatcher.validate_grammar_with_warnings(grammar, words.tokenizer)
    if failed or remarks:
        raise json_keywords.refused("#", "; ".join(remarks).strip(), "a schema that can be kept")
    matcher = doors.open(LIBRARY).LLMatcher(words.tokenizer, grammar, log_level=0)
    words.mask(matcher)
    _sound(matcher)
    return matcher


def _grammar(schema: Mapping[str, Any]) -> str:
    return doors.open(LIBRARY).LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=_WRITING)


def _leap(schema: Mapping[str, Any], words: Words) -> int:
    """By how many tokens one token can move the end of an answer away: a name and the shortest form of its value."""
    parts = [part for _, part in islice(json_keywords.parts(schema), _PARTS)]
    shared = {word: schema[word] for word in ("$defs", "definitions") if word in schema}
    again = any(part.get("$ref") == "#" for part in parts)
    values = [_shortest({**shared, **part}, words) for part in parts[0 if again else 1 :]]
    names = [len(name.encode()) for part in parts for name in part.get("properties", ())]
    return max(values, default=0) + max(names, default=0) + _TIGHT


def _shortest(schema: Mapping[str, Any], words: Words) -> int:
    """Tokens of the shortest answer that is found; 0 where none is."""
    matcher = doors.open(LIBRARY).LLMatcher(words.tokenizer, _grammar(schema), log_level=0)
    way = None if matcher.is_error() else json_closing.way(matcher, Place(), words, _MOST)
    return len(way or ())


def _sound(matcher: Any) -> None:
    """Raises DataError V131, or MissingError V132 where it is for want of tokens, if writing can't go on."""
    if not matcher.is_error():
        return
    why = matcher.get_error().strip().partition("\n")[0]
    if "NoExtension" in why:
        raise _mute("it lacks a token that must come next")
    raise json_keywords.refused("#", f"lost while writing: {why}", "a simpler schema")


def _mute(why: str) -> MissingError:
    return MissingError(
        "V132",
        f"this model's tokenizer can't write JSON: {why}",
        expected="a tokenizer that can write every letter",
        fixes=("ask without response_format",),
    )
