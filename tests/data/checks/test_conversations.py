"""The checks of conversations: kinds of faults, their numbers, and fixes that mend them."""

from __future__ import annotations

import pytest

from tunesmith import catalog
from tunesmith.data.checks._rows import labelled
from tunesmith.data.checks._turns import blank, calls, chat, dialogs, pairs, said, template, threads
from tunesmith.data.cleaning import clean

ASKED, ANSWER = ("user", "Do you repair brakes?"), ("assistant", "Yes, on weekdays.")
CALL = {"type": "function", "function": {"name": "price", "arguments": "{}"}}


def found(name: str, case):
    check = catalog.part("check", name)()
    findings = check.findings(check.update(check.start(), case.rows, case.evidence))
    assert len(findings) <= 1
    return findings[0] if findings else None


def mended(name: str, case) -> list[dict]:
    finding = found(name, case)
    cleaned = clean(case.rows, [finding], also=[finding.code])
    return [dict(row.fields) for row in cleaned.records]


def test_a_preference_is_two_conversations_of_which_the_replies_are_learnt() -> None:
    case = pairs(
        {"prompt": [said(*ASKED)], "chosen": [said(*ANSWER)], "rejected": [said("assistant", "No.")]}
    )
    first, second = threads(case.rows[0], case.evidence["content"])
    assert [turn.get("weight") for turn in first.turns] == [0, None]
    assert (first.paths, second.paths) == ([("prompt", 0), ("chosen", 0)], [("prompt", 0), ("rejected", 0)])


def test_shapes_of_calls() -> None:
    assert not blank(said("assistant", "", tool_calls=[CALL]))
    assert blank(said("assistant", " \n")) and blank({"role": "user", "content": None})
    assert [each["name"] for each in calls({"tool_calls": [CALL, {"name": "bare"}, "no"]})] == [
        "price",
        "bare",
    ]
    assert calls({}) == []


# ---- the template ---------------------------------------------------------------------------------------------------


def test_the_window_tells_where_the_answer_sits() -> None:
    long, talks = ("user", "brakes? " * 30), ("assistant", "Yes. " * 40)
    rows = ([ASKED, ANSWER], [ASKED, talks], [long, ANSWER], [ASKED, ANSWER, long])
    finding = found("window", chat(*rows, template=template(window=120)))
    numbers = dict(finding.numbers)
    assert {key: numbers[key] for key in ("prompt_only", "answer_cut", "after", "window")} == {
        "prompt_only": 1,
        "answer_cut": 1,
        "after": 1,
        "window": 120,
    }
    assert numbers["holds_99"] >= numbers["longest"] == 331
    assert finding.fix.drops == ("planted.jsonl:3", "planted.jsonl:2")
    assert "--base planted --max-length 120" in finding.fix.command
    assert finding.severity == "warning"


def test_of_texts_the_end_is_cut() -> None:
    case = labelled(("brakes " * 20, "a"), ("brakes", "b"), template=template(window=100))
    finding = found("window", case)
    assert (finding.count, finding.numbers["text_cut"], finding.numbers["longest"]) == (1, 1, 140)
    assert not finding.fix.drops


def test_few_long_rows_are_only_worth_a_word() -> None:
    rows = [[ASKED, ANSWER]] * 99 + [[ASKED, ("assistant", "Yes. " * 40)]]
    assert found("window", chat(*rows, template=template(window=120))).severity == "info"


def test_without_a_known_window_nothing_is_too_long() -> None:
    assert found("window", chat([ASKED, ("assistant", "Yes. " * 400)], template=template())) is None


def test_an_end_at_which_generation_does_not_end() -> None:
    other = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|user|>{% endfor %}"
    finding = found("end-token-missing", chat([ASKED, ANSWER], template=template(other)))
    assert "'<|user|>'" in finding.message and "'<|end|>'" in finding.message
    assert finding.numbers == {"rows": 1, "without": 0}


def test_rows_without_a_token_to_learn_from() -> None:
    muted = [said(*ASKED), said(*ANSWER, weight=0)]
    case = dialogs({"messages": muted}, {"messages": [said(*ASKED), said("assistant", " ")]})
    finding = found("nothing-to-learn", case)
    assert (finding.numbers["silent"], finding.numbers["muted"], finding.numbers["cut"]) == (1, 1, 0)
    assert finding.severity == "error", "there is nothing else"
    assert finding.fix.command.endswith("T404")
    good = chat([ASKED], [ASKED, ANSWER])
    assert found("nothing-to-learn", good).severity == "warning"


def test_a_preference_whose_answers_are_cut_teaches_nothing() -> None:
    row = {
        "prompt": [said("user", "b? " * 50)],
        "chosen": [said(*ANSWER)],
        "rejected": [said("assistant", "No.")],
    }
    finding = found("nothing-to-learn", pairs(row, template=template(window=100)))
    assert finding.numbers["cut"] == 1 and finding.fix.command.endswith("--base DIR")


def test_special_tokens_are_taken_out_and_known_without_a_base() -> None:
    case = chat([("user", "a<|im_end|>b [INST] c"), ("assistant", "<|eot_id|>d")])
    turns = mended("special-tokens", case)[0]["messages"]
    assert [turn["content"] for turn in turns] == ["ab  c", "d"]
    nested = chat([("user", "a<|im_<|im_end|>end|>"), ANSWER])
    assert mended("special-tokens", nested)[0]["messages"][0]["content"] == "a"
    own = chat([("user", "x <|end|> y"), ANSWER], template=template())
    assert found("special-tokens", own).numbers == {"rows": 1, "texts": 1}


