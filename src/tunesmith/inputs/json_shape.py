"""Answers that fit a JSON Schema: which tokens may come next, so that what is written is always valid."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from tunesmith import doors
from tunesmith.errors import MissingError
from tunesmith.inputs import json_closing, json_keywords
from tunesmith.inputs.json_closing import Place, Words

LIBRARY = "llguidance"
ANY_OBJECT: Mapping[str, Any] = {"type": "object"}  # what `response_format` json_object asks for
# one blank between two words of JSON, as most texts have it: unbounded, a weak model writes blanks for ever
_WRITING = {"whitespace_flexible": True, "whitespace_pattern": " ?"}
_NEAR = (
    64  # tokens, but a quarter of a shorter answer: with so few to spare nothing more is opened than must be
)
_TIGHT = 4  # tokens: with so few to spare even what is open is ended; a letter may take as many
_LOOK = 16  # tokens between two looks ahead while there is room


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
        self._words = _words(tokenizer, tuple(sorted(stops)))
        self._start = _matcher(schema, self._words)
        self._answers: dict[int, _Answer] = {}

    def allowed(self, row: int, ids: Sequence[int], room: int) -> np.ndarray | None:
        """Which tokens may follow a row's tokens so far: booleans [V], None where the answer is whole.

        room: how many more tokens the row may have.
        """
        answer = self._answers.get(row)
        if answer is None or list(ids[: len(answer.ids)]) != answer.ids:
            answer = self._answers[row] = _Answer(self._start.deep_copy(), self._words)
        return answer.follow(ids, room)


class _Answer:
    """Where one answer stands.  need: how many tokens would end it, when last looked."""

    def __init__(self, matcher: Any, words: Words) -> None:
        self.ids: list[int] = []
        self._matcher, self._words, self._place = matcher, words, Place()
        self._need, self._near = 0, _NEAR

    def follow(self, ids: Sequence[int], room: int) -> np.ndarray | None:
        if not ids:
            self._near = min(_NEAR, room // 4)
        for token in ids[len(self.ids) :]:
            self._take(token)
        if self._matcher.is_stopped():
            return None
        mask = self._words.mask(self._matcher)
        self._sound()
        if room <= 2 * self._need + self._near or len(self.ids) % _LOOK == 0:
            mask = self._narrow(mask, room)
        return mask if mask.any() or not self._matcher.is_accepting() else None

    def _take(self, token: int) -> None:
        self.ids.append(token)
        self._place = self._place.after(self._words.spelled(token))
        self._matcher.consume_token(token)
        self._sound()

    def _sound(self) -> None:
        if self._matcher.is_error():
            raise json_keywords.refused(
                "#", f"lost while writing: {_line(self._matcher)}", "a simpler schema"
            )

    def _narrow(self, mask: np.ndarray, room: int) -> np.ndarray:
        """What may follow so that the answer still ends in time."""
        if self._matcher.is_accepting():
            return mask if room > _TIGHT else mask & self._words.ends
        way = json_closing.way(self._matcher, self._place, self._words, room)
        self._need = room if way is None else len(way)
        if way is None or room > 2 * self._need + self._near:
            return mask
        only = np.zeros_like(mask)
        only[way[0]] = True
        return only if self._need + _TIGHT >= room else only | (mask & self._open())

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
    kind = doors.open(LIBRARY).LLMatcher
    grammar = kind.grammar_from_json_schema(json.dumps(schema), overrides=_WRITING)
    failed, remarks = kind.validate_grammar_with_warnings(grammar, words.tokenizer)
    if failed or remarks:
        raise json_keywords.refused("#", "; ".join(remarks).strip(), "a schema that can be kept")
    matcher = kind(words.tokenizer, grammar, log_level=0)
    if not words.mask(matcher).any():
        raise _mute("no token can begin such an answer")
    return matcher


def _line(matcher: Any) -> str:
    return matcher.get_error().partition("\n")[0]


def _mute(why: str) -> MissingError:
    return MissingError(
        "V132",
        f"this model's tokenizer can't write JSON: {why}",
        expected="a tokenizer that can write every letter",
        fixes=("ask without response_format",),
    )
