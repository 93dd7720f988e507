"""The command `data see`: marks in plain text, on a terminal and in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chattemplates import BRACKETS, CHATML, written
from tunesmith import doors
from tunesmith.cli import data_see

pytestmark = pytest.mark.skipif(
    not doors.has("tokenizers"), reason='tokenizers is absent: pip install ".[train]"'
)


@pytest.fixture
def base(shared: Path, tmp_path: Path) -> str:
    return str(written(tmp_path / "base", shared, CHATML))


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "chats.jsonl"
    rows = [
        ("Do you repair brakes?", "Yes, \x1b[31mon weekdays."),
        ("brakes " * 40, "Pardon?"),
        ("Hello", "Good day."),
        ("And gears?", "These too."),
    ]
    path.write_text("".join(json.dumps({"prompt": asked, "completion": said}) + "\n" for asked, said in rows))
    return str(path)


def test_what_is_learnt_stands_in_brackets(file: str, base: str, run: Callable) -> None:
    done = run("data", "see", file, "--base", base, "--max-length", "80", "--truncation", "right")
    assert done.code == 0, done.err
    assert "[[Yes, \\x1b[31mon weekdays.<|im_end|>]]" in done.out
    assert "\x1b" not in done.out
    cut = done.out.index("the window ends here")
    assert done.out.index("brakes brakes") < cut < done.out.index("[[Pardon?<|im_end|>]]")
    assert "of these 0 inside the window of 80" in done.out
    assert '"role": "user", "content": "Do you repair brakes?"' in done.out, "the row itself"
    assert "gears" not in done.out, "three rows"


def test_the_start_is_cut_where_nothing_else_is_said(file: str, base: str, run: Callable) -> None:
    done = run("data", "see", file, "--base", base, "--max-length", "80", "--row", "2")
    assert done.code == 0, done.err
    begins = done.out.index("the window begins here")
    assert done.out.index("brakes brakes") < begins < done.out.index("[[Pardon?<|im_end|>]]")
    many = run(
        "data", "see", file, "--base", base, "--max-length", "80", "--row", "2", "--truncation", "drop"
    )
    assert "left out, since the window holds 80" in many.out


def test_show_tells_token_by_token(file: str, base: str, run: Callable) -> None:
    wanted = ("data", "show", file, "--as-model", "--base", base, "--max-length", "80", "--row", "2")
    done = run(*wanted)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[1].split() == ["place", "id", "learnt", "window", "text"]
    rows = [line.split(maxsplit=4) for line in lines[2:] if line[:6].strip().isdigit()]
    learnt = [json.loads(row[4]) for row in rows if row[2] == "1"]
    assert "".join(learnt) == "Pardon?<|im_end|>"
    assert [row[3] for row in rows] == ["cut"] * (len(rows) - 80) + ["1"] * 80
    assert "of 80 tokens are learnt" in lines[-1] and "1 row cut" in lines[-1]
    right = run(*wanted, "--truncation", "right")
    assert "nothing of this row is learnt" in right.out
    view = json.loads(run(*wanted, "--json").out)["shown"][0]["seen"][0]
    assert len(view["pieces"]) == len(rows)


def test_show_as_a_model_needs_a_base(file: str, run: Callable) -> None:
    done = run("data", "show", file, "--as-model")
    assert done.code == 2 and "C122" in done.err
    assert run("data", "show", file, "--as-model", "--base", "x", "--truncation", "up").code == 2


def test_as_json_it_is_one_line(file: str, base: str, run: Callable) -> None:
    done = run("data", "see", file, "--base", base, "--rows", "1", "--json")
    (view,) = json.loads(done.out)["shown"][0]["seen"]
    start, stop = view["learnt"][0]
    assert view["text"][start:stop].endswith("<|im_end|>")
    assert len(done.out.splitlines()) == 1


def test_a_refusal_stands_in_place_of_the_text(tmp_path: Path, base: str, run: Callable) -> None:
    path, template = tmp_path / "two.jsonl", tmp_path / "own.jinja"
    template.write_text(BRACKETS)
    turns = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    path.write_text(json.dumps({"messages": [*turns, {"role": "assistant", "content": "c"}]}) + "\n")
    done = run("data", "see", str(path), "--base", base, "--template", str(template))
    assert "the template refuses it: roles must alternate" in done.out


def test_a_template_that_is_none_ends_with_its_code(
    file: str, base: str, tmp_path: Path, run: Callable
) -> None:
    template = tmp_path / "own.jinja"
    template.write_bytes(b"{% for \xff")
    done = run("data", "see", file, "--base", base, "--template", str(template))
    assert done.code == 3 and "T410" in done.err


def test_a_base_is_asked_for(file: str, run: Callable) -> None:
    assert run("data", "see", file).code == 2


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ({"text": "abcdef", "learnt": [[1, 3], [3, 4]], "cut": None}, "a<bc><d>ef"),
        ({"text": "abcdef", "learnt": [[1, 5]], "cut": 3}, f"a<bc>{data_see.CUT}<de>f"),
        ({"text": "abc", "learnt": [], "cut": 0}, f"{data_see.CUT}abc"),
        ({"text": "abc", "learnt": [[2, 3]], "cut": 1, "side": "start"}, f"a{data_see.BEGINS}b<c>"),
        ({"text": "a\x07b\nc", "learnt": [[0, 5]], "cut": None}, "<a\\x07b\nc>"),
        ({"text": "", "learnt": [], "cut": None}, ""),
    ],
)
def test_marks_stand_around_what_is_learnt(view: dict, expected: str) -> None:
    assert data_see.marked(view, ("<", ">")) == expected


def test_colours_are_for_terminals_only(
    file: str, base: str, run: Callable, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    view = {
        "text": "ab",
        "learnt": [[0, 1]],
        "cut": None,
        "refusal": "",
        "tokens": 2,
        "learnt_tokens": 1,
        "reply": "",
    }
    result = {"shown": [{"place": "x:1", "fields": {}, "seen": [view]}], "window": 0}
    lines = list(data_see._lines(result, data_see.PAINT))
    assert "\x1b[30;42ma\x1b[0mb" in lines
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[30;42m" in run("data", "see", file, "--base", base, "--rows", "1").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("data", "see", file, "--base", base, "--rows", "1").out
