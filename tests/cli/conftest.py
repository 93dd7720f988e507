"""Fixtures of the command line: small files, one trained home, and commands run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commandline import Done, Trained, texts, tunesmith
from tunesmith.__main__ import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], home: Path) -> Callable[..., Done]:
    """Run a command in this process (faster), with a home of its own."""

    def call(*arguments: str) -> Done:
        capsys.readouterr()
        code = main(list(arguments))
        seen = capsys.readouterr()
        return Done(code, seen.out, seen.err)

    return call


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 rows with a text and a label."""
    path = tmp_path_factory.mktemp("data") / "small.csv"
    path.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in texts()))
    return path


@pytest.fixture(scope="session")
def ambiguous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 rows in which two columns could each be the text."""
    path = tmp_path_factory.mktemp("data") / "ambiguous.csv"
    rows = "".join(f'"{text}","{text}, or what else",{label}\n' for text, label in texts())
    path.write_text("body,message,label\n" + rows)
    return path


@pytest.fixture(scope="session")
def trained(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A home with the model small@1, made by `up --json` in a second's budget."""
    home = str(tmp_path_factory.mktemp("trained"))
    done = tunesmith("up", str(small), "--budget", "1s", "--offline", "--json", "--home", home)
    assert done.code == 0, done.err
    return Trained(home, done)
