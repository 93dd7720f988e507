"""`chat`, `predict` and `serve` with models that answer in words, as somebody at a prompt would use them."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import time

import pytest

from adapters import make_base, register
from commandline import environment
from serving import make_model
from tunesmith import lifecycle
from tunesmith.cli.chat import Columns
from tunesmith.errors import UsageError
from tunesmith.lifecycle import serving, talking
from tunesmith.parts import Wish
from tunesmith.serve import asking

pytestmark = pytest.mark.neural


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(home, names of two registered adapters)"""
    home = tmp_path_factory.mktemp("home")
    base = make_base(tmp_path_factory.mktemp("base"))
    return home, [register(home, base, seed) for seed in (1, 2)]


@pytest.fixture
def heard(monkeypatch, run):
    """Run a command in this process, with lines on its standard input."""

    def call(*arguments, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        return run(*arguments)

    return call


def test_each_line_of_standard_input_is_a_question(made, heard):
    home, names = made
    lines = "Hello?\n\nWhere?\nHello?\n"
    given = ("--home", str(home), "--vs", "base", "--json", "--max-tokens", "5")
    done = heard("chat", names[0], *given, stdin=lines)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["question"] for row in rows] == ["Hello?", "Where?", "Hello?"]
    assert [each["model"] for each in rows[0]["answers"]] == [names[0], "base"]
    assert rows[0]["answers"] == rows[2]["answers"]  # nothing is remembered from one line to the next
    tuned, base = rows[0]["answers"]
    assert tuned["text"] != base["text"]
    assert set(tuned) == {"model", "text", "tokens", "stopped", "logprob", "sources"}
    model = lifecycle.open_model(names[0], home)
    prompt = [{"role": "user", "content": "Hello?"}]
    alone = asking.spoken(list(asking.speaker(model).stream(prompt, Wish(max_tokens=5))))
    assert {key: tuned[key] for key in alone} == alone


def test_a_talk_at_a_terminal(made):
    home, names = made
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tunesmith", "chat", names[0], "--home", str(home), "--max-tokens", "5"]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(TERM="dumb")
    )
    os.close(theirs)
    heard = b""

    def until(text):
        nonlocal heard
        end = time.monotonic() + 90
        while text not in heard:
            assert time.monotonic() < end, heard
            heard += os.read(ours, 4096)
        heard = heard.partition(text)[2]

    until(b"> ")
    os.write(ours, b"Hello?\n")
    until(b"> ")
    os.write(ours, b"/new\n")
    until(b"> ")
    os.write(ours, b"\x04")
    assert process.wait(30) == 0
    os.close(ours)


def test_what_does_not_talk_is_refused(made, heard, monkeypatch, tmp_path):
    home, names = made
    done = heard("chat", "nobody", "--home", str(home), "--json")
    assert done.error["code"] == "N501"
    base = register(home, lifecycle.open_model(names[0], home).recipe.base, 3, approach="prompt")
    done = heard("chat", base, "--vs", "base", "--home", str(home), "--json", stdin="a\n")
    assert (done.code, done.error["code"]) == (2, "C138")
    label, _ = make_model(tmp_path)
    monkeypatch.setattr(lifecycle, "open_model", lambda ref, home: label)
    with pytest.raises(UsageError) as refused:
        talking.talks("tickets")
    assert refused.value.code == "C137"


def test_a_talk_remembers_what_was_said_until_it_is_told_to_forget(made):
    home, names = made
    (talk,) = talking.talks(names[0], system="Be brief.", home=home)
    first = list(talk.ask("Hello?", Wish(max_tokens=4)))
    second = list(talk.ask("Hello?", Wish(max_tokens=4)))
    assert [turn["role"] for turn in talk.turns] == ["user", "assistant"] * 2
    assert talk.turns[1]["content"] == "".join(piece.text for piece in first)
    talk.forget()
    assert list(talk.ask("Hello?", Wish(max_tokens=4))) == first != second


def test_predict_answers_lines_and_rows(made, heard, tmp_path):
    home, names = made
    lines = ["Hello?", json.dumps({"messages": [{"role": "user", "content": "Hello?"}]}), '{"text": "x"}']
    done = heard("predict", names[0], "-", "--home", str(home), "--json", stdin="\n".join(lines))
    first, second, broken = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 3
    assert first["text"] == second["text"]
    assert "messages" in broken["error"]
    file = tmp_path / "asked.jsonl"
    file.write_text("".join(json.dumps({"messages": [{"role": "user", "content": t}]}) + "\n" for t in "ab"))
    done = heard("predict", names[0], str(file), "--home", str(home))
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 2


def test_every_face_repeats_the_golden_rows(made):
    home, names = made
    model = lifecycle.open_model(names[0], home)
    assert all(row["text"] for row in model.golden())
    process, address = serving.start(names[0], home, 0)
    try:
        assert serving.prove(model, model.folder, address) == []
    finally:
        serving.stop(process)


def test_columns_show_rows_as_soon_as_they_are_complete(capsys):
    show = Columns(["one", "two"], room=43)
    show.add(0, "a long line that needs more than one row of it", "")
    assert (
        "a long line" not in capsys.readouterr().out
    )  # the other column may still have its first row to write
    show.add(1, "short", "stop")
    shown = capsys.readouterr().out
    assert "a long line that" in shown and "short" in shown
    assert "row of it" not in shown
    show.add(0, "\nlast", "length")
    show.finish()
    rows = capsys.readouterr().out.splitlines()
    assert any(row.startswith("last …") for row in rows)
    assert all(len(row) <= 43 for row in rows)
