"""`chat`, `predict` and `serve` with models that answer in words, as somebody at a prompt would use them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time

import pytest

from adapters import make_base, register
from commandline import environment, tunesmith
from tunesmith import lifecycle
from tunesmith.cli.chat import Columns
from tunesmith.lifecycle import serving

pytestmark = pytest.mark.neural


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(home, names of two registered adapters)"""
    home = tmp_path_factory.mktemp("home")
    base = make_base(tmp_path_factory.mktemp("base"))
    return home, [register(home, base, seed) for seed in (1, 2)]


def test_each_line_of_standard_input_is_a_question(made):
    home, names = made
    lines = "Hello?\n\nWhere?\nHello?\n"
    done = tunesmith("chat", names[0], "--home", str(home), "--vs", "base", "--json", "--max-tokens", "5", stdin=lines)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["question"] for row in rows] == ["Hello?", "Where?", "Hello?"]
    assert [each["model"] for each in rows[0]["answers"]] == [names[0], "base"]
    assert rows[0]["answers"] == rows[2]["answers"]  # nothing is remembered from one line to the next
    tuned, base = rows[0]["answers"]
    assert tuned["text"] != base["text"]
    assert set(tuned) == {"model", "text", "tokens", "stopped", "logprob", "sources"}
    model = lifecycle.open_model(names[0], home)
    from tunesmith.parts import Wish
    from tunesmith.serve import asking

    prompt = [{"role": "user", "content": "Hello?"}]
    alone = asking.spoken(list(asking.speaker(model).stream(prompt, Wish(max_tokens=5))))
    assert {key: tuned[key] for key in alone} == alone


def test_a_talk_at_a_terminal(made):
    home, names = made
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tunesmith", "chat", names[0], "--home", str(home), "--max-tokens", "5"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(TERM="dumb"))
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


def test_what_does_not_talk_is_refused(made, tmp_path):
    home, names = made
    done = tunesmith("chat", "nobody", "--home", str(home), "--json")
    assert done.error["code"] == "N501"
    from serving import make_model

    assert make_model  # a label model needs no registry for this
    base = register(home, lifecycle.open_model(names[0], home).recipe.base, 3, approach="prompt")
    done = tunesmith("chat", base, "--vs", "base", "--home", str(home), "--json", stdin="a\n")
    assert (done.code, done.error["code"]) == (2, "C138")


def test_predict_answers_lines_and_rows(made, tmp_path):
    home, names = made
    lines = ["Hello?", json.dumps({"messages": [{"role": "user", "content": "Hello?"}]}), '{"text": "x"}']
    done = tunesmith("predict", names[0], "-", "--home", str(home), "--json", stdin="\n".join(lines))
    first, second, broken = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 3
    assert first["text"] == second["text"]
    assert "messages" in broken["error"]
    file = tmp_path / "asked.jsonl"
    file.write_text("".join(json.dumps({"messages": [{"role": "user", "content": t}]}) + "\n" for t in "ab"))
    done = tunesmith("predict", names[0], str(file), "--home", str(home))
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 2


def test_every_face_repeats_the_golden_rows(made):
    home, names = made
    model = lifecycle.open_model(names[0], home)
    process, address = serving.start(names[0], home, 0)
    try:
        assert serving.prove(model, model.folder, address) == []
    finally:
        serving.stop(process)


def test_columns_show_rows_as_soon_as_they_are_complete(capsys):
    show = Columns(["one", "two"], room=43)
    show.add(0, "a long line that needs more than one row of it", "")
    assert "a long line" not in capsys.readouterr().out  # the other column may still have its first row to write
    show.add(1, "short", "stop")
    shown = capsys.readouterr().out
    assert "a long line that" in shown and "short" in shown
    assert "row of it" not in shown
    show.add(0, "\nlast", "length")
    show.finish()
    rows = capsys.readouterr().out.splitlines()
    assert any(row.startswith("last …") for row in rows)
    assert all(len(row) <= 43 for row in rows)
