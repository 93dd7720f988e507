"""Text fields to token ids: one tokenizer for training, evaluation and serving."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tunesmith import doors
from tunesmith.parts import Codec

TOKENIZER = "tokenizer.json"


@lru_cache(maxsize=8)
def tokenizer(content: bytes, max_length: int) -> Any:
    """A `tokenizers.Tokenizer` from the bytes of its JSON; cuts at max_length tokens, adds no padding."""
    made = doors.open("tokenizers").Tokenizer.from_str(content.decode("utf-8"))
    made.enable_truncation(max_length)
    made.no_padding()
    return made


def token_ids(text: str, codec: Codec) -> list[int]:
    """The ids of a text with the base's special tokens, at most `max_length` of them."""
    made = tokenizer(codec.files[TOKENIZER], codec.settings["max_length"])
    return made.encode(text).ids


def pad_id(config: Mapping[str, Any]) -> int:
    """The base's padding id; 0 where its configuration names none (padded positions are masked anyway)."""
    return int(config.get("pad_token_id") or 0)


def byte_tokenizer() -> bytes:
    """The JSON of a tokenizer that needs no training: one token a byte, framed by [CLS] and [SEP] (ids 1 and 2)."""
    library = doors.open("tokenizers")
    alphabet = sorted(doors.open("tokenizers.pre_tokenizers").ByteLevel.alphabet())
    vocabulary = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2} | {letter: 3 + n for n, letter in enumerate(alphabet)}
    made = library.Tokenizer(doors.open("tokenizers.models").BPE(vocabulary, []))
    made.pre_tokenizer = doors.open("tokenizers.pre_tokenizers").ByteLevel(add_prefix_space=False)
    made.decoder = doors.open("tokenizers.decoders").ByteLevel()
    made.post_processor = doors.open("tokenizers.processors").TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return made.to_str().encode()
