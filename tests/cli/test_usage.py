"""Wrong command lines, recipes and files: a code, a way out, the exit code that is listed, never a traceback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from commandline import Trained
from tunesmith.errors import UsageError
from tunesmith.lifecycle import desk

WRONG = [
    ("upp", 2, "C120", "tunesmith up"),
    ("models lss", 2, "C120", "tunesmith models ls"),
    ("up small.csv --budgett 3", 2, "C121", "tunesmith up … --budget"),
    ("--debugg up", 2, "C121", "tunesmith … --debug"),
    ("up", 2, "C122", "tunesmith up --help"),
    ("up small.csv --base", 2, "C122", "--help"),
    ("up small.csv other.csv", 2, "C123", "tunesmith up --help"),
    ("up small.csv --port x", 2, "C123", "--help"),
    ("up small.csv --port 70000", 2, "C123", "--help"),
    ("up small.csv --seed -1", 2, "C123", "--help"),
    ("up small.csv --prefer bst", 2, "C123", "--prefer best"),
    ("up small.csv --budget soon", 2, "C124", "--budget 10m"),
    ("up small.csv --budget 0", 2, "C124", "--budget 10m"),
    ("up small.csv --set train.epoch=3", 2, "C101", "epochs"),
    ("up small.csv --set train.epochs=many", 2, "C102", "train.epochs"),
    ("up small.csv --set train.epochs", 2, "C106", "--set "),
    (
        "up small.csv --set approach.name=lnear",
        2,
        "C103",
        "tunesmith up small.csv --set approach.name=linear",
    ),
    ("up nowhere.csv", 5, "F001", "tunesmith up"),
    ("up empty.csv", 3, "F", ""),
    ("up .", 3, "F002", "ls -l 'empty.csv'"),
    ("up small.csv --text txt", 3, "M203", "--text 'text'"),
    ("up small.csv --test nowhere.csv", 5, "F001", "tunesmith up"),
    ("up one_class.csv", 3, "L", ""),
    ("up one_row.csv", 3, "", ""),
    ("up no_label.csv", 3, "M201", "COLUMN"),
    ("data check nowhere.csv", 5, "F001", "tunesmith data check "),
    ("export some mergd", 2, "C103", "tunesmith export some merged"),
    ("sweep good.toml --over tuning.name=full,lroa", 2, "C103", "--over tuning.name=full,lora"),
    ("train bad_name.toml", 2, "C103", 'name = "lora"'),
    ("train", 2, "C109", "tunesmith init"),
    ("train nowhere.toml", 5, "C107", ""),
    ("train broken.toml", 2, "C104", ""),
    ("train unknown_key.toml", 2, "C101", "epochs"),
    ("train wrong_type.toml", 2, "C102", "epochs"),
    ("train --resume 1999", 5, "N503", "tunesmith runs ls"),
    ("eval nobody small.csv", 5, "N501", "tunesmith models ls"),
    ("predict nobody small.csv", 5, "N501", "tunesmith models ls"),
    ("serve nobody", 5, "N501", "tunesmith models ls"),
    ("models show nobody", 5, "N501", "tunesmith models ls"),
    ("runs show nothing", 5, "N503", "tunesmith runs ls"),
    ("runs watch nothing", 5, "N503", "tunesmith runs ls"),
    ("explain D10", 5, "C110", "tunesmith explain"),
    ("init .", 2, "C111", "ANOTHER-FOLDER"),
]


def test_a_pattern_without_quotes_is_told_with_its_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Callable
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("parts").mkdir()
    files = [f"parts/day-{number}.csv" for number in (1, 2, 12)]
    for number, file in enumerate(files):
        Path(file).write_text(
            "text,label\n" + "".join(f"row {k} of {number},{'ab'[k % 2]}\n" for k in range(9))
        )
    done = run("data", "show", *files, "--rows", "1", "--json")
    assert (done.code, done.error["code"]) == (2, "C123")
    assert "3 files" in done.error["found"]
    assert done.error["fixes"][0] == "tunesmith data show 'parts/day-*.csv'"
    assert run("data", "show", "parts/day-*.csv", "--rows", "1").code == 0
    assert "files" not in run("data", "show", *files, "nowhere.csv", "--json").error["found"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: Path) -> Path:
    """A working folder with files that are wrong in one way each."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    contents = {
        "small.csv": small.read_text(),
        "empty.csv": "",
        "one_class.csv": small.read_text().replace("technical", "billing"),
        "one_row.csv": "text,label\nhello there,billing\n",
        "no_label.csv": "a,b\n1,2\n3,4\n",
        "broken.toml": "[data\n",
        "unknown_key.toml": '[data]\nsource = "small.csv"\n[train]\nepoch = 3\n',
        "bad_name.toml": '[data]\nsource = "small.csv"\n[tuning]\nname = "lroa"\n',
        "good.toml": '[data]\nsource = "small.csv"\n',
        "wrong_type.toml": '[data]\nsource = "small.csv"\n[train]\nepochs = "3"\n',
        "recipe.toml": "",
    }
    for name, content in contents.items():
        (place / name).write_text(content)
    return place


