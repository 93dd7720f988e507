"""Reads the chat template of a base: its Jinja program, special tokens, end tokens and window."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from tunesmith import doors
from tunesmith.bases import Base
from tunesmith.errors import DataError, MissingError
from tunesmith.inputs import sandbox
from tunesmith.inputs.spoken import Span
from tunesmith.inputs.templates import Encode, Template
from tunesmith.store import files

_LONE = re.compile("[\ud800-\udfff]")
_ENDLESS = 1e9  # tokenizers without a limit write a number above this one


def template_of(base: Base, *, window: int = 0, program: str = "", plain: bool = False) -> Template:
    """The template of a base.  window: see no more tokens than these.  program: Jinja in place of the base's own.
    plain: a base without a template will do, to measure texts.

    Raises MissingError T409 where the base has none, DataError T410 where it is no Jinja.
    """
    settings = _json(base, "tokenizer_config.json")
    own, with_tools = (program, "") if program else _programs(base, settings)
    if not own and not plain:
        raise _no_template(base)
    _require_jinja(base, own, with_tools)
    words = {key: _word(value) for key, value in settings.items() if key.endswith("_token") and value}
    tokenizer = files.read_json(base.folder / "tokenizer.json")
    added = {each["content"]: each["id"] for each in tokenizer.get("added_tokens", ()) if each.get("special")}
    return Template(
        own,
        with_tools,
        words,
        specials=frozenset(added) | frozenset(words.values()),
        stops=_stops(base, words, {number: text for text, number in added.items()}),
        window=_window(base, settings, window),
        encode=encoder(base.folder / "tokenizer.json"),
        unknown=_unknown(tokenizer, words),
        name=base.name,
    )


def encoder(tokenizer: Path) -> Encode | None:
    """What cuts texts into the tokens of a tokenizer.json; None where the library for it is not installed.

    A lone surrogate, which has no UTF-8, counts as U+FFFD.
    """
    return encoder_of(tokenizer.read_bytes())


def encoder_of(content: bytes) -> Encode | None:
    """The same from the bytes of a tokenizer.json."""
    if not doors.has("tokenizers"):
        return None
    made = doors.open("tokenizers").Tokenizer.from_str(content.decode("utf-8"))
    made.no_truncation()
    made.no_padding()

    def encode(text: str) -> tuple[tuple[int, ...], tuple[Span, ...]]:
        found = made.encode(_LONE.sub("\ufffd", text), add_special_tokens=False)
        return tuple(found.ids), tuple(found.offsets)

    return encode


def _programs(base: Base, settings: Mapping[str, Any]) -> tuple[str, str]:
    """(the program, that for conversations with tools or '')."""
    alone = base.folder / "chat_template.jinja"
    if alone.is_file():
        return alone.read_text("utf-8"), ""
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


def _json(base: Base, name: str) -> Mapping[str, Any]:
    path = base.folder / name
    return files.read_json(path) if path.is_file() else {}


def _word(value: Any) -> str:
    return str(value["content"]) if isinstance(value, Mapping) else str(value)


def _window(base: Base, settings: Mapping[str, Any], asked: int) -> int:
    """The fewest tokens that anybody names; 0 where nobody does."""
    said = (base.config.get("max_position_embeddings"), settings.get("model_max_length"), asked)
    return min(
        (int(each) for each in said if isinstance(each, int | float) and 0 < each < _ENDLESS), default=0
    )


def _no_template(base: Base) -> MissingError:
    return MissingError(
        "T409",
        f"the base '{base.name}' has no chat template",
        expected="chat_template.jinja beside its tokenizer, or chat_template in tokenizer_config.json",
        fixes=(
            "--base DIR   (one that was trained to chat)",
            "tunesmith data see FILE --template FILE.jinja",
        ),
        where=str(base.folder),
    )


def _require_jinja(base: Base, *programs: str) -> None:
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
