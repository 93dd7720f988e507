"""From tokens to text while they arrive: whole letters only, and nothing of what ends an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

NEAR = 32  # tokens before an answer that can matter to the letters in it
BROKEN = "\ufffd"  # what stands for bytes that are no letter, or not yet


class Detokeniser:
    """The text of one answer, piece by piece.

    tokenizer: a `tokenizers.Tokenizer`.  stops: texts that end the answer; neither they nor what follows is told, and
    what may turn out to be the beginning of one is held back.  The first that is complete ends the answer, so it does
    not matter how the text is cut into tokens.  before: tokens of a text that the answer goes on from; then both
    together are what the tokenizer decodes.  Without them the answer is a text of its own, whose first blank a
    tokenizer like SentencePiece's takes for the mark of a word.

    All pieces together are what the tokenizer decodes from all ids at once, special tokens left out.  Where bytes form
    no letter there may be more or fewer replacement characters: with byte fallback a tokenizer takes back letters that
    it had already told.
    """

    def __init__(self, tokenizer: Any, stops: Sequence[str] = (), before: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._stops = [stop for stop in stops if stop]
        self._special = _specials(tokenizer)
        # told already; a decoder must see it to set blanks right
        self._before = [token for token in before[-NEAR:] if token not in self._special]
        self._fresh: list[int] = []
        self._told = len(self._decode(self._before))  # letters of `_before` and `_fresh` that went on
        self._held = ""
        self.stopped = False

    def feed(self, token: int) -> str:
        """What can be told with one more token; '' after a stop."""
        if self.stopped or token in self._special:
            return ""
        self._fresh.append(token)
        return self._until_stop(self._letters(), final=False)

    def finish(self) -> str:
        """What was held back, as no token follows."""
        if self.stopped:
            return ""
        text = self._decode(self._before + self._fresh)[self._told :]
        self._before, self._fresh, self._told = [], [], 0
        return self._until_stop(text, final=True)

    def _letters(self) -> str:
        """Letters that no further byte can change."""
        text = self._decode(self._before + self._fresh)
        whole = text.rstrip(BROKEN)
        letters, self._told = whole[self._told :], max(self._told, len(whole))
        if whole == text:
            self._before, self._fresh = self._fresh, []
            self._told = len(self._decode(self._before))
        return letters

    def _decode(self, ids: list[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=False)

    def _until_stop(self, letters: str, *, final: bool) -> str:
        text = self._held + letters
        ends = [(at + len(stop), at) for stop in self._stops if (at := text.find(stop)) >= 0]
        if ends:
            self.stopped, self._held = True, ""
            return text[: min(ends)[1]]
        held = 0 if final else max((overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]


def overlap(text: str, stop: str) -> int:
    """How many letters at the end of a text are the beginning, but not the whole, of a stop text."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)


def joined(tokenizer: Any, ids: Sequence[int], stops: Sequence[str] = ()) -> str:
    """The text of a whole answer, exactly as it would have been streamed."""
    stream = Detokeniser(tokenizer, stops)
    return "".join([stream.feed(token) for token in ids] + [stream.finish()])


def _specials(tokenizer: Any) -> frozenset[int]:
    added = tokenizer.get_added_tokens_decoder()
    return frozenset(index for index, token in added.items() if token.special)
