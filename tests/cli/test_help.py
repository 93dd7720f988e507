"""Help is complete and light: it says what each command and option is for, and loads nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from commandline import Trained, tunesmith
from tunesmith.cli import overview
from tunesmith.cli.commands import WIDEST
from tunesmith.cli.main import COMMANDS, command

HEAVY = {
    "numpy", "torch", "sklearn", "fastapi", "polars", "pydantic", "transformers",
    "scipy", "pyarrow", "rich", "uvicorn", "jinja2", "asyncio",
}  # fmt: skip
PROGRAM = """
import sys, json
from tunesmith.__main__ import main
code = main({arguments!r})
print()
print(json.dumps([code, sorted({{name.partition('.')[0] for name in sys.modules}})]))
"""


def loaded(*arguments: str) -> tuple[int, set[str]]:
    program = PROGRAM.format(arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    return code, set(modules)


@pytest.mark.parametrize("words", [(), ("up",), ("serve",), ("models", "ls"), ("data",)], ids=" ".join)
def test_help_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    code, modules = loaded(*words, "--help")
    assert code == 0
    assert ("typer" in modules) == bool(words), "the overview needs no parser, the help of a command has one"
    assert not modules & HEAVY


@pytest.mark.parametrize("columns", [40, 52, 60, 72, 80, 93, 100, 200])
def test_the_overview_is_what_the_parser_would_say(columns: int) -> None:
    width = max(min(columns, WIDEST) - 2, 50)
    context = command(["--help"]).make_context(
        "tunesmith", [], resilient_parsing=True, terminal_width=width, max_content_width=width
    )
    assert "\n".join(overview.lines(columns)) == context.get_help()


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_the_overview_is_printed(word: str) -> None:
    done = tunesmith(word, COLUMNS="90")
    assert (done.code, done.err, done.out) == (0, "", "\n".join(overview.lines(90)) + "\n")


def test_the_library_loads_nothing_heavy_either() -> None:
    program = "import sys, tunesmith; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert not set(done.stdout.split()) & (HEAVY | {"typer"})
    assert "tunesmith" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_each_of_its_options_is_explained(name: str, run: Callable) -> None:
    done = run(*name.split(), "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: tunesmith {name}")
    found = command(name.split())
    for word in name.split():
        found = found.commands[word]
    assert found.help
    lacking = [param.name for param in found.params if not getattr(param, "help", "") and not param.hidden]
    assert not lacking


def test_the_tree_holds_every_command() -> None:
    whole = command(["--help"])
    known = {
        f"{name} {sub}".strip()
        for name, each in whole.commands.items()
        for sub in getattr(each, "commands", [""])
    }
    assert known == set(COMMANDS)


def test_the_version(run: Callable) -> None:
    import tunesmith

    assert run("--version").out == f"tunesmith {tunesmith.__version__}\n"


@pytest.mark.parametrize("words", [(), ("models",), ("data",), ("runs",)], ids=" ".join)
def test_a_command_line_without_a_command_shows_what_there_is(words: tuple[str, ...], run: Callable) -> None:
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert "Commands:" in done.err


def offered(line: str, **more: str) -> list[str]:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    return tunesmith(_TUNESMITH_COMPLETE="complete_bash", **words, **more).out.split()


def test_the_shell_is_offered_commands_options_models_and_runs(trained: Trained) -> None:
    assert offered("tunesmith up --bud") == ["--budget"]
    assert offered("tunesmith mod") == ["models"]
    assert offered("tunesmith models show sm", TUNESMITH_HOME=trained.home) == ["small", "small@1"]
    run_id = trained.result["run"]
    assert offered(f"tunesmith runs show {run_id[:4]}", TUNESMITH_HOME=trained.home) == [run_id]


def test_the_shell_gets_its_script() -> None:
    done = tunesmith("--show-completion", SHELL="/bin/bash")
    assert "_TUNESMITH_COMPLETE" in done.out or done.code != 0  # a shell that can't be told is no crash
    assert "Traceback" not in done.err
