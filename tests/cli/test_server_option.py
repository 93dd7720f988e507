"""The options that name a server: what they set, what is refused before a row is read, where nothing is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tunesmith.cli import options
from tunesmith.errors import NetworkError, UsageError

URL = "http://127.0.0.1:8000/v1"


@pytest.fixture(autouse=True)
def _unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "")


def test_a_server_becomes_keys_of_the_approach_and_is_named_to_children() -> None:
    assert options.server(URL, "true", "0.4, 1.6", offline=True) == [
        'approach.name="prompt"',
        f'approach.endpoint="{URL}"',
        'approach.model="true"',
        "approach.price_read=0.4",
        "approach.price_written=1.6",
    ]
    assert os.environ["OPENAI_BASE_URL"] == URL


def test_nothing_named_is_nothing_asked() -> None:
    assert options.server("", "", "", offline=False) == [] and not os.environ["OPENAI_BASE_URL"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ((URL, "", ""), "C130"),
        (("", "far", ""), "C130"),
        (("", "", "1,2"), "C130"),
        (("ftp://x/v1", "far", ""), "C130"),
        ((URL, "far", "1"), "C125"),
        ((URL, "far", "-1,2"), "C125"),
        ((URL, "far", "one,two"), "C125"),
        (("https://example.org/v1", "far", ""), "N524"),
    ],
)
def test_half_a_name_is_refused(given: tuple[str, str, str], code: str) -> None:
    with pytest.raises((UsageError, NetworkError)) as caught:
        options.server(*given, offline=True)
    assert caught.value.code == code and not os.environ["OPENAI_BASE_URL"]


def test_up_refuses_before_it_reads(run: Callable, tmp_path: Path) -> None:
    lacking = run("up", str(tmp_path / "nothing.jsonl"), "--endpoint", URL)
    assert lacking.code == 2 and "C130" in lacking.err
    (tmp_path / "machines.toml").write_text("[[machine]]\nname = 'odd'\n")
    odd = run("up", str(tmp_path / "nothing.jsonl"), "--machines", str(tmp_path / "machines.toml"))
    assert odd.code == 2 and "A904" in odd.err
