"""What an audit was worth, on rows that neither model was fitted on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commandline import LABELS, texts
from tunesmith import doors, lifecycle
from tunesmith.errors import UsageError
from tunesmith.lifecycle import auditing
from tunesmith.lifecycle.worth import worth


@pytest.fixture(autouse=True)
def _without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    has = doors.has
    monkeypatch.setattr(doors, "has", lambda library: library != "torch" and has(library))


def trained(data: str, home: Path) -> Any:
    return lifecycle.run(lifecycle.up(data, home=home, serve=False)).to_dict()


def test_the_test_side_of_both_models_is_taken(tmp_path: Path, home: Path) -> None:
    rows = texts()
    rows[4] = rows[4][0], LABELS[1]
    path = tmp_path / "tickets.csv"
    path.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows))
    trained(str(path), home)
    audit = lifecycle.run(auditing.open_audit(str(path), share=0.4, home=home))
    audit.say("ann", audit.items[0], "relabel", LABELS[0])
    trained(lifecycle.run(auditing.finish(audit)).to_dict()["version"], home)
    found = lifecycle.run(worth("tickets", "tickets@1", "tickets@2", home=home)).to_dict()
    assert 0 < found["rows"] < 20
    assert [each["model"] for each in found["models"]] == ["tickets@1", "tickets@2"]
    other = tmp_path / "other.csv"
    other.write_text("text,label\nsomething else,bug\nmore of it,money\n")
    with pytest.raises(UsageError, match="L219"):
        lifecycle.run(worth(str(other), "tickets@1", "tickets@2", home=home))
