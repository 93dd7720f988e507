"""The questions that prove a model that answers in words, whatever its task asks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talking import Parrot, make_speaker
from tunesmith.fields import Record
from tunesmith.http.server import Server
from tunesmith.outcomes import Answer
from tunesmith.serve import asking
from tunesmith.store import files
from tunesmith.tasks.completion import Completion
from tunesmith.tasks.language_model import LanguageModel


def test_a_conversation_is_asked_without_its_answer(tmp_path):
    model, _ = make_speaker(tmp_path)
    first, *_ = asking.questions(model)
    assert [turn["role"] for turn in first.prompt] == ["user"]
    assert first.wish.max_tokens == 8
    answers = [
        asking.spoken(list(asking.speaker(model).stream(q.prompt, q.wish))) for q in asking.questions(model)
    ]
    assert asking.compared(model, asking.questions(model), answers) == []
    answers[0]["text"] += "!"
    assert "text" in asking.compared(model, asking.questions(model), answers)[0]
    assert asking.compared(model, [], []) == ["the bundle has no golden rows"]


@pytest.mark.parametrize("task", [Completion(), LanguageModel()])
def test_texts_are_proven_over_http_too(tmp_path, task):
    model, _ = make_speaker(tmp_path)
    model = replace(model, task=task)
    records = [Record(dict(row.fields)) for row in task.samples()[:3]]
    said = [_answer(task, record) for record in records]
    rows = [{"fields": dict(r.fields), **a.to_json()} for r, a in zip(records, said, strict=True)]
    files.write_json(tmp_path / "golden.json", {"rows": rows})
    assert all(isinstance(question.prompt, str) and question.prompt for question in asking.questions(model))
    with Server(model, port=0) as server:
        assert server.prove() == []


def _answer(task, record):
    """As a bundle has it: no words where a row asks nothing."""
    prompt = task.prompt(record)
    if prompt is None:
        return Answer("", stopped=False)
    question = asking.Question(prompt, asking.Wish(max_tokens=8), {})
    return Answer(**asking.spoken(list(Parrot().stream(question.prompt, question.wish))))
