"""Ten shapes of chat templates as public documentation describes them, written for the tests, with a byte tokenizer.

legend: `end` is what is learnt after the assistant's words, `trims` whether these lose their outer blanks, `blank` what
stands between the words and the end, `system` whether a system turn is written, `tools` whether calls are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tunesmith.inputs.base_template import template
from tunesmith.inputs.templates import Template
from tunesmith.inputs.text import TOKENIZER, byte_tokenizer
from tunesmith.parts import Codec

_ALTERNATE = (
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles alternate') }}{% endif %}"
)
_START = (
    "{% if messages and messages[0].role == 'system' %}{% set rules = messages[0].content %}"
    "{% set talk = messages[1:] %}{% else %}{% set rules = '' %}{% set talk = messages %}{% endif %}"
)


FIRST = 259  # the id of the first special token: 3 of the byte tokenizer's own and 256 bytes come before it


@dataclass(frozen=True)
class Shape:
    """One family's way to write turns."""

    program: str
    end: str
    specials: tuple[str, ...]
    eos: str
    bos: str = ""
    trims: bool = False
    blank: str = ""
    system: bool = True
    tools: bool = False


SHAPES = {
    "chatml": Shape(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        "<|im_end|>",
        ("<|im_start|>", "<|im_end|>"),
        "<|im_end|>",
    ),
    "llama-2": Shape(
        f"{_START}{{% for m in talk %}}{_ALTERNATE}"
        "{% if m.role == 'user' %}{{ bos_token }}[INST] {% if loop.first and rules %}<<SYS>>\n{{ rules }}\n<</SYS>>\n\n"
        "{% endif %}{{ m.content | trim }} [/INST]{% else %} {{ m.content | trim }} {{ eos_token }}{% endif %}"
        "{% endfor %}",
        "</s>",
        ("<s>", "</s>"),
        "</s>",
        bos="<s>",
        trims=True,
        blank=" ",
    ),
    "llama-3": Shape(
        "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
        "{{ m.content | trim }}<|eot_id|>{% endfor %}"
        "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
        "<|eot_id|>",
        ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        "<|eot_id|>",
        bos="<|begin_of_text|>",
        trims=True,
    ),
    "mistral": Shape(
        f"{_START}{{{{ bos_token }}}}{{% for m in talk %}}{_ALTERNATE}"
        "{% if m.role == 'user' %}[INST] {% if loop.last and rules %}{{ rules }}\n\n{% endif %}{{ m.content }} [/INST]"
        "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}",
        "</s>",
        ("<s>", "</s>", "[INST]", "[/INST]"),
        "</s>",
        bos="<s>",
    ),
    "gemma": Shape(
        "{{ bos_token }}{% if messages and messages[0].role == 'system' %}{{ raise_exception('no system role') }}"
        "{% endif %}{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
        "{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
        "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
        "<end_of_turn>",
        ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
        "<eos>",
        bos="<bos>",
        trims=True,
        system=False,
    ),
    "phi-3": Shape(
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% else %}{{ eos_token }}{% endif %}",
        "<|end|>",
        ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>"),
        "<|endoftext|>",
    ),
    "zephyr": Shape(
        "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + eos_token }}\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
        "</s>",
        ("<s>", "</s>"),
        "</s>",
        bos="<s>",
    ),
    "qwen-tools": Shape(
        "{% if tools %}<|im_start|>system\n{% if messages[0].role == 'system' %}{{ messages[0].content }}\n\n"
        "{% endif %}# Tools\n<tools>{% for t in tools %}\n{{ t | tojson }}{% endfor %}\n</tools><|im_end|>\n"
        "{% elif messages and messages[0].role == 'system' %}<|im_start|>system\n{{ messages[0].content }}<|im_end|>\n"
        "{% endif %}{% for m in messages %}"
        "{% if m.role == 'user' or (m.role == 'system' and not loop.first) %}"
        "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
        "{% elif m.role == 'assistant' %}<|im_start|>assistant\n{{ m.content }}{% for c in m.tool_calls or [] %}"
        '{{ "\\n" }}<tool_call>\n{"name": "{{ c.function.name }}", '
        '"arguments": {{ c.function.arguments | tojson }}}\n</tool_call>'
        "{% endfor %}<|im_end|>\n"
        "{% elif m.role == 'tool' %}<|im_start|>user\n<tool_response>\n{{ m.content }}\n</tool_response><|im_end|>\n"
        "{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        "<|im_end|>",
        ("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
        "<|im_end|>",
        tools=True,
    ),
    "deepseek": Shape(
        f"{_START}{{{{ bos_token }}}}{{{{ rules }}}}{{% for m in talk %}}"
        "{% if m.role == 'user' %}<｜User｜>{{ m.content }}{% elif m.role == 'assistant' %}"
        "<｜Assistant｜>{{ m.content }}"
        "<｜end▁of▁sentence｜>{% endif %}{% endfor %}{% if add_generation_prompt %}<｜Assistant｜>{% endif %}",
        "<｜end▁of▁sentence｜>",
        ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"),
        "<｜end▁of▁sentence｜>",
        bos="<｜begin▁of▁sentence｜>",
    ),
    "command-r": Shape(
        "{{ bos_token }}{% for m in messages %}<|START_OF_TURN_TOKEN|>"
        "{{ {'user': '<|USER_TOKEN|>', 'assistant': '<|CHATBOT_TOKEN|>'}.get(m.role, '<|SYSTEM_TOKEN|>') }}"
        "{{ m.content | trim }}<|END_OF_TURN_TOKEN|>{% endfor %}"
        "{% if add_generation_prompt %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{% endif %}",
        "<|END_OF_TURN_TOKEN|>",
        (
            "<BOS_TOKEN>",
            "<|START_OF_TURN_TOKEN|>",
            "<|END_OF_TURN_TOKEN|>",
            "<|USER_TOKEN|>",
            "<|CHATBOT_TOKEN|>",
            "<|SYSTEM_TOKEN|>",
        ),
        "<|END_OF_TURN_TOKEN|>",
        bos="<BOS_TOKEN>",
        trims=True,
    ),
}


