"""Calls of tools: told as such where they are sound, held back while they may become one, never lost as text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as some

from tunesmith.parts import Piece
from tunesmith.serve import calls, said

NAMES = frozenset({"find", "book"})


def call(name="find", key="arguments", **arguments):
    return json.dumps({"name": name, key: arguments})


def test_both_forms_are_read():
    tagged = f"Let me see.\n<tool_call>{call(a=1)}</tool_call>\n<tool_call>\n{call('book')}</tool_call>"
    assert calls.found(tagged, NAMES) == ("Let me see.", [("find", '{"a": 1}'), ("book", "{}")])
    assert calls.found(call(key="parameters", a="ä"), NAMES) == ("", [("find", '{"a": "ä"}')])
    assert calls.found(f"<tool_call>{call()}", NAMES) == (
        "",
        [("find", "{}")],
    )  # its end was the end of the answer
    written = json.dumps({"name": "find", "arguments": '{"a": 1}'})
    assert calls.found(written, NAMES) == ("", [("find", '{"a": 1}')])


def test_what_is_not_sound_stays_text():
    for text in (
        "",
        "no call",
        call("unknown"),
        '{"name": ["find"], "arguments": {}}',
        '{"name": "find", "arguments": []}',
        "[1]",
        "<tool_call>",
        f"<tool_call>{call()}</tool_call><tool_call>torn</tool_call>",
        "{" * 5000,
    ):
        assert calls.found(text, NAMES) == (text, [])


PARTS = some.lists(
    some.sampled_from(
        ["a", " ", "<", "<tool", "_call>", "</tool_call>", "{", "}", call(), call("odd"), "ä\n"]
    )
    | some.text(max_size=4),
    min_size=1,
    max_size=8,
)


@given(parts=PARTS, names=some.sampled_from([NAMES, frozenset()]))
def test_a_stream_tells_what_the_whole_answer_tells(parts, names):
    told, heard, called = said.Told(lambda piece: piece.text, names), "", []
    for number, text in enumerate(parts):
        piece = Piece(text, number, -1.0, (), "stop" if number == len(parts) - 1 else "")
        for event in said.ChatForm.events(0, told, piece, told.add(piece), False):
            heard += event["delta"].get("content", "")
            called += event["delta"].get("tool_calls", [])
            ended = event["finish_reason"]
    whole = said.ChatForm.choice(0, told, False)
    assert heard.strip() == (whole["message"]["content"] or "").strip()
    assert [{k: v for k, v in each.items() if k != "index"} for each in called] == whole["message"].get(
        "tool_calls", []
    )
    assert ended == whole["finish_reason"]
