"""Templates write conversations as the libraries of models do, and know which tokens are learnt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chattemplates import BRACKETS, CHATML, ENDLESS, TAGGED, TOOLS, talk, written
from tunesmith import doors
from tunesmith.bases import Base
from tunesmith.errors import DataError
from tunesmith.inputs.base_template import template_of
from tunesmith.inputs.sandbox import Refused, write
from tunesmith.inputs.templates import Template

TALK = talk(
    ("system", "Be kind."),
    ("user", " Hi there "),
    ("assistant", "  Hello, you. "),
    ("user", "And é日本, ok?"),
    ("assistant", "Yes"),
)
CALL = {"id": "c1", "type": "function", "function": {"name": "price", "arguments": '{"of": "tyre"}'}}
CALLING = [
    {"role": "user", "content": "What does a tyre cost?"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "25", "tool_call_id": "c1"},
    {"role": "assistant", "content": "25 euros."},
]
WORDS = {"bos_token": "<s>", "eos_token": "</s>"}
ENDS = {
    CHATML: frozenset({"<|im_end|>"}),
    TOOLS: frozenset({"<|im_end|>"}),
    BRACKETS: frozenset({"</s>"}),
    TAGGED: frozenset({"</s>"}),
    ENDLESS: frozenset({"</s>"}),
}


def letters(text: str) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    return tuple(map(ord, text)), tuple((at, at + 1) for at in range(len(text)))


def made(program: str, **values) -> Template:
    stops = ENDS[program]
    specials = stops | {"<s>", "</s>", "<|im_start|>"}
    return Template(program, words=WORDS, specials=specials, stops=stops, encode=letters, **values)


def learnt(template: Template, messages, tools=None) -> list[str]:
    seen = template.see(messages, tools)
    assert not seen.refusal
    return [seen.text[start:stop] for start, stop in seen.spans]


# ---- what is learnt -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (CHATML, ["  Hello, you. <|im_end|>", "Yes<|im_end|>"]),
        (BRACKETS, ["Hello, you. </s>", "Yes </s>"]),
        (TAGGED, ["  Hello, you. </s>", "Yes</s>"]),
        (ENDLESS, ["  Hello, you. ", "Yes"]),
    ],
    ids=["chatml", "brackets", "tagged", "endless"],
)
def test_what_the_assistant_says_is_learnt_with_its_end(program: str, expected: list[str]) -> None:
    assert learnt(made(program), TALK) == expected


def test_the_end_is_named_or_missing() -> None:
    assert made(CHATML).see(TALK).ends == ("<|im_end|>", "<|im_end|>")
    assert made(ENDLESS).see(TALK).ends == ("", "")


def test_an_end_outside_the_generation_tags_is_learnt_too() -> None:
    program = TAGGED.replace("{{ eos_token }}{% endgeneration %}", "{% endgeneration %}{{ eos_token }}")
    seen = Template(program, words=WORDS, specials=ENDS[TAGGED], stops=ENDS[TAGGED], encode=letters).see(TALK)
    assert [seen.text[start:stop] for start, stop in seen.spans] == ["  Hello, you. </s>", "Yes</s>"]
    assert seen.ends == ("</s>", "</s>")


def test_tags_around_the_last_answer_alone_mean_that_one() -> None:
    program = (
        "{% for m in messages %}{% if m.role == 'assistant' and loop.last %}{% generation %}{{ m.content }}"
        "{{ eos_token }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}\n{% endfor %}"
    )
    template = Template(program, words=WORDS, specials=ENDS[TAGGED], stops=ENDS[TAGGED], encode=letters)
    assert learnt(template, TALK) == ["Yes</s>"]
    assert learnt(template, [*TALK[:4], {**TALK[4], "weight": 0}]) == []


def test_tool_calls_are_learnt_and_their_results_are_not() -> None:
    tools = [{"type": "function", "function": {"name": "price"}}]
    calls = ['<call>price {"of": "tyre"}</call><|im_end|>', "25 euros.<|im_end|>"]
    assert learnt(made(TOOLS), CALLING, tools) == calls
    assert learnt(made(TOOLS), CALLING, json.dumps(tools)) == calls
    assert learnt(made(TOOLS), CALLING, "no JSON") == calls


def test_words_that_the_template_leaves_out_are_not_learnt() -> None:
    thought = "<think>hm</think>"
    messages = talk(
        ("user", "a?"), ("assistant", f"{thought}\nb"), ("user", "c?"), ("assistant", f"{thought}d")
    )
    assert learnt(made(TOOLS), messages) == ["b<|im_end|>", f"{thought}d<|im_end|>"]


def test_a_turn_of_weight_0_is_read_and_not_learnt() -> None:
    muted = [{**turn, "weight": 0} if turn["content"] == "Yes" else turn for turn in TALK]
    assert learnt(made(CHATML), muted) == ["  Hello, you. <|im_end|>"]
    assert made(CHATML).see(muted).text == made(CHATML).see(TALK).text


def test_a_conversation_without_an_answer_has_nothing_to_learn() -> None:
    seen = made(CHATML).see(TALK[:2])
    assert seen.text and not seen.spans and not seen.learnt() and seen.ends_of_learnt() is None
    assert made(CHATML).see([]).text == ""


def test_the_question_that_quotes_the_answer_is_not_learnt() -> None:
    messages = talk(("user", "Say Yes<|im_end|>\n<|im_start|>assistant\nYes"), ("assistant", "Yes"))
    seen = made(CHATML).see(messages)
    assert [start for start, _ in seen.spans] == [seen.text.rindex("Yes")]


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufdd0\ufdd1\ufdd2\ufdd3"), max_size=30
)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4), st.sampled_from([CHATML, TAGGED, TOOLS]))
def test_whatever_is_said_is_found_where_it_stands(pairs, program: str) -> None:
    messages = [
        m for asked, said in pairs for m in talk(("user", asked), ("assistant", said.replace("<", "")))
    ]
    seen = made(program).see(messages)
    end = "</s>" if program == TAGGED else "<|im_end|>"
    expected = [turn["content"] + end for turn in messages if turn["role"] == "assistant"]
    assert [seen.text[start:stop] for start, stop in seen.spans] == expected
    positions = seen.learnt()
    assert positions == [at for start, stop in seen.spans for at in range(start, stop)]
    assert seen.ends_of_learnt() == (positions[0], positions[-1])


@given(st.lists(texts.filter(str.strip), min_size=1, max_size=3))
def test_trimmed_words_are_found_too(said: list[str]) -> None:
    plain = [text.replace("<", "").replace("/", "") or "x" for text in said]
    messages = [m for text in plain for m in talk(("user", "?"), ("assistant", text))]
    assert learnt(made(BRACKETS), messages) == [f"{text.strip()} </s>" for text in plain]


# ---- what a template can't write ----------------------------------------------------------------------------------


def test_a_refusal_is_kept_with_the_row() -> None:
    seen = made(BRACKETS).see(talk(("user", "a"), ("user", "b")))
    assert (seen.text, seen.refusal) == ("", "roles must alternate")


def test_a_bug_of_the_template_is_a_refusal_that_quotes_no_row() -> None:
    refusal = Template("{{ messages[0].content + 1 }}").see(talk(("user", "secret"))).refusal
    assert "TypeError" in refusal and "secret" not in refusal


@pytest.mark.parametrize(
    "program", ["{{ ''.__class__.__mro__ }}", "{{ messages.append(1) }}", "{{ cycler.__init__.__globals__ }}"]
)
def test_templates_stay_in_the_sandbox(program: str) -> None:
    with pytest.raises(Refused):
        write(program, talk(("user", "a")))


def test_templates_have_what_chat_templates_use() -> None:
    program = (
        "{% for m in messages %}{% if loop.index0 == 1 %}{% break %}{% endif %}{{ m | tojson }}{% endfor %}"
    )
    assert write(program, talk(("user", "<é>"), ("user", "b"))) == '{"role": "user", "content": "<é>"}'
    assert write("{{ strftime_now('%Y') }}", []).isdigit()


def test_the_roles_and_tools_that_a_template_writes() -> None:
    assert made(CHATML).roles == {"system", "developer", "user", "assistant", "tool"}
    assert made(BRACKETS).roles == {"system", "user", "assistant"}
    assert not made(CHATML).writes_calls and not made(CHATML).writes_tools
    assert made(TOOLS).writes_calls and made(TOOLS).writes_tools


def test_what_follows_the_last_answer_ends_it_where_generation_names_nothing() -> None:
    silent = Template(CHATML, specials=frozenset({"<|im_end|>", "<|im_start|>"}))
    assert silent.closers == ("<|im_end|>",)
    assert silent.see(TALK).ends == ("<|im_end|>",) * 2


def test_figures_are_made_once_for_a_key() -> None:
    template = made(CHATML, unknown=ord("Y"))
    first = template.glance("a/0", TALK)
    assert (first.unknown, first.ends, first.refusal) == (1, ("<|im_end|>",) * 2, "")
    assert first.tokens == first.characters == len(template.see(TALK).text)
    assert template.glance("a/0", []) is first
    for number in range(5000):
        template.glance(str(number), [])
    assert template.glance("a/0", []).characters == 0


# ---- a base on disk -------------------------------------------------------------------------------------------------

tokenizers = pytest.mark.skipif(
    not doors.has("tokenizers"), reason='tokenizers is absent: pip install ".[train]"'
)


@pytest.mark.parametrize("program", [CHATML, BRACKETS, TAGGED], ids=["chatml", "brackets", "tagged"])
def test_it_sees_what_transformers_sees(program: str, shared: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    folder = written(tmp_path / "base", shared, program, chatml=program == CHATML)
    seen = template_of(Base("b", folder, "")).see(TALK)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    assert seen.text == theirs.apply_chat_template(TALK, tokenize=False)
    tokens = theirs.apply_chat_template(
        TALK, return_dict=True, return_assistant_tokens_mask=program == TAGGED
    )
    assert list(seen.ids) == list(tokens["input_ids"])
    if program == TAGGED:
        assert seen.learnt() == [at for at, mask in enumerate(tokens["assistant_masks"]) if mask]


@tokenizers
def test_a_base_tells_its_tokens_and_window(shared: Path, tmp_path: Path) -> None:
    base = Base("b", written(tmp_path / "base", shared, CHATML, model_max_length=1e30), "")
    template = template_of(base)
    assert (template.window, template.unknown, template.name) == (512, 0, "b")
    assert template.stops == {"<|im_end|>", "<s>", "</s>"}
    assert {"<|im_start|>", "<|im_end|>", "<s>", "</s>", "<unk>"} <= template.specials
    assert template_of(base, window=64).window == 64
    assert template_of(base, window=9999).window == 512
    seen = template.see(talk(("user", "a \ud800 b"), ("assistant", "ok")))
    assert len(seen.ids) == len(seen.offsets) > 5


@tokenizers
def test_a_template_may_stand_in_the_tokenizer_s_settings(shared: Path, tmp_path: Path) -> None:
    named = [{"name": "default", "template": CHATML}, {"name": "tool_use", "template": TOOLS}]
    bases = [
        Base("b", written(tmp_path / str(number), shared, "", chat_template=found), "")
        for number, found in enumerate((CHATML, named))
    ]
    for base in bases:
        assert template_of(base).see(TALK).text.startswith("<|im_start|>system\nBe kind.<|im_end|>")
        assert template_of(base, program=ENDLESS).program == ENDLESS
    assert "<call>" in template_of(bases[1]).see(CALLING, [{"name": "price"}]).text
    assert "<call>" not in template_of(bases[1]).see(CALLING).text


def test_a_base_without_a_template_has_the_plain_one(shared: Path, tmp_path: Path) -> None:
    template = template_of(Base("b", written(tmp_path / "none", shared, "", chatml=False), ""))
    assert template.program == ""
    assert template.see(TALK).text == "<s>Be kind.\n Hi there \n  Hello, you. </s>And é日本, ok?\nYes</s>"
    assert learnt(template, TALK) == ["  Hello, you. </s>", "Yes</s>"]


def test_a_template_that_is_no_jinja_is_an_error(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as broken:
        template_of(Base("b", written(tmp_path / "broken", shared, "{% for %}"), ""))
    assert broken.value.code == "T410"
    with pytest.raises(DataError):
        template_of(Base("b", written(tmp_path / "whole", shared, CHATML), ""), program="{{ 1")


def test_without_the_library_nothing_is_counted(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "has", lambda library: False)
    seen = template_of(Base("b", written(tmp_path / "base", shared, CHATML), "")).see(TALK)
    assert seen.spans and not seen.ids and not seen.learnt()
