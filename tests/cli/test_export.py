"""`tunesmith export` on a command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import exporting
from tunesmith.cli.main import run
from tunesmith.lifecycle import serving

pytestmark = pytest.mark.neural


@pytest.fixture
def unserved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's part of the proof has a test of its own; here it takes time."""
    monkeypatch.setattr("tunesmith.lifecycle.shipping.parity.prove", lambda *given, **named: [])
    monkeypatch.setattr(serving, "start", lambda *given: (None, "http://127.0.0.1:1"))
    monkeypatch.setattr(serving, "stop", lambda process: None)


@pytest.mark.usefixtures("unserved")
def test_it_writes_tells_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    ref = exporting.registered(home, exporting.base(tmp_path / "base"))
    asked = ["export", ref, "merged", "--home", str(home)]
    capsys.readouterr()
    assert run([*asked, "--out", str(out), "--set", "dtype=float16"]) == 0
    shown = capsys.readouterr()
    assert str(out) in shown.out and "model.safetensors" in shown.out
    assert "log-probabilities" in shown.out and "the trained weights, rounded" in shown.out
    assert "tunesmith serve" in shown.out
    assert run([*asked, "--out", str(out)]) == 2
    assert "error[F039]" in capsys.readouterr().err
    assert run([*asked, "--out", str(tmp_path / "b"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["model"], told["form"]) == (ref, "merged")
    assert all(each["wrong"] == 0 for each in told["parity"])
    assert run(["export", ref, "merge", "--home", str(home)]) == 2
    assert "error[C103]" in capsys.readouterr().err


@pytest.mark.usefixtures("unserved")
def test_a_failed_proof_fails_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunesmith.serve.exports import _words

    monkeypatch.setattr(_words, "program", lambda codec: "{% for m in messages %}{{ m.content }}{% endfor %}")
    ref = exporting.registered(tmp_path / "home", exporting.base(tmp_path / "base"))
    assert run(["export", ref, "merged", "--home", str(tmp_path / "home"), "--out", str(tmp_path / "o")]) == 1
    assert "error[W110]" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
