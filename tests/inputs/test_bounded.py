"""Templates that would spend all time or memory meet a limit, and those that people use do not."""

from __future__ import annotations

import time

import pytest

from chatshapes import SHAPES, rules
from chattemplates import talk
from tunesmith.inputs import bounded
from tunesmith.inputs.sandbox import Refused, write

GREEDY = {
    "ranges in ranges": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "one long range": "{% for i in range(10**9) %}{% endfor %}",
    "a macro that calls itself twice": (
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}"
    ),
    "a macro without end": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "a text joined to itself": (
        "{% set n = namespace(s='ab') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}"
    ),
    "a text added to itself": (
        "{% set n = namespace(s='ab') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}"
    ),
    "a text many times": "{{ 'a' * 10**12 }}",
    "many times a text": "{{ 10**12 * 'a' }}",
    "a list many times": "{{ ([0] * 10**12) | length }}",
    "a power": "{{ 9 ** (9 ** 9) }}",
    "a wide text": "{{ 'a'.ljust(10**11) }}",
    "a filter that widens": "{{ 'a' | center(10**11) }}",
    "much output": "{% for i in range(900000) %}{{ 'abcdefghijklmnopqrstuvwxyz' }}{% endfor %}",
}


@pytest.mark.parametrize("name", list(GREEDY))
def test_it_ends_within_bounds(name: str) -> None:
    begun = time.monotonic()
    with pytest.raises(Refused):
        write(GREEDY[name], talk(("user", "Hi")))
    assert time.monotonic() - begun < 30


def test_each_rendering_has_its_own_budget() -> None:
    program = f"{{% for i in range({bounded.STEPS // 2}) %}}{{% endfor %}}done"
    assert [write(program, []) for _ in range(3)] == ["done"] * 3


def test_what_templates_do_is_as_ever() -> None:
    program = "{{ 'a' ~ 1 ~ none }}{{ 2 * 3 }}{{ 'ab' * 2 }}{{ [1] + [2] }}{{ 2 ** 5 }}"
    program += "{{ range(2) | list }}{{ x ~ 'y' }}{{ 'a' | center(3) }}"
    assert write(program, []) == "a1None6abab[1, 2]32[0, 1]y a "


@pytest.mark.parametrize("name", ["chatml", "llama-3", "qwen-tools", "command-r"])
def test_a_conversation_of_a_thousand_turns_is_written(name: str) -> None:
    turns = talk(*((role, "word " * 40) for _ in range(500) for role in ("user", "assistant")))
    seen = rules(SHAPES[name]).see(turns)
    assert not seen.refusal and len(seen.spans) == 500
