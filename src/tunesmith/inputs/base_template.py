"""What a base's folder says of conversations: its chat template, special tokens, end tokens and window."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError

from tunesmith import doors
from tunesmith.bases import Base
from tunesmith.errors import DataError
from tunesmith.inputs import sandbox
from tunesmith.inputs.guarded import Encode
from tunesmith.inputs.spoken import Span
from tunesmith.inputs.templates import Template
from tunesmith.inputs.text import TOKENIZER
from tunesmith.inputs.windows import Truncation
from tunesmith.parts import Codec
from tunesmith.store import files

_LONE = re.compile("[\ud800-\udfff]")
_ENDLESS = 1e9  # tokenizers without a limit write a number above this one


def about(base: Base) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(settings, files) of a codec: all that `template` needs, a pure function of the base's folder.

    Settings: template, template_tools (Jinja, '' without one), words, specials, stops, window, unknown, pad_id, begins,
    name; see `Template`.  Raises DataError T410 where the base's template is no Jinja.
    """
    settings = _json(base, "tokenizer_config.json")
    own, with_tools = _programs(base, settings)
    require_jinja(base, own, with_tools)
    words = {key: _word(value) for key, value in settings.items() if key.endswith("_token") and value}
    tokenizer = _json(base, TOKENIZER)
    added = {each["content"]: each["id"] for each in tokenizer.get("added_tokens", ()) if each.get("special")}
    return {
        "template": own,
        "template_tools": with_tools,
        "words": words,
        "specials": sorted(set(added) | set(words.values())),
        "stops": sorted(_stops(base, words, {number: text for text, number in added.items()})),
        "window": _window(base, settings),
        "unknown": _unknown(tokenizer, words),
        "pad_id": _pad(base, words, added, tokenizer),
        "begins": _begins(tokenizer),
        "name": base.name,
    }, {TOKENIZER: (base.folder / TOKENIZER).read_bytes()}


def template(codec: Codec) -> Template:
    """The template of a codec that `about` filled; the same object for the same content.

    Without the library tokenizers it writes texts and knows no tokens.
    """
    known = codec.settings
    lists = tuple(tuple(known.get(key, ())) for key in ("specials", "stops"))
    words = tuple(sorted(known["words"].items()))
    others = (("unknown", None), ("name", ""), ("begins", ""), ("truncation", "left"))
    rest = tuple(known.get(key, other) for key, other in others)
    programs = (known["template"], known["template_tools"])
    tokenizer = codec.files[TOKENIZER] if doors.has("tokenizers") else b""
    return _template(programs, words, *lists, known["window"], rest, tokenizer)


@lru_cache(maxsize=16)
def _template(
    programs: tuple[str, str],
    words: tuple[tuple[str, str], ...],
    specials: tuple[str, ...],
    stops: tuple[str, ...],
    window: int,
    rest: tuple[int | None, str, str, Truncation],
    tokenizer: bytes,
) -> Template:
    encode, letters = encoders(tokenizer) if tokenizer else (None, None)
    unknown, name, begins, truncation = rest
    sets = frozenset(specials), frozenset(stops)
    return Template(*programs, dict(words), *sets, window, encode, unknown, name, letters, begins, truncation)


def template_of(
    base: Base, *, window: int = 0, program: str = "", truncation: Truncation = "left"
) -> Template:
    """The template of a base.  window: see no more tokens than these.  program: Jinja in place of the base's own.
    truncation: what happens to longer conversations.

    Raises DataError T410 where the template is no Jinja.
    """
    settings, contents = about(base)
    if program:
        require_jinja(base, program)
        settings |= {"template": program, "template_tools": ""}
    settings["truncation"] = truncation
    settings["window"] = min(filter(None, (settings["window"], window)), default=0)
    return template(Codec(settings, contents))


@lru_cache(maxsize=8)
def encoders(tokenizer: bytes) -> tuple[Encode, Encode]:
    """What cuts texts into the tokens of a tokenizer.json: (special tokens as tokens, special tokens as letters).

    A lone surrogate, which has no UTF-8, counts as U+FFFD.
    """
    return _encoder(tokenizer, letters=False), _encoder(tokenizer, letters=True)


