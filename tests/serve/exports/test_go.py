"""Chat templates in ollama's language: derived from ten real shapes, and equal to them on talks that nobody chose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chatshapes
from tunesmith.inputs.templates import Template
from tunesmith.serve.exports import _go

DERIVED = sorted(set(chatshapes.SHAPES) - {"mistral"})
PLAIN = Template("", words={"bos_token": "<s>", "eos_token": "</s>"})
WORDS = st.text(alphabet="abcdefghij klmn.,?!\nüß", min_size=1, max_size=30).map(lambda text: f"x{text}x")


def talk(words: list[str], system: str) -> list[dict[str, Any]]:
    """A talk that ends with a question."""
    words = words if len(words) % 2 else words[:-1]
    turns = [{"role": ("user", "assistant")[n % 2], "content": each} for n, each in enumerate(words)]
    return [{"role": "system", "content": system}] * bool(system) + turns


@pytest.mark.parametrize("name", DERIVED)
@settings(max_examples=25, deadline=None)
@given(words=st.lists(WORDS, min_size=1, max_size=7), system=WORDS)
def test_a_derived_template_writes_what_its_model_learnt(name: str, words: list[str], system: str) -> None:
    shape = chatshapes.SHAPES[name]
    rules = chatshapes.rules(shape, name=name)
    program = _go.derived(rules, shape.bos)
    for each in ("", system if shape.system else ""):
        turns = talk(words, each)
        assert _go.rendered(program, turns) == _go.written(rules, shape.bos, turns)


def test_the_plain_template_is_derived_too() -> None:
    program = _go.derived(PLAIN, "<s>")
    turns = talk(["Hello", "Hi", "More"], "Be kind")
    assert _go.rendered(program, turns) == "Be kind\nHello\nHi</s>More\n"


def test_a_template_that_opens_by_itself_without_a_system_text() -> None:
    own = (
        "{% if messages[0].role != 'system' %}<sys>default</sys>{% endif %}"
        + chatshapes.SHAPES["chatml"].program
    )
    rules = Template(own, words={"eos_token": "<|im_end|>"})
    program = _go.derived(rules, "")
    assert "{{ if not .System }}<sys>default</sys>{{ end }}" in program
    for turns in (talk(["a"], ""), talk(["a", "b", "c"], "s")):
        assert _go.rendered(program, turns) == _go.written(rules, "", turns)


@pytest.mark.parametrize(
    "program",
    [
        chatshapes.SHAPES["mistral"].program,  # the system text stands in the last question
        "{% for m in messages %}{{ loop.index }}{{ m.content }}{% endfor %}",
        "{% for m in messages %}[{{ m.content | upper }}]{% endfor %}",
        "{{ '{{' }}{% for m in messages %}<{{ m.content }}>{% endfor %}",
        "{% if messages | length > 1 %}{{ raise_exception('one turn') }}{% endif %}{{ messages[0].content }}",
    ],
)
def test_what_has_no_frame_is_refused_in_words(program: str) -> None:
    with pytest.raises(ValueError, match="chat template"):
        _go.derived(Template(program, words={"eos_token": "</s>"}), "")


@pytest.mark.parametrize("program", ["{{ .Prompt }}", "{{ range .Messages }}{{ .Role }}{{ end }}{{ end }}"])
def test_the_renderer_takes_no_other_language(program: str) -> None:
    with pytest.raises(ValueError, match="template"):
        _go.rendered(program, talk(["a"], ""))
