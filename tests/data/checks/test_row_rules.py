"""Rules that judge each row by itself: damage, placeholders, refusals, answers."""

from __future__ import annotations

import json
import time

import pytest

from tunesmith import catalog
from tunesmith.data.checks._rows import labelled, planted
from tunesmith.data.checks._texts import answered
from tunesmith.data.cleaning import clean
from tunesmith.data.contents.chat import Chat
from tunesmith.data.contents.spans import Spans
from tunesmith.data.contents.tags import Tags

FINE = "Please cancel the order that I placed on Monday."


def found(name, case):
    check = catalog.part("check", name)()
    return check.findings(check.update(check.start(), case.rows, case.evidence))


def count(name, *texts):
    case = labelled(*((text, "order") for text in (*texts, FINE)))
    return sum(finding.count for finding in found(name, case))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("invisible-characters", "can\u200bcel it"),
        ("mojibake", "un cafÃ© froid"),
        ("replacement-characters", "un caf\ufffd"),
        ("control-characters", "NUL\x00 in it"),
        ("html-leftovers", "fish &amp; chips"),
        ("decomposed-unicode", "cafe\u0301"),
        ("escaped-characters", r"line\n\nline"),
        ("placeholders", "Dear [Your Name], hello"),
        ("placeholders", "Call {{Phone Number}} now"),
        ("placeholders", "lorem ipsum dolor"),
        ("placeholders", "TODO: write this"),
        ("repetition", "I am here " * 20),
    ],
)
def test_each_fault_is_found_in_labels_texts_and_in_turns(name, text):
    assert count(name, text) == 1
    assert [finding.count for finding in found(name, answered((FINE, "Done."), (FINE, text)))] == [1]


@pytest.mark.parametrize(
    "text",
    [
        "the confidence interval [CI] and [NBI] and [95%]",
        "see [my name](https://example.org) and a[TIME_STEP] of [A]",
        "voy a hacer TODO hoy",
        "{one brace} {{",
        "x < y > z <b>",
    ],
)
def test_what_is_no_placeholder(text):
    assert count("placeholders", text) == 0


@pytest.mark.parametrize(
    "text", ["no no no", "1 2 3 4 " * 20, "- " * 60, "=" * 80, "BCDFGHJKLMNPQ", FINE * 3]
)
def test_what_is_no_repetition(text):
    assert count("repetition", text) == 0


def test_repairs_name_the_turn_and_mend_it():
    talk = {
        "messages": [
            {"role": "user", "content": "fi\u00adne"},
            {"role": "assistant", "content": "ca\u200brd"},
        ]
    }
    case = planted(Chat(), talk)
    (finding,) = found("invisible-characters", case)
    assert [edit[1:] for edit in finding.fix.edits] == [
        ("messages/0/content", "fine"),
        ("messages/1/content", "card"),
    ]
    mended = clean(case.rows, [finding]).records[0].fields["messages"]
    assert [turn["content"] for turn in mended] == ["fine", "card"]


def test_texts_with_spans_are_not_edited_since_offsets_would_move():
    spans = planted(
        Spans(), {"text": "ca\u200brd of Ada", "spans": [{"start": 9, "end": 12, "label": "name"}]}
    )
    (finding,) = found("invisible-characters", spans)
    assert finding.count == 1
    assert finding.fix is None


def test_tokens_are_mended_one_by_one():
    tags = planted(Tags(), {"tokens": ["Ada", "ca\u00adrd"], "tags": ["B-name", "O"]})
    (finding,) = found("invisible-characters", tags)
    assert [edit[1:] for edit in finding.fix.edits] == [("tokens/1", "card")]


@pytest.mark.parametrize(
    "answer",
    [
        "I’m sorry, but I can’t help with that.",
        "As an AI language model, I have no feelings.",
        "Es tut mir leid, aber ich kann das nicht beantworten.",
        "Lo siento, pero no puedo ayudarte.",
        "作为一个AI语言模型，我不能。",
        "Извините, но я не могу помочь.",
    ],
)
def test_refusals_in_several_languages(answer):
    rows = [(f"question {i}", "Yes, we do that.") for i in range(9)]
    (finding,) = found("refusals", answered(*rows, ("A poem?", answer)))
    assert (finding.count, finding.severity) == (1, "warning")
    assert answer not in json.dumps(finding.to_json(), ensure_ascii=False)


