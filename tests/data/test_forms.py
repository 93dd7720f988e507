"""Forms, case by case: what rows of real files say, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith import catalog

USER, BOT = {"role": "user", "content": "Open?"}, {"role": "assistant", "content": "Yes."}
PREFERENCE = {"prompt": [USER], "chosen": [BOT], "rejected": [{"role": "assistant", "content": "No."}]}
SYSTEM = {"role": "system", "content": "Be kind."}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"type": "function", "function": {"name": "clock", "arguments": '{"at": "noon"}'}}],
}


def messages(*turns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": list(turns), **more}


CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("messages", {"messages": [USER, {**BOT, "loss": False}]}, messages(USER, {**BOT, "weight": 0})),
    ("messages", {"messages": [USER, {**BOT, "name": None}], "tools": "[]"}, messages(USER, BOT)),
    ("messages", {"messages": "[{'role': 'user', 'content': 'Open?'}]"}, messages(USER)),
    (
        "messages",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}]},
        messages({"role": "user", "content": "a\n"}),
    ),
    (
        "sharegpt",
        {
            "conversations": [
                {"from": "human", "value": "Open?"},
                {"from": "function_call", "value": '{"name": "clock", "arguments": {"at": "noon"}}'},
                {"from": "observation", "value": "12"},
                {"from": "gpt", "value": "Yes."},
            ],
            "system": "Be kind.",
            "tools": '[{"name": "clock"}]',
        },
        messages(SYSTEM, USER, CALL, {"role": "tool", "content": "12"}, BOT, tools=[{"name": "clock"}]),
    ),
    ("sharegpt", {"conversations": [{"human": "Open?", "assistant": "Yes."}]}, messages(USER, BOT)),
    (
        "prompt-completion",
        {"prompt": "Open?", "completion": "Yes.", "system": "Be kind."},
        messages(SYSTEM, USER, BOT),
    ),
    ("prompt-completion", {"prompt": [SYSTEM, USER], "completion": BOT}, messages(SYSTEM, USER, BOT)),
    # an answer that is JSON stays a text
    (
        "prompt-completion",
        {"prompt": "Open?", "completion": '[{"a": 1}]'},
        messages(USER, {"role": "assistant", "content": '[{"a": 1}]'}),
    ),
    (
        "alpaca",
        {"instruction": "Add.", "input": "1 and 2", "output": "3", "history": [["Hi", "Hello"]]},
        messages(
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "Add.\n1 and 2"},
            {"role": "assistant", "content": "3"},
        ),
    ),
    ("preference", {"prompt": "Open?", "chosen": "Yes.", "rejected": "No."}, PREFERENCE),
    (
        "preference",
        {"prompt": [USER], "chosen": [USER, BOT], "rejected": [USER, PREFERENCE["rejected"][0]]},
        PREFERENCE,
    ),
    (
        "preference-implicit",
        {"chosen": [USER, BOT], "rejected": [USER, PREFERENCE["rejected"][0]]},
        PREFERENCE,
    ),
    (
        "preference-implicit",
        {"chosen": "\n\nHuman: Open?\n\nAssistant: Yes.", "rejected": "\n\nHuman: Open?\n\nAssistant: No."},
        PREFERENCE,
    ),
    # answers that are equal are still answers
    (
        "preference-implicit",
        {"chosen": [USER, BOT], "rejected": [USER, BOT]},
        {"prompt": [USER], "chosen": [BOT], "rejected": [BOT]},
    ),
    (
        "preference-implicit",
        {"chosen": "It is warm.", "rejected": "It is cold."},
        {
            "prompt": [{"role": "user", "content": "It is"}],
            "chosen": [{"role": "assistant", "content": "warm."}],
            "rejected": [{"role": "assistant", "content": "cold."}],
        },
    ),
    (
        "preference-openai",
        {
            "input": {"messages": [USER], "parallel_tool_calls": True},
            "preferred_output": [BOT],
            "non_preferred_output": PREFERENCE["rejected"],
        },
        PREFERENCE,
    ),
    (
        "preference-sharegpt",
        {
            "conversations": [{"from": "human", "value": "Open?"}],
            "chosen": {"from": "gpt", "value": "Yes."},
            "rejected": {"from": "gpt", "value": "No."},
        },
        PREFERENCE,
    ),
    (
        "preference-alpaca",
        {"instruction": "Open?", "input": None, "chosen": "Yes.", "rejected": "No."},
        PREFERENCE,
    ),
    (
        "unpaired",
        {"prompt": "Open?", "completion": "Yes.", "label": "True"},
        {"prompt": [USER], "completion": [BOT], "label": True},
    ),
    (
        "unpaired-messages",
        {"messages": [SYSTEM, USER, BOT], "label": 0},
        {"prompt": [SYSTEM, USER], "completion": [BOT], "label": False},
    ),
    (
        "tokens-tags",
        {"tokens": "['a', 'b']", "tags": '["I-x", "O"]'},
        {"tokens": ["a", "b"], "tags": ["B-x", "O"]},
    ),
    (
        "spans",
        {"text": "abc", "spans": [[0, 1, "x"]]},
        {"text": "abc", "spans": [{"start": 0, "end": 1, "label": "x"}]},
    ),
    (
        "spans",
        {"text": "abc", "spans": [{"start_offset": 1, "end_offset": 2.0, "labels": ["x"], "id": 4}]},
        {"text": "abc", "spans": [{"start": 1, "end": 2, "label": "x"}]},
    ),
    ("spans", {"text": "abc", "spans": None}, {"text": "abc", "spans": []}),
    (
        "seq2seq",
        {"source": "long", "target": ["short", "brief"]},
        {"source": "long", "target": "short", "references": ["brief"]},
    ),
    ("seq2seq", {"source": "long", "target": []}, {"source": "long", "target": ""}),
    (
        "translation",
        {"translation": {"en": "Open?", "de": "Offen?"}},
        {"source": "Open?", "target": "Offen?"},
    ),
    ("text-multilabel", {"text": "a", "labels": "x; y;x"}, {"text": "a", "labels": ["x", "y"]}),
    ("text-multilabel", {"text": "a", "labels": "['x', 'y']"}, {"text": "a", "labels": ["x", "y"]}),
    (
        "text-multilabel",
        {"text": "a", "labels": {"x": "1", "y": 0, "z": None}},
        {"text": "a", "labels": ["x"]},
    ),
    (
        "text-pair",
        {"text_a": "a", "text_b": "b", "label": 0.5},
        {"text_a": "a", "text_b": "b", "label": "0.5"},
    ),
    (
        "label-studio",
        {
            "data": {"id": "7", "comment": "Open?"},
            "annotations": [
                {"result": [{"value": {"choices": ["no"]}}], "ground_truth": True},
                {"result": [{"value": {"choices": ["yes"]}}]},
            ],
        },
        {"text": "Open?", "label": "no"},
    ),
    (
        "label-studio-multilabel",
        {
            "data": {"text": "Open?"},
            "annotations": [
                {"result": [{"from_name": "topic", "value": {"choices": ["hours", "shop", "hours"]}}]},
                {"result": [{"from_name": "topic", "value": {"choices": ["no"]}}], "was_cancelled": True},
            ],
        },
        {"text": "Open?", "labels": ["hours", "shop"]},
    ),
    (
        "label-studio-multilabel",
        {"data": {"text": "Open?"}, "annotations": [{"result": []}]},
        {"text": "Open?", "labels": []},
    ),
    # a cell of Label Studio's CSV
    (
        "text-multilabel",
        {"text": "a", "labels": '{"choices": ["x", "y"]}'},
        {"text": "a", "labels": ["x", "y"]},
    ),
    ("prompt-only", {"prompt": "Open?"}, {"prompt": [USER]}),
    (
        "prompt-only",
        {"prompt": [SYSTEM, USER], "reference": 9, "tools": "[]"},
        {"prompt": [SYSTEM, USER], "reference": "9"},
    ),
    (
        "stepwise",
        {"prompt": "Open?", "completions": ["One.", "Two."], "labels": [True, 0]},
        {"prompt": [USER], "completions": ["One.", "Two."], "labels": [True, False]},
    ),
    (
        "stepwise",
        {"prompt": "Open?", "completions": "['One.']", "labels": "[False]"},
        {"prompt": [USER], "completions": ["One."], "labels": [False]},
    ),
    # what several people marked alike counts once
    (
        "extractive-qa",
        {
            "question": "When?",
            "context": "At nine.",
            "answers": {"text": ["nine", "nine", "At nine"], "answer_start": [3, 3, 0]},
        },
        {
            "question": "When?",
            "text": "At nine.",
            "spans": [
                {"start": 3, "end": 7, "label": "answer"},
                {"start": 0, "end": 7, "label": "answer"},
            ],
        },
    ),
    (
        "extractive-qa",
        {"question": "Who?", "context": "At nine.", "answers": {"text": [], "answer_start": []}},
        {"question": "Who?", "text": "At nine.", "spans": []},
    ),
    (
        "extractive-qa",
        {"question": "When?", "context": "At nine.", "answers": "{'text': 'nine', 'answer_start': 3}"},
        {"question": "When?", "text": "At nine.", "spans": [{"start": 3, "end": 7, "label": "answer"}]},
    ),
    # browsers count two for a sign beyond the BMP
    (
        "label-studio-spans",
        {
            "data": {"text": "😀 Ada"},
            "annotations": [{"result": [{"value": {"start": 3, "end": 6, "text": "Ada", "labels": ["x"]}}]}],
        },
        {"text": "😀 Ada", "spans": [{"start": 2, "end": 5, "label": "x"}]},
    ),
]

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("messages", {"messages": "hello"}, "is no list"),
    ("messages", {"messages": [{"content": "x"}]}, "without a role"),
    ("sharegpt", {"conversations": [{"role": "user", "content": "x"}]}, '"from"'),
    ("unpaired", {"prompt": "a", "completion": "b", "label": "maybe"}, "neither true nor false"),
    ("unpaired", {"prompt": "a", "completion": "b"}, "without a label"),
    ("tokens-tags", {"tokens": ["a", "b"], "tags": ["O"]}, "2 tokens and 1 tags"),
    ("tokens-tags", {"tokens": ["a"], "tags": [3]}, "no texts"),
    (
        "spans",
        {"text": "abc", "spans": [{"start": 0, "end": 2, "label": "x", "value": "bc"}]},
        "its own value",
    ),
    ("spans", {"text": "abc", "spans": [{"start": "0", "end": 2, "label": "x"}]}, "start and end"),
    ("spans", {"text": "abc", "spans": [[0, 1]]}, "no object"),
    ("translation", {"translation": {"en": "a"}}, "1 texts"),
    ("label-studio", {"data": {}, "annotations": [{"result": [], "was_cancelled": True}]}, "cancelled"),
    ("label-studio", {"data": {}, "annotations": [{"result": []}]}, "0 choices"),
    (
        "label-studio-multilabel",
        {"data": {}, "annotations": [{"result": [{"value": {"labels": ["x"]}}]}]},
        "no choice",
    ),
    (
        "label-studio-multilabel",
        {
            "data": {},
            "annotations": [
                {"result": [{"from_name": name, "value": {"choices": ["x"]}} for name in ("tone", "topic")]}
            ],
        },
        r"2 questions \(tone, topic\)",
    ),
    ("prompt-only", {"prompt": [USER, BOT]}, "ends with an answer"),
    ("stepwise", {"prompt": "a", "completions": ["b"], "labels": []}, "1 steps and 0 labels"),
    ("stepwise", {"prompt": "a", "completions": ["b"], "labels": ["perhaps"]}, "neither true nor false"),
    ("stepwise", {"prompt": "a", "completions": ["b"], "labels": [None]}, "neither right nor wrong"),
    ("stepwise", {"prompt": "a", "completions": [["b"]], "labels": [True]}, "no texts"),
    (
        "extractive-qa",
        {"question": "a", "context": "At nine.", "answers": {"text": ["nine"], "answer_start": [4]}},
        "does not stand at 4",
    ),
    (
        "extractive-qa",
        {"question": "a", "context": "b", "answers": {"text": ["b"], "answer_start": []}},
        "1 texts and 0 starts",
    ),
    ("extractive-qa", {"question": "a", "context": "b", "answers": "b"}, "no object"),
    ("extractive-qa", {"question": "a", "context": "b", "answers": {"first": ["b"]}}, "no object"),
    ("extractive-qa", {"question": "a", "context": "b", "answers": [{"text": "b"}]}, "without a start"),
    ("preference-openai", {"input": "x", "preferred_output": [], "non_preferred_output": []}, "no object"),
    ("alpaca", {"instruction": "a", "output": "b", "history": [["x"]]}, "pairs"),
]


@pytest.mark.parametrize(("form", "row", "wanted"), CASES)
def test_it_is_read(form: str, row: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert catalog.part("form", form)().parse(row) == wanted


@pytest.mark.parametrize(("form", "row", "said"), WRONG)
def test_it_is_refused_with_a_fix(form: str, row: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        catalog.part("form", form)().parse(row)
    assert "; " in str(caught.value)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{" * 50_000 + "}" * 50_000, "[1, 2", "[None, 1e999]", "{1, 2}", "[x]"]
)
def test_cells_that_only_look_like_lists_do_no_harm(text: str) -> None:
    form = catalog.part("form", "text-multilabel")()
    assert isinstance(form.parse({"text": "a", "labels": text + "]"})["labels"], list)