def _encoder(tokenizer: bytes, *, letters: bool) -> Encode:
    made = doors.open("tokenizers").Tokenizer.from_str(tokenizer.decode("utf-8"))
    made.no_truncation()
    made.no_padding()
    made.encode_special_tokens = letters

    def encode(text: str) -> tuple[tuple[int, ...], tuple[Span, ...]]:
        found = made.encode(_LONE.sub("\ufffd", text), add_special_tokens=False)
        return tuple(found.ids), tuple(found.offsets)

    return encode


def require_jinja(base: Base, *programs: str) -> None:
    """Raise DataError T410 for a program that can't be read."""
    for program in programs:
        try:
            sandbox.compiled(program)
        except TemplateError as wrong:
            raise DataError(
                "T410",
                f"the chat template of '{base.name}' is no Jinja template: {wrong}",
                expected="a template that Jinja's sandbox can run",
                fixes=("--base DIR", "tunesmith data see FILE --template FILE.jinja"),
                where=str(base.folder),
            ) from None


def _programs(base: Base, settings: Mapping[str, Any]) -> tuple[str, str]:
    """(the program, that for conversations with tools or '')."""
    alone = base.folder / "chat_template.jinja"
    if alone.is_file():
        return alone.read_text("utf-8", errors="replace"), ""
    found = settings.get("chat_template") or _json(base, "chat_template.json").get("chat_template") or ""
    if isinstance(found, str):
        return found, ""
    named = {each["name"]: each["template"] for each in found}
    return named.get("default", ""), named.get("tool_use", "")


def _stops(base: Base, words: Mapping[str, str], specials: Mapping[Any, str]) -> frozenset[str]:
    """Tokens at which generation ends: eos_token, and the ids that the base's configurations name."""
    found = {words[key] for key in ("eos_token",) if key in words}
    for settings in (base.config, _json(base, "generation_config.json")):
        ids = settings.get("eos_token_id")
        found |= {specials[each] for each in (ids if isinstance(ids, list) else [ids]) if each in specials}
    return frozenset(found)


def _unknown(tokenizer: Mapping[str, Any], words: Mapping[str, str]) -> int | None:
    model = tokenizer.get("model", {})
    word, vocabulary = model.get("unk_token") or words.get("unk_token"), model.get("vocab", {})
    return vocabulary.get(word) if isinstance(vocabulary, Mapping) else model.get("unk_id")


def _pad(base: Base, words: Mapping[str, str], added: Mapping[str, int], tokenizer: Mapping[str, Any]) -> int:
    """The id that fills up rows; 0 where nobody names one, since what is filled up is masked anyway."""
    vocabulary = tokenizer.get("model", {}).get("vocab", {})
    known = {**(vocabulary if isinstance(vocabulary, Mapping) else {}), **added}
    found = known.get(words.get("pad_token", ""), base.config.get("pad_token_id"))
    return found if isinstance(found, int) and found >= 0 else 0


def _begins(tokenizer: Mapping[str, Any]) -> str:
    """The special token that the tokenizer's own frame puts before a text, '' without one."""
    frame = tokenizer.get("post_processor") or {}
    for step in (frame, *(frame.get("processors") or ())):
        first = (step.get("single") or [{}])[0] if step.get("type") == "TemplateProcessing" else {}
        if "SpecialToken" in first:
            return str(first["SpecialToken"]["id"])
    return ""


def _json(base: Base, name: str) -> Mapping[str, Any]:
    path = base.folder / name
    return files.read_json(path) if path.is_file() else {}


def _word(value: Any) -> str:
    return str(value["content"]) if isinstance(value, Mapping) else str(value)


def _window(base: Base, settings: Mapping[str, Any]) -> int:
    """The fewest tokens that anybody names; 0 where nobody does."""
    said = (
        *(base.config.get(key) for key in ("max_position_embeddings", "n_positions")),
        settings.get("model_max_length"),
    )
    return min(
        (int(each) for each in said if isinstance(each, int | float) and 0 < each < _ENDLESS), default=0
    )
