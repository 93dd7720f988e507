"""Tokenizer and chat template of a model as Hugging Face's folders hold them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunesmith.inputs import chat, speaking
from tunesmith.inputs.templates import PLAIN
from tunesmith.inputs.text import TOKENIZER
from tunesmith.parts import Codec, Origin, Wish
from tunesmith.store import files

CONFIG, GENERATION = "tokenizer_config.json", "generation_config.json"
# keys of a base's configurations that say where it came from, or name code to run
FOREIGN = {"torch_dtype", "transformers_version", "_name_or_path", "auto_map", "custom_pipelines"}
WORDS = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")


def write(origin: Origin, folder: Path) -> None:
    """Write tokenizer.json, tokenizer_config.json with the chat template that the model learnt, generation_config.json
    with the tokens at which its answers end."""
    files.write(folder / TOKENIZER, _tokenizer(origin.codec))
    files.write_json(folder / CONFIG, _settings(origin.codec))
    files.write_json(folder / GENERATION, _generation(origin))


def program(codec: Codec) -> str:
    """The chat template (Jinja) that the model was taught with; '' where it was taught none."""
    if codec.settings["frame"] != "chat":
        return ""
    return codec.settings["template"] or PLAIN


def stops(codec: Codec) -> list[int]:
    """Tokens at which an answer ends: the eos token first, then the others by their ids."""
    ids = {name: each for name in WORDS for each in single(codec, name)}
    return sorted(speaking.stops(codec), key=lambda each: (each != ids.get("eos"), each))


def single(codec: Codec, name: str) -> list[int]:
    """The id of a special token by its short name ('bos'); none where the tokenizer has no such token."""
    word = codec.settings["words"].get(f"{name}_token", "")
    found = chat.template(codec)
    ids = found.encode(word)[0] if word and found.encode else ()
    return list(ids) if len(ids) == 1 else []


def begins(codec: Codec) -> bool:
    """Whether what the model is asked begins with its bos token."""
    if not single(codec, "bos"):
        return False
    asked = speaking.asked(codec, _question(codec), Wish(max_tokens=1))
    return asked[:1] == single(codec, "bos")


def _question(codec: Codec) -> Any:
    return [{"role": "user", "content": "?"}] if codec.settings["frame"] == "chat" else "?"


def _settings(codec: Codec) -> dict[str, Any]:
    known, words = codec.settings, codec.settings["words"]
    found: dict[str, Any] = {
        # the class that takes tokenizer.json as it is; others build parts of it anew
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "padding_side": "left",
        **{f"{name}_token": words[f"{name}_token"] for name in WORDS if f"{name}_token" in words},
    }
    if known["window"]:
        found["model_max_length"] = known["window"]
    if written := program(codec):
        found["chat_template"] = _named(written, known["template_tools"])
    return found


def _named(own: str, with_tools: str) -> str | list[dict[str, str]]:
    if not with_tools:
        return own
    return [{"name": "default", "template": own}, {"name": "tool_use", "template": with_tools}]


def _generation(origin: Origin) -> dict[str, Any]:
    """How answers are generated: as the base says, and they end where the model was taught to end them."""
    path = origin.base.folder / GENERATION
    known = files.read_json(path) if path.is_file() else {}
    ids = {"eos_token_id": stops(origin.codec) or None, "pad_token_id": origin.codec.settings["pad_id"]}
    begin = single(origin.codec, "bos")
    kept = {key: value for key, value in known.items() if key not in FOREIGN}
    return kept | ids | ({"bos_token_id": begin[0]} if begin else {})


def _tokenizer(codec: Codec) -> bytes:
    """tokenizer.json.  Where texts are gone on from, it puts before them what the model was taught with."""
    if codec.settings["frame"] == "chat":
        return codec.files[TOKENIZER]
    known = json.loads(codec.files[TOKENIZER])
    known["post_processor"] = _frame(codec.settings["words"].get("bos_token", ""), single(codec, "bos"))
    return json.dumps(known, ensure_ascii=False).encode()


def _frame(word: str, ids: Sequence[int]) -> dict[str, Any] | None:
    if not ids:
        return None
    first, second = ({"Sequence": {"id": each, "type_id": 0}} for each in "AB")
    special = {"SpecialToken": {"id": word, "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [special, first],
        "pair": [special, first, second],
        "special_tokens": {word: {"id": word, "ids": list(ids), "tokens": [word]}},
    }
