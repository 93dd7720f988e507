"""Faults of templates and conversations, planted one at a time: each is named by its code before the first step."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from chatshapes import SHAPES, Shape, rules
from chattemplates import talk, written
from tunesmith import bases, catalog, doors
from tunesmith.data.checks._turns import dialogs
from tunesmith.errors import DataError
from tunesmith.findings import Finding
from tunesmith.inputs import chat
from tunesmith.inputs.base_template import template_of
from tunesmith.inputs.learning import counted

pytestmark = pytest.mark.skipif(
    not doors.has("tokenizers"), reason='tokenizers is absent: pip install ".[train]"'
)
GOOD = dataclasses.replace(SHAPES["qwen-tools"], bos="<s>", specials=(*SHAPES["qwen-tools"].specials, "<s>"))
GOOD = dataclasses.replace(GOOD, program="{{ bos_token }}" + GOOD.program)
ROW = talk(("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays."))
SYSTEM = talk(("system", "Be kind."), *((turn["role"], turn["content"]) for turn in ROW))
CALL = {"id": "c1", "type": "function", "function": {"name": "price", "arguments": '{"of": "tyre"}'}}
TOOLS = [{"type": "function", "function": {"name": "price", "parameters": {}}}]
CALLING = [
    *talk(("user", "What is a tyre?")),
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "25", "tool_call_id": "c1"},
    *talk(("assistant", "25 euros.")),
]


def put(old: str, new: str, shape: Shape = GOOD) -> Shape:
    """The good template with one fault."""
    assert old in shape.program
    return dataclasses.replace(shape, program=shape.program.replace(old, new))


def loop(body: str) -> Shape:
    """A template of one loop, with everything else right."""
    ask = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    program = "{{ bos_token }}{% for m in messages %}" + body + "{% endfor %}" + ask
    return dataclasses.replace(GOOD, program=program)


TURN = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
# fault → (template, messages, tools, code); more settings of the template's codec may follow
FAULTS: dict[str, tuple[Any, ...]] = {
    "no generation prompt": (
        put("{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}", ""),
        ROW,
        None,
        "T412",
    ),
    "a generation prompt unlike training": (
        put(
            "{% if add_generation_prompt %}<|im_start|>assistant",
            "{% if add_generation_prompt %}<|im_start|>bot",
        ),
        ROW,
        None,
        "T412",
    ),
    "a thought opened only when asked": (
        put("<|im_start|>assistant\n{% endif %}", "<|im_start|>assistant\n<think>\n{% endif %}"),
        ROW,
        None,
        "T412",
    ),
    "no end token": (loop(TURN.replace("<|im_end|>", "")), ROW, None, "T403"),
    "an end that is no token": (loop(TURN.replace("<|im_end|>", "</end>")), ROW, None, "T403"),
    "an end at which generation does not end": (
        loop(TURN.replace("<|im_end|>", "<|im_start|>")),
        ROW,
        None,
        "T403",
    ),
    "a role is missing": (
        loop("{% if m.role in ('user', 'assistant') %}" + TURN + "{% endif %}"),
        SYSTEM,
        None,
        "T406",
    ),
    "the system is dropped": (
        loop("{% if m.role != 'system' %}" + TURN + "{% endif %}"),
        SYSTEM,
        None,
        "T406",
    ),
    "tool results are dropped": (put("m.role == 'tool'", "m.role == 'function'"), CALLING, TOOLS, "T406"),
    "tool calls are lost": (put("m.tool_calls or []", "[]"), CALLING, TOOLS, "T406"),
    "tools are lost": (put("{% if tools %}", "{% if false %}"), CALLING, TOOLS, "T406"),
    "it raises": (loop("{{ raise_exception('not today') }}"), ROW, None, "T406"),
    "a bug": (loop("{{ m.content + 1 }}"), ROW, None, "T406"),
    "an escape from the sandbox": (loop("{{ m.__class__.__mro__ }}"), ROW, None, "T406"),
    "a change of the messages": (loop("{{ messages.append(m) }}"), ROW, None, "T406"),
    "growth without end": (
        loop("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"),
        ROW,
        None,
        "T406",
    ),
    "a text that doubles": (
        loop("{% set n = namespace(s='x') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}"),
        ROW,
        None,
        "T406",
    ),
    "roles that don't take turns": (SHAPES["llama-2"], [*ROW, *ROW[1:]], None, "T406"),
    "the answer is trimmed": (
        loop(TURN.replace("m.content", "m.content | trim")),
        talk(("user", "Hi"), ("assistant", " Yes. ")),
        None,
        "T413",
    ),
    "words are changed": (loop(TURN.replace("m.content", "m.content | lower")), ROW, None, "T413"),
    "thoughts are cut out": (
        loop(TURN.replace("m.content", "m.content.split('</think>')[-1]")),
        talk(("user", "Hi"), ("assistant", "<think>Hm.</think>Yes.")),
        None,
        "T413",
    ),
    "the last turn is ignored": (loop("{% if not loop.last %}" + TURN + "{% endif %}"), ROW, None, "T404"),
    "the answer stands twice": (
        loop(TURN + "{% if m.role == 'assistant' %}({{ m.content }}){% endif %}"),
        ROW,
        None,
        "T418",
    ),
    "bos stands twice": (put("{{ bos_token }}", "{{ bos_token }}{{ bos_token }}"), ROW, None, "T414"),
    "bos is missing": (put("{{ bos_token }}", ""), ROW, None, "T414", {"begins": "<s>"}),
    "today's date": (
        put("{{ bos_token }}", "{{ bos_token }}{{ strftime_now('%d %b %Y') }}\n"),
        ROW,
        None,
        "T415",
    ),
    "a name that nobody gives": (loop(TURN.replace("<|im_end|>", "{{ end_of_turn }}")), ROW, None, "T416"),
    "an end token that the tokenizer lacks": (
        loop(TURN.replace("<|im_end|>", "{{ eos_token }}")),
        ROW,
        None,
        "T416",
        {"words": {"bos_token": "<s>"}},
    ),
    "padding is the end": (
        GOOD,
        ROW,
        None,
        "T417",
        {"words": {"bos_token": "<s>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}},
    ),
    "no template at all": (dataclasses.replace(GOOD, program=""), ROW, None, "T409"),
    "an unknown role": (GOOD, talk(("moderator", "Hm."), ("assistant", "Yes.")), None, "M212"),
    "two questions in a row": (GOOD, [ROW[0], *ROW], None, "M210"),
    "all turns have weight 0": (GOOD, [ROW[0], {**ROW[1], "weight": 0}], None, "T404"),
    "no answer": (GOOD, ROW[:1], None, "T404"),
    "the window is smaller than the prompt": (
        GOOD,
        talk(("user", "brakes " * 50), ("assistant", "Yes.")),
        None,
        "T404",
        {"window": 60, "truncation": "right"},
    ),
    "the answer is longer than the window": (
        GOOD,
        talk(("user", "Hi"), ("assistant", "brakes " * 50)),
        None,
        "T401",
        {"window": 60},
    ),
    "hardly anything is learnt": (GOOD, talk(("user", "brakes " * 99), ("assistant", "Yes.")), None, "T419"),
    "markers in what a user says": (
        GOOD,
        talk(("user", "a<|im_end|>b"), ("assistant", "Yes.")),
        None,
        "T405",
    ),
    "an empty answer": (GOOD, talk(("user", "Hi"), ("assistant", " ")), None, "T402"),
    "the last word is a user's": (GOOD, [*ROW, ROW[0]], None, "T408"),
    "a tool that was not declared": (GOOD, CALLING, None, "M214"),
}


def found(shape: Shape, messages, tools=None, **settings) -> dict[str, Finding]:
    fields = {"messages": messages} | ({"tools": tools} if tools else {})
    case = dialogs(fields, template=rules(shape, **settings))
    findings = {}
    for part in catalog.parts("check").values():
        check = part()
        if check.code[0] in "TM" and check.wants <= {"turns"} and check.needs <= case.evidence.keys():
            state = check.update(check.start(), case.rows, case.evidence)
            findings |= {finding.code: finding for finding in check.findings(state)}
    return findings


@pytest.mark.parametrize("fault", list(FAULTS))
def test_each_fault_is_named(fault: str) -> None:
    shape, messages, tools, code, *settings = FAULTS[fault]
    named = found(shape, messages, tools, **(settings[0] if settings else {}))
    assert code in named, f"{fault}: {sorted(named)}"
    finding = named[code]
    assert finding.message and finding.count and finding.places
    assert json.dumps(finding.to_json())


@pytest.mark.parametrize(("messages", "tools"), [(ROW, None), (SYSTEM, None), (CALLING, TOOLS)])
def test_without_a_fault_nothing_is_said(messages, tools) -> None:
    assert found(GOOD, messages, tools, begins="<s>", window=400) == {}


@pytest.mark.parametrize("name", list(SHAPES))
def test_the_ten_shapes_have_no_grave_fault(name: str) -> None:
    named = found(SHAPES[name], ROW)
    assert {code: f.severity for code, f in named.items() if f.severity != "info"} == {}


def test_a_template_that_is_none_stops_before_anything(shared: Path, tmp_path: Path) -> None:
    folder = written(tmp_path / "base", shared, "{% for m in %}")
    with pytest.raises(DataError) as broken:
        template_of(bases.resolve(str(folder)))
    assert broken.value.code == "T410"


# ---- counted as tokens, before the first step -----------------------------------------------------------------------


def windows(*rows, **options):
    return [chat.tokens(rules(GOOD), row, **options) for row in rows]


def test_nothing_learnt_stops_the_run() -> None:
    long = talk(("user", "brakes " * 50), ("assistant", "Yes."))
    for options in ({"truncation": "right", "window": 60}, {"truncation": "drop", "window": 60}):
        with pytest.raises(DataError) as nothing:
            counted(windows(long, long, **options)).findings()
        assert nothing.value.code == "T421" and nothing.value.fixes
    with pytest.raises(DataError):
        counted([]).findings()


def test_what_is_lost_is_counted() -> None:
    long = talk(("user", "brakes " * 5), ("assistant", "Yes. " * 20))
    made = counted(windows(ROW, long, ROW[:1], truncation="left", window=90))
    assert (made.rows, made.idle, made.left_out, made.cut_rows) == (2, 1, 0, 1)
    assert made.cut > made.cut_learnt > 0 and made.findings() == []
    assert "1 row cut" in made.sentence() and "without a learnt token" in made.sentence()
    dropped = counted(windows(ROW, long, truncation="drop", window=90))
    assert dropped.left_out == 1 and "1 row left out" in dropped.sentence()


def test_under_five_percent_is_a_warning() -> None:
    thin = counted(windows(talk(("user", "brakes " * 99), ("assistant", "Yes."))))
    (finding,) = thin.findings()
    assert (finding.code, finding.severity) == ("T419", "warning") and thin.share < 0.05
    assert counted(windows(ROW)).findings() == []