@pytest.mark.parametrize(("line", "exit_code", "code", "fix"), WRONG, ids=[each[0] for each in WRONG])
def test_what_is_wrong_is_told(
    line: str, exit_code: int, code: str, fix: str, folder: Path, run: Callable
) -> None:
    done = run(*line.split())
    assert done.code == exit_code, done.err
    assert done.out == ""
    told = next(each for each in done.err.splitlines() if each.startswith("error["))
    found = told[6:10]
    assert found.startswith(code)
    assert "Traceback" not in done.err
    assert fix in "".join(each for each in done.err.splitlines() if each.startswith("  fix "))
    assert desk.explain(found)["fix"], "its page stands"


@pytest.mark.parametrize("line", ["upp", "up", "up small.csv --port x", "up nowhere.csv", "explain D10"])
def test_with_json_the_error_is_one_object_on_stderr(line: str, folder: Path, run: Callable) -> None:
    plain, done = run(*line.split()), run(*line.split(), "--json")
    assert (done.code, done.out) == (plain.code, "")
    assert not [each for each in done.err.splitlines() if each.startswith("error[")]
    assert set(done.error) == {"code", "where", "found", "expected", "fixes", "exit_code"}
    assert done.error["exit_code"] == done.code
    assert f"error[{done.error['code']}] {done.error['found']}" in plain.err


def test_an_unreadable_base_is_refused_before_any_training(folder: Path, run: Callable) -> None:
    (folder / "base").mkdir()
    (folder / "base" / "config.json").write_text("{")
    done = run("up", "small.csv", "--base", str(folder / "base"), "--json")
    assert done.code in {1, 5}, done.err
    assert done.error["code"][0] in "BEI"
    assert not list((folder.parent / "home").rglob("registry.jsonl"))


def test_a_home_that_can_not_be_written_is_refused(folder: Path, run: Callable) -> None:
    (folder / "file").write_text("no folder")
    done = run("up", "small.csv", "--budget", "1s", "--home", str(folder / "file"), "--json")
    assert (done.code, done.error["code"]) == (4, "A401")
    assert (folder / "file").read_text() == "no folder"


def test_a_port_that_is_taken_is_refused_with_a_free_one(trained: Trained, run: Callable) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("serve", "small", "--port", port, "--home", trained.home, "--json")
    assert (done.code, done.error["code"]) == (2, "V401")
    assert done.error["fixes"][0].startswith("--port ")


def test_a_server_open_to_others_needs_a_token(trained: Trained, run: Callable) -> None:
    done = run("serve", "small", "--host", "0.0.0.0", "--port", "0", "--home", trained.home, "--json")
    assert (done.code, done.error["code"]) == (4, "V402")


@pytest.mark.parametrize(
    ("said", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2 M ", 120), (30, 30)]
)
def test_a_budget_is_read(said: str | float, seconds: float) -> None:
    from tunesmith.library import seconds as read

    assert read(said) == seconds


@pytest.mark.parametrize("said", ["", "m", "-1", "0", "10 minutes", "1e3", "nan", "1d", "99999h", "\u0663"])
def test_what_is_no_budget_is_refused(said: str) -> None:
    from tunesmith.library import seconds as read

    with pytest.raises(UsageError) as caught:
        read(said)
    assert caught.value.code == "C124"


def test_errors_are_json_that_any_program_reads(folder: Path, run: Callable) -> None:
    done = run("up", "no\u202efile\x1b[31m.csv", "--json")
    assert done.err.splitlines()[-1].isascii()
    assert "\x1b" not in done.err
    assert done.error["code"] == "F001"
    assert "\x1b" not in run("up", "no\u202efile\x1b[31m.csv").err
