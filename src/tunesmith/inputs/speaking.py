"""Answers of a network of language: what it is asked with, what it says, piece by piece or for many at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tunesmith import doors
from tunesmith.errors import DataError
from tunesmith.inputs import chat, detokenise
from tunesmith.inputs.json_shape import Shape
from tunesmith.inputs.text import TOKENIZER
from tunesmith.outcomes import Answer
from tunesmith.parts import Codec, Net, Piece, Prompt, Wish

TOGETHER = 32  # answers that are written at once


def lines(turns: Sequence[Mapping[str, Any]]) -> str:
    """The words of turns, a line each."""
    return "\n".join(str(turn.get("content") or "") for turn in turns)


def asked(codec: Codec, prompt: Prompt, wish: Wish) -> list[int]:
    """The tokens to which an answer is written: a text as it is, messages in the frame that the model learnt."""
    template, window = chat.template(codec), codec.settings["window"]
    if not isinstance(prompt, str) and codec.settings["frame"] == "chat":
        return list(chat.asked(template, prompt, tools=wish.tools, window=window, room=wish.max_tokens))
    text = prompt if isinstance(prompt, str) else lines(prompt)
    return list(chat.asked_plainly(template, text, window=window, room=wish.max_tokens))


def text(codec: Codec, ids: Sequence[int]) -> str:
    """What tokens say, without the special ones."""
    return _tokenizer(codec.files[TOKENIZER]).decode(list(ids), skip_special_tokens=True)


def vocabulary(codec: Codec) -> int:
    """How many tokens there are."""
    return _tokenizer(codec.files[TOKENIZER]).get_vocab_size()


def stops(codec: Codec) -> frozenset[int]:
    """The tokens at which an answer ends."""
    known = _tokenizer(codec.files[TOKENIZER])
    found = (known.token_to_id(each) for each in codec.settings["stops"])
    return frozenset(each for each in found if each is not None)


def spelled(codec: Codec, token: int) -> str:
    """What one token says inside of a text, blanks included; '\ufffd' for bytes that are part of a letter."""
    known = _tokenizer(codec.files[TOKENIZER])
    before = known.encode("a", add_special_tokens=False).ids
    alone = known.decode(before, skip_special_tokens=False)
    return known.decode([*before, token], skip_special_tokens=False)[len(alone) :]


def begin(codec: Codec) -> list[int]:
    """The token that begins a text, or else the one that ends it (as some families use it for both); none without."""
    known, words = _tokenizer(codec.files[TOKENIZER]), codec.settings["words"]
    found = (known.token_to_id(words.get(name, "")) for name in ("bos_token", "eos_token"))
    return [each for each in found if each is not None][:1]


def stream(net: Net, codec: Codec, prompt: Prompt, wish: Wish) -> Iterator[Piece]:
    """An answer, piece by piece, a token each; together they say what `answers` does.

    net: in evaluation mode.  Nothing is held for the thread between two pieces, so streams may run in turns.
    Raises DataError V133 for a prompt without tokens, T420 and V131 for what can't be asked or kept.
    """
    ids, ends = asked(codec, prompt, wish), stops(codec)
    before = ids if _goes_on(codec, prompt) else ()
    words = detokenise.Detokeniser(_tokenizer(codec.files[TOKENIZER]), wish.stop, before)
    steps = _steps(net, codec, ids, wish, ends)
    for (token,) in steps:
        said = "" if token.id < 0 or token.id in ends else words.feed(token.id)
        said += words.finish() if token.end else ""
        end = "stop" if words.stopped else token.end
        rivals = tuple((spelled(codec, rival), logprob) for rival, logprob in token.rivals)
        yield Piece(said, token.id, token.logprob, rivals, end)
        if end:
            return


def _goes_on(codec: Codec, prompt: Prompt) -> bool:
    """Whether an answer is the rest of its prompt's text.  An answer in the frame of a chat, or a completion, which is
    taught apart from its prompt, is a text of its own."""
    plain = isinstance(prompt, str) and codec.settings["frame"] == "chat"
    return plain or codec.settings.get("whole", False)


def _steps(net: Net, codec: Codec, ids: Sequence[int], wish: Wish, ends: frozenset[int]) -> Iterator[Any]:
    from tunesmith.nn import decoding

    if not ids:
        raise DataError(
            "V133",
            "the prompt has no tokens",
            expected="a text to go on from: this model has no token that begins a text",
            fixes=("send a prompt with words",),
            where="prompt",
        )
    return decoding.decode(
        net.backbone,
        [ids],
        max_tokens=[wish.max_tokens],
        stops=ends,
        seeds=[wish.seed],
        temperature=wish.temperature,
        top_p=wish.top_p,
        rivals=wish.alternatives,
        allowed=_allowed(codec, wish, ends),
    )


def _allowed(codec: Codec, wish: Wish, ends: frozenset[int]) -> Any:
    """Which tokens may come next: those that fit the wish's schema, or else the one that the task forces."""
    schema = codec.settings.get("forced") if wish.schema is None else wish.schema
    return None if schema is None else Shape(schema, codec.files[TOKENIZER], ends).allowed


def answers(net: Net, codec: Codec, prompts: Sequence[Sequence[int]], wish: Wish) -> list[Answer]:
    """An answer to each prompt, drawn by the wish's seed + its place; prompts of like length are answered together."""
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    found: dict[int, Answer] = {}
    for start in range(0, len(order), TOGETHER):
        part = order[start : start + TOGETHER]
        seeds = [wish.seed + index for index in part]
        made = _answers(net, codec, [prompts[index] for index in part], seeds, wish)
        found |= zip(part, made, strict=True)
    return [found[index] for index in range(len(prompts))]


def _answers(
    net: Net, codec: Codec, prompts: Sequence[Sequence[int]], seeds: Sequence[int], wish: Wish
) -> list[Answer]:
    from tunesmith.nn import decoding

    ends, ids = stops(codec), [[] for _ in prompts]
    logprobs, whole = [0.0] * len(prompts), [False] * len(prompts)
    steps = decoding.decode(
        net.backbone,
        prompts,
        max_tokens=[wish.max_tokens] * len(prompts),
        stops=ends,
        seeds=seeds,
        temperature=wish.temperature,
        top_p=wish.top_p,
        allowed=_allowed(codec, wish, ends),
    )
    for tokens in steps:
        for token in tokens:
            whole[token.row] = token.end == "stop"
            if token.id >= 0:
                ids[token.row].append(token.id)
                logprobs[token.row] += token.logprob
    said = [[each for each in row if each not in ends] for row in ids]
    rows = zip(said, ids, whole, logprobs, strict=True)
    known = _tokenizer(codec.files[TOKENIZER])
    return [
        Answer(detokenise.joined(known, mine), len(made), end, logprob) for mine, made, end, logprob in rows
    ]


@lru_cache(maxsize=8)
def _tokenizer(content: bytes) -> Any:
    made = doors.open("tokenizers").Tokenizer.from_str(content.decode("utf-8"))
    made.no_truncation()
    made.no_padding()
    return made
