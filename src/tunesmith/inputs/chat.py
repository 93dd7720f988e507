"""The one place where turns become tokens: for training, evaluation, serving and export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from tunesmith.bases import Base
from tunesmith.inputs.base_template import encoder_of, template_of
from tunesmith.inputs.templates import Template
from tunesmith.inputs.text import TOKENIZER, pad_id
from tunesmith.parts import Codec, Tokens

Turns = Sequence[Mapping[str, Any]]


def about(base: Base) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(settings, files) of a codec: all of a base's template and tokenizer that encoding needs."""
    found = template_of(base, plain=True)
    settings = {
        "template": found.program,
        "template_tools": found.with_tools,
        "words": dict(found.words),
        "specials": sorted(found.specials),
        "stops": sorted(found.stops),
        "window": found.window,
        "unknown": found.unknown,
        "pad_id": pad_id(base.config),
    }
    return settings, {TOKENIZER: (base.folder / TOKENIZER).read_bytes()}


def template(codec: Codec) -> Template:
    """The template of a codec."""
    settings = codec.settings
    words = tuple(sorted(settings["words"].items()))
    lists = tuple(settings["specials"]), tuple(settings["stops"])
    programs = settings["template"], settings["template_tools"]
    return _template(codec.files[TOKENIZER], programs, words, lists, settings["window"], settings["unknown"])


@lru_cache(maxsize=8)
def _template(content: bytes, programs: Any, words: Any, lists: Any, window: int, unknown: Any) -> Template:
    return Template(
        programs[0],
        programs[1],
        dict(words),
        specials=frozenset(lists[0]),
        stops=frozenset(lists[1]),
        window=window,
        encode=encoder_of(content),
        unknown=unknown,
    )


def tokens(
    template: Template, turns: Turns, *, tools: Any = None, truncation: str = "left", window: int = 0
) -> list[Tokens]:
    """The windows of a conversation, each with what is learnt of it."""
    if not template.program:
        return _windows(*_plainly(template, turns), truncation, window, _begin(template))
    seen = template.see(turns, tools)
    learnt = set(seen.learnt())
    weights = [1.0 if position in learnt else 0.0 for position in range(len(seen.ids))]
    return _windows(list(seen.ids), weights, truncation, window, _begin(template))


def asked(template: Template, turns: Turns, *, tools: Any = None, window: int = 0, room: int = 0) -> list[int]:
    """The tokens to which the assistant answers, cut at their start to leave room for the answer."""
    if not template.program:
        ids = _plainly(template, turns)[0]
    else:
        assert template.encode is not None
        ids = list(template.encode(template.write(list(map(dict, turns)), tools=tools, prompt=True))[0])
    return _cut_left(ids, window - room if window else 0, _begin(template))


def asked_plainly(template: Template, text: str, *, window: int = 0, room: int = 0) -> list[int]:
    """The tokens of a prompt that is no conversation."""
    return _cut_left(
        [*_begin(template), *_ids(template, _ended(text))], window - room if window else 0, _begin(template)
    )


def plain_pair(
    template: Template, prompt: str, completion: str | None, *, truncation: str = "left", window: int = 0
) -> list[Tokens]:
    """A prompt and what follows it.  They are cut into tokens apart: so the prompt's are the same when it is served."""
    before = asked_plainly(template, prompt)
    after = [] if completion is None else [*_ids(template, completion), *_end(template)]
    weights = [0.0] * len(before) + [1.0] * len(after)
    return _windows([*before, *after], weights, truncation, window, _begin(template))


def document(template: Template, text: str, *, window: int = 0) -> list[Tokens]:
    """The windows of a text; each token is learnt once."""
    begin, ids = _begin(template), _ids(template, text)
    size = (window - len(begin)) if window else max(1, len(ids))
    parts = [ids[start : start + size] for start in range(0, len(ids), size)]
    return [Tokens([*begin, *part], [0.0] * len(begin) + [1.0] * len(part)) for part in parts]


def _plainly(template: Template, turns: Turns) -> tuple[list[int], list[float]]:
    ids, weights = _begin(template), [0.0] * len(_begin(template))
    for turn in turns:
        said = str(turn.get("content") or "")
        learnt = float(turn["role"] == "assistant" and turn.get("weight") != 0)
        own = turn["role"] == "assistant"
        piece = [*_ids(template, said), *_end(template)] if own else _ids(template, _ended(said))
        ids += piece
        weights += [learnt] * len(piece)
    return ids, weights


def _ended(text: str) -> str:
    return text if text[-1:].isspace() or not text else f"{text}\n"


def _ids(template: Template, text: str) -> list[int]:
    assert template.encode is not None
    return list(template.encode(text)[0])


def _begin(template: Template) -> list[int]:
    word = template.words.get("bos_token", "")
    return _ids(template, word) if word else []


def _end(template: Template) -> list[int]:
    word = template.words.get("eos_token", "")
    return _ids(template, word) if word else []


def _cut_left(ids: list[int], most: int, begin: list[int]) -> list[int]:
    if not most or len(ids) <= most:
        return ids
    kept = begin if ids[: len(begin)] == begin else []
    return [*kept, *ids[len(ids) - max(1, most - len(kept)) :]]


def _windows(
    ids: list[int], weights: list[float], truncation: str, window: int, begin: list[int]
) -> list[Tokens]:
    over = len(ids) - window if window else 0
    if over <= 0:
        return [Tokens(ids, weights)]
    if truncation == "drop":
        return []
    if truncation == "split":
        return [
            Tokens(ids[start : start + window], weights[start : start + window])
            for start in range(0, len(ids), window)
        ]
    if truncation == "right":
        return [Tokens(ids[:window], weights[:window], over, sum(map(bool, weights[window:])))]
    kept = len(begin) if ids[: len(begin)] == begin else 0
    cut = len(ids) - (window - kept)
    return [
        Tokens(
            [*ids[:kept], *ids[cut:]],
            [*weights[:kept], *weights[cut:]],
            cut - kept,
            sum(map(bool, weights[kept:cut])),
        )
    ]