def test_many_refusals_look_meant():
    rows = [("How do I steal?", "I can't help with that."), ("Where is it?", "It is at the station.")]
    (finding,) = found("refusals", answered(*rows))
    assert finding.severity == "info"


@pytest.mark.parametrize("answer", ["7", "Yes", "A", "[]", "`-`", "#### 72", "\U0001f642", "0.5", "no"])
def test_short_answers_are_answers(answer):
    assert found("thin-answers", answered(("How many?", answer))) == []


@pytest.mark.parametrize("answer", ["...", "N/A", " none.", "—", "null", "无"])
def test_answers_that_say_nothing(answer):
    assert [finding.count for finding in found("thin-answers", answered(("How many?", answer)))] == [1]


@pytest.mark.parametrize("name", ["thin-answers", "refusals", "copied-prompts", "cut-answers"])
def test_labels_are_no_answers(name):
    assert found(name, labelled(*[("N/A as an ai language model", "N/A")] * 30)) == []


def test_the_last_question_is_what_an_answer_may_not_repeat():
    said = ["Do you repair brakes?", "Which ones do you mean?", "Those of my bicycle.", "those of my bicycle"]
    roles = ("user", "assistant", "user", "assistant")
    talk = {"messages": [{"role": r, "content": c} for r, c in zip(roles, said, strict=True)]}
    assert [finding.count for finding in found("copied-prompts", planted(Chat(), talk))] == [1]


@pytest.mark.parametrize(
    ("value", "faulty"),
    [
        ('["a", "b"]', True),
        ("['a', 'b']", True),
        ('{"text": "x"}', True),
        ("[a] note", False),
        ("[1] see below [2]", False),
        ("[" * 5000 + "]" * 5000, False),
        ("{}", False),
    ],
)
def test_lists_written_as_one_string(value, faulty):
    assert bool(found("stringified-values", labelled((value, "x"), (FINE, "y")))) is faulty


def test_a_conversation_without_a_user_is_not_empty():
    spoken = {"messages": [{"role": "assistant", "content": "Once upon a time."}]}
    empty = {"messages": [{"role": "user", "content": " "}, {"role": "assistant", "content": ""}]}
    assert found("empty-text", planted(Chat(), spoken)) == []
    assert [finding.count for finding in found("empty-text", planted(Chat(), empty))] == [1]


def test_a_number_alone_says_enough_in_a_conversation_and_where_it_is_marked():
    spans = planted(Spans(), {"text": "6", "spans": [{"start": 0, "end": 1, "label": "people"}]})
    assert found("tiny-text", spans) == []
    assert found("tiny-text", answered(("6 * 7", "42"))) == []
    assert count("tiny-text", "6", "ok", "six") == 2


@pytest.mark.parametrize(
    "part",
    [
        *(
            "<p a",
            "<br",
            "&lt",
            "&#1",
            "[NAME ",
            "[your ",
            "{{a",
            "\\u00",
            "\\",
            "\x1b[1;",
            "\u200b\u200d",
            "Ã",
            "ð\u0178",
        ),
        *(
            "a\u0301",
            "[1,",
            '{"a":',
            "lorem ",
            "TODO",
            "sdfghjklm",
            "http://",
            "<insert ",
            "\u0430 ",
            "[A B C ",
        ),
    ],
)
def test_a_long_text_of_beginnings_takes_no_long_time(part):
    case = labelled((part * (400_000 // len(part)), "order"))
    start = time.process_time()
    for name in catalog.names("check"):
        check = catalog.part("check", name)
        if check.code.startswith(("F02", "Q5")) and not check.needs:
            found(name, case)
    assert time.process_time() - start < 8
