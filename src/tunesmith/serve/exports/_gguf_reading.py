"""What a GGUF file says of texts, read from the file alone: tokens as llama.cpp cuts them, conversations, stops."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

from tunesmith import doors
from tunesmith.inputs import sandbox
from tunesmith.parts import Prompt
from tunesmith.serve.exports._gguf_words import BLANK, CONTROL, NORMAL, PLAIN_SPLIT, SPLITS, UNKNOWN, USER

Encode = Callable[[str], list[int]]
# messages, tools, whether the assistant is to speak → their text; None where such a text is never written
Write = Callable[[Sequence[Mapping[str, Any]], Any, bool], str | None]
Reads = Callable[[Prompt, Any, bool], list[int] | None]
PREFIX = "tokenizer.ggml."


class Vocabulary:
    """The tokenizer of a file."""

    def __init__(self, path: Path) -> None:
        fields = doors.open("gguf").GGUFReader(str(path)).fields
        self.fields = {
            name: field.contents() for name, field in fields.items() if name.startswith("tokenizer.")
        }
        self.tokens: list[str] = self.fields[PREFIX + "tokens"]
        kinds: list[int] = self.fields[PREFIX + "token_type"]
        whole = [
            token
            for token, kind in zip(self.tokens, kinds, strict=True)
            if kind in (CONTROL, USER, UNKNOWN) and token
        ]
        self._whole = sorted(whole, key=len, reverse=True)
        self._ids = {token: number for number, token in enumerate(self.tokens)}
        self._pieces = self.fields[PREFIX + "model"] == "llama"
        self._bpe = None if self._pieces else _bpe(self.fields, self.tokens, kinds)

    @property
    def begin(self) -> list[int]:
        """What stands before every text."""
        return [self.fields[PREFIX + "bos_token_id"]] if self.fields.get(PREFIX + "add_bos_token") else []

    @property
    def stops(self) -> list[int]:
        """Tokens that end an answer."""
        found = (self.fields.get(f"{PREFIX}{name}_token_id") for name in ("eos", "eot"))
        return [each for each in found if each is not None]

    def encode(self, text: str) -> list[int]:
        """A text's tokens, with what stands before every text."""
        ids = self.begin
        parts = re.split(f"({'|'.join(map(re.escape, self._whole))})", text) if self._whole else [text]
        for number, part in enumerate(parts):
            if number % 2:
                ids.append(self._ids[part])
            elif part:
                ids += self._cut(part)
        return ids

    def asked(self, text: str) -> list[int]:
        """A written conversation's tokens; a begin that the template writes itself stands there once."""
        begin = self.tokens[self.begin[0]] if self.begin else ""
        return self.encode(text.removeprefix(begin))

    def _cut(self, text: str) -> list[int]:
        if self._bpe is not None:
            return self._bpe.encode(text, add_special_tokens=False).ids
        prefix = BLANK if self.fields.get(PREFIX + "add_space_prefix", True) else ""
        return _joined(prefix + text.replace(" ", BLANK), self._ids, self.fields[PREFIX + "scores"])


def reads(words: Vocabulary, write: Write | None = None) -> Reads:
    """Tokens of a text, or of messages as `write` writes them: by default the file's own chat template."""
    written = write or jinja(words)

    def read(prompt: Prompt, tools: Any, ask: bool) -> list[int] | None:
        if isinstance(prompt, str):
            return words.encode(prompt)
        text = written(prompt, tools, ask)
        return None if text is None else words.asked(text)

    return read


def jinja(words: Vocabulary) -> Write:
    """The chat template of the file."""
    names = {"bos_token": "bos_token_id", "eos_token": "eos_token_id", "pad_token": "padding_token_id"}
    ids = {name: words.fields.get(PREFIX + key) for name, key in names.items()}
    known = {name: words.tokens[each] for name, each in ids.items() if each is not None}

    def write(turns: Sequence[Mapping[str, Any]], tools: Any, ask: bool) -> str:
        program, messages = words.fields["tokenizer.chat_template"], [dict(turn) for turn in turns]
        return sandbox.write(program, messages, tools=tools, prompt=ask, words=known)

    return write


def _joined(text: str, ids: Mapping[str, int], scores: Sequence[float]) -> list[int]:
    """SentencePiece's merging (Kudo & Richardson 2018): of all neighbours that make a token the best token first, the
    leftmost of equals; letters that are no token are written as bytes."""
    pieces, end = list(text), len(text)
    before, after = list(range(-1, end - 1)), list(range(1, end + 1))
    waiting: list[tuple[float, int, str]] = []

    def offer(at: int) -> None:
        joint = pieces[at] + pieces[after[at]] if at >= 0 and after[at] < end else ""
        if joint in ids:
            heappush(waiting, (-scores[ids[joint]], at, joint))

    for at in range(end):
        offer(at)
    while waiting:
        _, at, joint = heappop(waiting)
        other = after[at]
        if other >= end or not pieces[at] or pieces[at] + pieces[other] != joint:
            continue  # one of the two was joined to another meanwhile
        pieces[at], pieces[other], after[at] = joint, "", after[other]
        if after[at] < end:
            before[after[at]] = at
        offer(before[at])
        offer(at)
    return [each for piece in pieces if piece for each in _or_bytes(piece, ids)]


def _or_bytes(piece: str, ids: Mapping[str, int]) -> list[int]:
    if piece in ids:
        return [ids[piece]]
    return [ids[f"<0x{byte:02X}>"] for byte in piece.encode("utf-8")]


def _bpe(fields: Mapping[str, Any], tokens: Sequence[str], kinds: Sequence[int]) -> Any:
    """Byte-level BPE of the file's tokens and merges, with the division that it names."""
    library, before = doors.open("tokenizers"), doors.open("tokenizers.pre_tokenizers")
    vocabulary = {token: number for number, token in enumerate(tokens) if kinds[number] == NORMAL}
    merges = [tuple(each.split(" ")) for each in fields.get(PREFIX + "merges") or ()]
    made = library.Tokenizer(doors.open("tokenizers.models").BPE(vocabulary, merges))
    name = fields[PREFIX + "pre"]
    if name == PLAIN_SPLIT:
        made.pre_tokenizer = before.ByteLevel(add_prefix_space=False)
        return made
    split = before.Split(library.Regex(SPLITS[name]), "isolated")
    made.pre_tokenizer = before.Sequence([split, before.ByteLevel(add_prefix_space=False, use_regex=False)])
    return made
