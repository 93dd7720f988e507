"""The shortest way from a half-written JSON text to a whole one, token by token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

# What brings a text to its end soonest, best first: within a string its end; elsewhere the end of what is open, then
# what must come before it, then the shortest values.
_WITHIN = b'"'
_END, _DIGITS, _VALUES = b"}],:", b"0123456789", b'ntf"[{-'
_JOINTS = b"@:/.-"  # what patterns of texts wait for most
_FORCED = 16  # tokens: with more to choose from, nothing is spelled out
_MARKS = b"{[]},:"


class Words:
    """What each token of a vocabulary writes.

    tokenizer: llguidance's.  ends: tokens that end an answer.  plain: booleans [V], tokens that may stand within a
    string and neither end it nor escape anything; digits: [V], those of digits alone.
    """

    def __init__(self, tokenizer: Any, ends: Collection[int]) -> None:
        self.tokenizer = tokenizer
        self._spelled: list[bytes] = [
            tokenizer.decode_bytes([token]) for token in range(tokenizer.vocab_size)
        ]
        self.lengths = np.array([len(text) for text in self._spelled])
        self.plain = np.array([bool(text) and not set(text) & set(b'"\\') for text in self._spelled])
        self.digits = np.array([text.isdigit() for text in self._spelled])
        self.ends = np.isin(np.arange(tokenizer.vocab_size), list(ends))
        # without a token that ends answers the library takes some token for one
        self._never = np.array([] if ends else tokenizer.eos_tokens, np.int64)
        self._single = {text: token for token, text in enumerate(self._spelled) if len(text) == 1}

    def spelled(self, token: int) -> bytes:
        """What a token writes; nothing for ids beyond the vocabulary."""
        return self._spelled[token] if token < len(self._spelled) else b""

    def one(self, letter: int) -> int | None:
        """A token that writes one byte, None where there is none."""
        return self._single.get(bytes((letter,)))

    def rank(self, token: int) -> tuple[int, int]:
        """Order of single letters within a string: those that join parts, then the plain ones."""
        text = self._spelled[token]
        place = _JOINTS.find(text)
        return (place, 0) if place >= 0 else (len(_JOINTS) + (not text.isalnum()), token)

    def mask(self, matcher: Any) -> np.ndarray:
        """Which tokens the grammar lets follow: booleans [V]."""
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        mask = np.unpackbits(bits, count=self.tokenizer.vocab_size, bitorder="little").astype(bool)
        mask[self._never] = False
        return mask


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a JSON text one stands.  opened: what is open around; mark: the last of `{[]},:` outside strings."""

    opened: str = ""
    mark: str = ""
    in_string: bool = False
    escaped: bool = False

    @property
    def in_value(self) -> bool:
        """Within a string that is no name of an object's value."""
        return self.in_string and not (self.opened.endswith("{") and self.mark in "{,")

    def after(self, text: bytes) -> Place:
        """The place after some more bytes."""
        opened, mark, in_string, escaped = self.opened, self.mark, self.in_string, self.escaped
        for byte in text:
            if in_string:
                in_string, escaped = escaped or byte != ord('"'), not escaped and byte == ord("\\")
            elif byte == ord('"'):
                in_string = True
            elif byte in _MARKS:
                mark = chr(byte)
                opened = opened + mark if mark in "{[" else opened[:-1] if mark in "}]" else opened
        return Place(opened, mark, in_string, escaped)


def way(matcher: Any, place: Place, words: Words, room: int) -> list[int] | None:
    """Tokens that make the text whole: few, though not always the fewest.  None where none is found within `room`."""
    ahead, tokens = matcher.deep_copy(), []
    used: Counter[int] = Counter()
    while not ahead.is_accepting():
        token = _next(ahead, place, words, used) if len(tokens) < room else None
        if token is None or not ahead.consume_token(token):
            return None
        place = place.after(words.spelled(token))
        tokens.append(token)
        used[token] += 1
    return tokens


def _next(matcher: Any, place: Place, words: Words, used: Counter[int]) -> int | None:
    for letter in _WITHIN if place.in_string else _outside(used.total()):
        token = words.one(letter)
        if token is not None and matcher.validate_tokens([token]):
            return token
    return _onwards(np.flatnonzero(words.mask(matcher)), words, used)


def _onwards(free: np.ndarray, words: Words, used: Counter[int]) -> int | None:
    """A token that brings a text further which may not end yet.

    What must stand here, such as a name, is written by long tokens.  Where much may stand there is a pattern or a least
    length: single letters that were not used yet sooner or later meet what it waits for.
    """
    if len(free) <= _FORCED:
        return int(free[words.lengths[free].argmax()]) if len(free) else None
    single = free[words.lengths[free] == 1]
    return min((single if len(single) else free).tolist(), key=lambda token: (used[token], words.rank(token)))


def _outside(turn: int) -> bytes:
    """Digits take turns, as one alone may never reach a number above a bound or a multiple of another."""
    first = 7 * turn % 10
    return _END + _DIGITS[first:] + _DIGITS[:first] + _VALUES
