"""Conversations, pairs and documents as tokens: what is taught, and what is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatshapes import SHAPES, codec, rules, told
from chattemplates import CHATML, TOOLS, talk, written
from tunesmith import bases, doors
from tunesmith.errors import DataError, MissingError
from tunesmith.inputs import chat
from tunesmith.inputs.base_template import template_of
from tunesmith.inputs.templates import Template
from tunesmith.parts import Codec

pytestmark = pytest.mark.skipif(
    not doors.has("tokenizers"), reason='tokenizers is absent: pip install ".[train]"'
)
CHAT, LLAMA = SHAPES["chatml"], SHAPES["llama-3"]
LONG = talk(
    ("system", "Be kind."),
    *((role, f"{role} number {n}, and so on") for n in range(6) for role in ("user", "assistant")),
)


def stories(shared: Path) -> bases.Base:
    folder = shared / "models" / "stories260k-llama"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: set TUNESMITH_SHARED to the folder of shared data")
    return bases.resolve(str(folder))


# ---- the codec -------------------------------------------------------------------------------------------------------


def test_a_base_tells_all_that_a_bundle_needs(shared: Path) -> None:
    settings, files = chat.about(stories(shared))
    words = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<unk>", "unk_token": "<unk>"}
    assert settings["words"] == words
    assert (settings["window"], settings["unknown"], settings["pad_id"]) == (512, 0, 0)
    assert (settings["template"], settings["template_tools"], settings["begins"]) == ("", "", "<s>")
    assert settings["stops"] == ["</s>", "<s>"] and settings["specials"] == ["</s>", "<s>", "<unk>"]
    assert list(files) == ["tokenizer.json"]
    made = chat.template(Codec(settings, files))
    assert chat.template(Codec(dict(settings), dict(files))) is made, "by content"
    assert template_of(stories(shared)) == made


def test_a_tool_template_and_padding_of_its_own(shared: Path, tmp_path: Path) -> None:
    named = [{"name": "default", "template": CHATML}, {"name": "tool_use", "template": TOOLS}]
    folder = written(tmp_path / "base", shared, "", chat_template=named, pad_token="<|im_start|>")
    settings, files = chat.about(bases.resolve(str(folder)))
    assert (settings["template"], settings["template_tools"], settings["pad_id"]) == (CHATML, TOOLS, 512)
    made = chat.template(Codec(settings, files))
    assert "<call>" not in made.see(LONG).text


def test_without_the_library_tokens_are_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doors, "has", lambda library: False)
    made = rules(CHAT)
    assert made.encode is None and made.see(LONG).text
    monkeypatch.setattr(doors, "open", _missing)
    for call in (chat.tokens, chat.asked, chat.length):
        with pytest.raises(MissingError):
            call(made, LONG)
    with pytest.raises(MissingError):
        chat.document(made, "text")


def _missing(library: str):
    raise MissingError("E501", f"{library} is not installed")


# ---- what is taught --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [CHAT, LLAMA], ids=["chatml", "llama-3"])
def test_each_policy_for_a_conversation_that_is_too_long(shape) -> None:
    made = rules(shape)
    (whole,) = chat.tokens(made, LONG)
    window, learnt = len(whole.ids) // 2, sum(map(bool, whole.weights))
    assert chat.tokens(made, LONG, truncation="drop", window=window) == []
    (left,) = chat.tokens(made, LONG, truncation="left", window=window)
    keep = int(bool(shape.bos))
    assert left.ids[keep:] == whole.ids[keep + left.cut :] and left.ids[:keep] == whole.ids[:keep]
    (right,) = chat.tokens(made, LONG, truncation="right", window=window)
    assert right.ids == whole.ids[:window]
    for each in (left, right):
        assert sum(map(bool, each.weights)) + each.cut_learnt == learnt
        assert len(each.ids) + each.cut == len(whole.ids)
    split = chat.tokens(made, LONG, truncation="split", window=window)
    assert len(split) > 1 and sum(sum(map(bool, each.weights)) for each in split) == learnt


def test_a_conversation_that_the_template_refuses_has_no_tokens_and_can_t_be_asked() -> None:
    turns = talk(("system", "Be kind."), ("user", "Hi"))
    assert chat.tokens(rules(SHAPES["gemma"]), turns) == []
    assert chat.length(rules(SHAPES["gemma"]), turns) == 0
    with pytest.raises(DataError) as refused:
        chat.asked(rules(SHAPES["gemma"]), turns)
    assert refused.value.code == "T420" and "no system role" in refused.value.found and refused.value.fixes


def test_a_base_without_a_template_adds_nothing_but_its_own_tokens(shared: Path) -> None:
    made = template_of(stories(shared))
    turns = talk(("user", "Once"), ("assistant", "upon"), ("user", "a"), ("assistant", "time"))
    assert made.see(turns).text == "<s>Once\nupon</s>a\ntime</s>"
    (row,) = chat.tokens(made, turns)
    learnt = [token for token, weight in zip(row.ids, row.weights, strict=True) if weight]
    assert learnt.count(2) == 2 and row.ids[0] == 1 and row.ids.count(1) == 1
    for upto in (1, 3):
        ids = chat.asked(made, turns[:upto])
        assert list(row.ids[: len(ids)]) == ids
    bare = Template("", encode=made.encode)
    assert bare.see(turns).text == "Once\nupon\na\ntime", "no eos: a line ends an answer"


# ---- what is asked ---------------------------------------------------------------------------------------------------


def test_a_short_conversation_is_asked_whole() -> None:
    ids = chat.asked(rules(CHAT), LONG[:2], window=400, room=100)
    assert told(CHAT, ids)[-2:] == ["<|im_start|>", "assistant\n"]
    assert len(ids) == chat.length(rules(CHAT), LONG[:2])


@pytest.mark.parametrize("shape", [CHAT, LLAMA], ids=["chatml", "llama-3"])
def test_the_oldest_turns_leave_first_and_the_system_stays(shape) -> None:
    made = rules(shape)
    turns = LONG[:-1]
    ids = chat.asked(made, turns, window=260, room=60)
    text = "".join(told(shape, ids))
    assert len(ids) <= 200 and "Be kind." in text and "user number 5, and so on" in text
    assert "user number 0" not in text
    assert ids == list(made.asked([turns[0], *turns[-3:]]).ids), "whole turns, and a question first"


def test_a_long_talk_is_shortened_in_few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = talk(*((role, "word " * 9) for _ in range(300) for role in ("user", "assistant")), ("user", "?"))
    made, tries = rules(CHAT), []
    real = Template.write
    monkeypatch.setattr(
        Template, "write", lambda self, *given, **named: tries.append(1) or real(self, *given, **named)
    )
    ids = chat.asked(made, turns, window=1000, room=100)
    assert len(tries) < 15 and 700 < len(ids) <= 900
    best = next(n for n in range(1, 601, 2) if chat.length(made, turns[-n - 2 :]) > 900)
    assert ids == list(made.asked(turns[-best:]).ids), "no more turns would fit"


def test_of_one_long_question_the_start_leaves_but_no_token_of_the_frame() -> None:
    turns = talk(("system", "Be kind."), ("user", "".join(f"{n} " for n in range(200)) + "end?"))
    ids = chat.asked(rules(CHAT), turns, window=200, room=50)
    assert len(ids) == 150
    pieces = told(CHAT, ids)
    assert pieces[:4] == ["<|im_start|>", "system\nBe kind.", "<|im_end|>", "\n"]
    assert pieces[4:6][0] == "<|im_start|>" and pieces[5].startswith("user\n") and pieces[5].endswith(" end?")
    assert pieces[-3:] == ["\n", "<|im_start|>", "assistant\n"]


def test_a_system_text_that_leaves_no_space_is_left_out() -> None:
    turns = talk(("system", "rules " * 100), ("user", "Hi?"))
    pieces = told(CHAT, chat.asked(rules(CHAT), turns, window=120, room=40))
    assert pieces == ["<|im_start|>", "user\nHi?", "<|im_end|>", "\n", "<|im_start|>", "assistant\n"]


def test_an_answer_gets_at_most_half_of_the_window() -> None:
    turns = talk(("user", "x" * 500))
    assert len(chat.asked(rules(CHAT), turns, window=100, room=100)) == 50
    assert len(chat.asked_plainly(rules(CHAT), "x" * 500, window=100, room=9999)) == 50
    assert len(chat.asked_plainly(rules(CHAT), "x" * 500, window=100, room=10)) == 90
    assert len(chat.asked_plainly(rules(CHAT), "x" * 500)) == 500


@settings(max_examples=60)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=5), st.integers(2, 120), st.integers(0, 60))
def test_what_is_asked_always_leaves_the_room(said: list[str], window: int, room: int) -> None:
    turns = [{"role": ("user", "assistant")[n % 2], "content": each} for n, each in enumerate(said)]
    ids = chat.asked(rules(LLAMA), turns, window=window, room=room)
    assert 0 < len(ids) <= max(window - room, window - window // 2)


# ---- texts without a frame ------------------------------------------------------------


def test_a_pair_is_cut_into_tokens_apart() -> None:
    made = rules(LLAMA)
    (row,) = chat.plain_pair(made, "2 + 2 =", " 4")
    assert told(LLAMA, row.ids) == ["<|begin_of_text|>", "2 + 2 = 4", "<|eot_id|>"]
    learnt = [token for token, weight in zip(row.ids, row.weights, strict=True) if weight]
    assert told(LLAMA, learnt) == [" 4", "<|eot_id|>"]
    asked = chat.asked_plainly(made, "2 + 2 =")
    assert list(row.ids[: len(asked)]) == asked
    (open_end,) = chat.plain_pair(made, "2 + 2 =", None)
    assert list(open_end.ids) == asked and not any(open_end.weights)


@settings(max_examples=50)
@given(st.text(max_size=20), st.text(max_size=20))
def test_the_prompt_of_a_pair_is_what_is_asked(prompt: str, completion: str) -> None:
    made = rules(CHAT)
    (row,) = chat.plain_pair(made, prompt, completion)
    asked = chat.asked_plainly(made, prompt)
    assert list(row.ids[: len(asked)]) == asked
    assert list(row.weights[1:]) == ([0.0] * len(asked) + [1.0] * 999)[1 : len(row.weights)]


def test_real_tokens_of_a_prompt_are_the_same_when_taught_and_asked(shared: Path) -> None:
    made = template_of(stories(shared))
    (row,) = chat.plain_pair(made, "Once upon a ti", "me there was")
    asked = chat.asked_plainly(made, "Once upon a ti")
    assert list(row.ids[: len(asked)]) == asked and row.ids[-1] == 2
    (cut,) = chat.plain_pair(made, "Once upon a time " * 20, "there was", window=16)
    assert cut.ids[0] == 1 and cut.ids[-1] == 2 and len(cut.ids) == 16 and cut.cut > 0 == cut.cut_learnt


def test_a_document_is_learnt_once() -> None:
    made = rules(LLAMA)
    text = "".join(chr(97 + n % 26) for n in range(100))
    (whole,) = chat.document(made, text)
    assert sum(whole.weights) == 100 and whole.weights[0] == 0
    for window, stride in ((17, 0), (17, 8), (40, 3), (99, 0)):
        made_windows = chat.document(made, text, window=window, stride=stride)
        learnt = [
            token
            for each in made_windows
            for token, weight in zip(each.ids, each.weights, strict=True)
            if weight
        ]
        assert learnt == list(whole.ids[1:])
        assert all(each.ids[0] == whole.ids[0] and len(each.ids) <= window for each in made_windows)


def test_without_a_first_token_only_the_very_first_is_not_learnt() -> None:
    made = rules(CHAT)
    windows = chat.document(made, "abcdefghij", window=4)
    learnt = [t for each in windows for t, w in zip(each.ids, each.weights, strict=True) if w]
    assert told(CHAT, learnt) == ["bcdefghij"]
    assert chat.document(made, "") == []
    assert chat.tokens(chat.template(codec(CHAT)), []) == [chat.Tokens((), ())]
