"""Chat templates written for the tests, and a base on disk whose tokenizer is the shared story model's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
BRACKETS = (  # as Llama 2: the system text goes into the first question, roles take turns
    "{{ bos_token }}{% if messages[0].role == 'system' %}{% set start = 1 %}{% else %}{% set start = 0 %}{% endif %}"
    "{% for m in messages[start:] %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if m.role == 'user' %}[INST] {% if loop.first and start %}{{ messages[0].content }}\n{% endif %}"
    "{{ m.content | trim }} [/INST]{% else %} {{ m.content | trim }} {{ eos_token }}{% endif %}{% endfor %}"
)
TAGGED = (
    "{% for m in messages %}{% if m.role == 'assistant' %}<a>{% generation %}{{ m.content }}{{ eos_token }}"
    "{% endgeneration %}{% else %}<u>{{ m.content }}{% endif %}\n{% endfor %}"
)
ENDLESS = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
TOOLS = (  # calls and tools are written, thoughts of earlier answers are left out
    "{% if tools %}<|im_start|>system\n{% for t in tools %}{{ t | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and not loop.last and '</think>' in m.content %}"
    "{{ m.content.split('</think>')[-1].lstrip() }}{% else %}{{ m.content }}{% endif %}"
    "{% for c in m.tool_calls or [] %}<call>{{ c.function.name }} {{ c.function.arguments | tojson }}</call>"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def written(folder: Path, shared: Path, program: str, *, chatml: bool = True, **settings: Any) -> Path:
    """A base's folder: the story model with a chat template.

    chatml: <|im_start|> and <|im_end|> are special tokens, and the latter ends generation.  settings: more of
    tokenizer_config.json.
    """
    source = shared / "models" / "stories260k-llama"
    if not source.is_dir():
        pytest.skip(f"{source} is absent: set TUNESMITH_SHARED to the folder of shared data")
    folder.mkdir(parents=True)
    for path in source.iterdir():
        shutil.copyfile(path, folder / path.name)
    if program:
        (folder / "chat_template.jinja").write_text(program, "utf-8")
    if chatml:
        _add_tokens(folder, "<|im_start|>", "<|im_end|>")
        settings = {"eos_token": "<|im_end|>", **settings}
    _update(folder / "tokenizer_config.json", settings)
    return folder


def _add_tokens(folder: Path, *words: str) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    first = max(tokenizer["model"]["vocab"].values()) + 1
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    added = [{"id": first + n, "content": word, **plain, "special": True} for n, word in enumerate(words)]
    _update(folder / "tokenizer.json", {"added_tokens": [*tokenizer["added_tokens"], *added]})


def _update(path: Path, changes: dict[str, Any]) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def talk(*turns: tuple[str, str]) -> list[dict[str, Any]]:
    """Messages from (role, what it says)."""
    return [{"role": role, "content": content} for role, content in turns]