@cache
def tokenizer(specials: tuple[str, ...]) -> bytes:
    """One token a byte, then the special tokens; nothing is put around a text."""
    made = json.loads(byte_tokenizer())
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    added = [{"id": FIRST + n, "content": word, **flags, "special": True} for n, word in enumerate(specials)]
    return json.dumps({**made, "added_tokens": added, "post_processor": None}).encode()


def codec(shape: Shape, **more: object) -> Codec:
    """The codec of a base with this template."""
    words = {"eos_token": shape.eos} | ({"bos_token": shape.bos} if shape.bos else {})
    stops = sorted({shape.eos, shape.end})
    settings = {"template": shape.program, "template_tools": "", "words": words, "stops": stops, "window": 0}
    settings |= {"specials": list(shape.specials), "unknown": None, "pad_id": 0, **more}
    return Codec(settings, {TOKENIZER: tokenizer(shape.specials)})


def rules(shape: Shape, **more: object) -> Template:
    """The template itself."""
    return template(codec(shape, **more))


def told(shape: Shape, ids: Sequence[int]) -> list[str]:
    """What tokens stand for: special tokens by name, bytes between them as one text."""
    pieces: list[str] = []
    raw = bytearray()
    letters = {3 + n: byte for n, byte in enumerate(_order())}
    for each in [*ids, -1]:
        if each in letters:
            raw.append(letters[each])
            continue
        if raw:
            pieces.append(raw.decode())
            raw.clear()
        pieces += [shape.specials[each - FIRST]] if each >= FIRST else []
    return pieces


def _order() -> list[int]:
    """The bytes in the order of their ids: byte-level BPE writes each as a printable letter, sorted."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable} | {byte: chr(256 + n) for n, byte in enumerate(others)}
    return sorted(letters, key=lambda byte: letters[byte])