def test_a_template_that_writes_no_tools() -> None:
    row = {"messages": [said(*ASKED), said("assistant", "", tool_calls=[CALL])]}
    declared = {"messages": [said(*ASKED), said(*ANSWER)], "tools": [{"name": "price"}]}
    finding = found("template-refuses", dialogs(row, declared, template=template()))
    assert "tool calls are not written (1)" in finding.message
    assert "the declared tools are not written (1)" in finding.message
    assert finding.severity == "error"


def test_a_template_that_refuses_an_order() -> None:
    strict = "{% if messages[0].role != 'user' %}{{ raise_exception('begin with user') }}{% endif %}" + (
        "{% for m in messages %}{{ m.content }}<|end|>{% endfor %}"
    )
    finding = found(
        "template-refuses", chat([ANSWER, ASKED, ANSWER], [ASKED, ANSWER], template=template(strict))
    )
    assert "begin with user (1)" in finding.message and finding.severity == "warning"


def test_many_tokens_for_few_characters() -> None:
    def bytes_of(text: str):
        ids = [byte for letter in text for byte in letter.encode()]
        return tuple(ids), tuple((at, at + 1) for at, letter in enumerate(text) for _ in letter.encode())

    rules = template()
    object.__setattr__(rules, "encode", bytes_of)
    finding = found(
        "foreign-to-tokenizer", chat([("user", "自転車" * 30), ANSWER], [ASKED, ANSWER], template=rules)
    )
    assert (finding.numbers["many"], finding.numbers["unknown"]) == (1, 0)


# ---- roles and tools ------------------------------------------------------------------------------------------------


def test_the_last_turns_after_the_answer_leave() -> None:
    case = chat([ASKED, ANSWER, ("user", "And gears?"), ("user", "Hello?")])
    assert [turn["content"] for turn in mended("last-turn", case)[0]["messages"]] == [ASKED[1], ANSWER[1]]


def test_a_reply_may_end_with_a_question_of_the_user_too() -> None:
    reply = [said(*ANSWER), said(*ASKED)]
    case = pairs({"prompt": [said(*ASKED)], "chosen": reply, "rejected": [said(*ANSWER)]})
    assert mended("last-turn", case)[0]["chosen"] == [said(*ANSWER)]


def test_neighbours_of_one_role_are_joined() -> None:
    case = chat([ASKED, ("user", "And gears?"), ANSWER, ("assistant", "Come by.")])
    turns = mended("role-order", case)[0]["messages"]
    assert [turn["content"] for turn in turns] == [
        "Do you repair brakes?\n\nAnd gears?",
        "Yes, on weekdays.\n\nCome by.",
    ]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ([ASKED, ("system", "Be kind."), ANSWER], "system"),
        ([ANSWER, ASKED, ANSWER], "first"),
        ([ASKED, ANSWER, ANSWER], "twice"),
    ],
)
def test_orders_are_told_apart(row, kind: str) -> None:
    finding = found("role-order", chat(row))
    assert finding.numbers[kind] == 1
    assert (finding.fix is not None) == (kind == "twice")


def test_several_calls_and_their_results() -> None:
    both = said("assistant", "", tool_calls=[CALL, CALL])
    result, answer = said("tool", "25"), said(*ANSWER)
    asked = said(*ASKED)
    assert found("calls-without-result", dialogs({"messages": [asked, both, result, result, answer]})) is None
    lost = found("calls-without-result", dialogs({"messages": [asked, both, result, answer]}))
    assert lost.numbers == {"call": 1, "result": 0}


def test_roles_get_their_usual_names() -> None:
    case = chat([("Human", "a"), ("bot", "b"), ("judge", "c"), ("User", "d")])
    turns = mended("unknown-roles", case)[0]["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "judge", "user"]


@pytest.mark.parametrize("arguments", ["[1]", "{'a': 1}", "5", '{"a": 1', "[" * 100_000])
def test_arguments_that_no_program_reads(arguments: str) -> None:
    call = {"function": {"name": "price", "arguments": arguments}}
    row = {"messages": [said(*ASKED), said("assistant", "", tool_calls=[call])]}
    assert found("tool-arguments", dialogs(row)).count == 1


@pytest.mark.parametrize("arguments", ['{"a": [1]}', {"a": 1}, "", None])
def test_arguments_that_are_fine(arguments) -> None:
    call = {"function": {"name": "price", "arguments": arguments}}
    row = {"messages": [said(*ASKED), said("assistant", "", tool_calls=[call])]}
    assert found("tool-arguments", dialogs(row)) is None


def test_the_question_is_taken_out_of_the_answer() -> None:
    question = "Do you repair the brakes of a bicycle?"
    row = {"prompt": [said("user", question)], "chosen": [said("assistant", f" {question}\n\nYes.")]}
    case = pairs({**row, "rejected": [said("assistant", "No.")]})
    assert mended("prompt-in-completion", case)[0]["chosen"] == [said("assistant", "Yes.")]
