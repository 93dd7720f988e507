"""`tunesmith data convert` on a command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunesmith.cli.main import run


def test_it_writes_tells_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "a.jsonl", tmp_path / "b.csv"
    rows = [{"prompt": f"Question {k}?", "completion": f"Answer {k}.", "id": k} for k in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ["data", "convert", str(path), "--to", "alpaca", "--home", str(tmp_path / "home")]
    assert run([*asked, "--out", str(out), "--strict"]) == 3
    assert "error[M209]" in capsys.readouterr().err
    assert not out.exists()
    assert run([*asked, "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert "3 rows" in shown.out
    assert "not read  id" in shown.out
    assert run([*asked, "--out", str(tmp_path / "c.jsonl"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["from"], told["to"], told["written"], told["lost"]) == ("prompt-completion", "alpaca", 3, {})
    assert run([*asked, "--out", str(out)]) == 2
