"""Errors, doors and events: every error has an exit code and a JSON form, a missing library names its extra."""

from __future__ import annotations

import re

import pytest

from tunesmith import doors, errors, events
from tunesmith.errors import MissingError, TunesmithError
from tunesmith.findings import Finding, Fix, Place


def kinds() -> dict[str, type[TunesmithError]]:
    found = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, TunesmithError)
    }
    assert len(found) >= 10
    return found


def test_the_tree_on_top_of_the_page_is_the_tree_of_the_classes() -> None:
    drawn = dict(re.findall(r"^(?:[├└]── )?(\w+) {2,}(\d+) ", errors.__doc__ or "", re.MULTILINE))
    assert drawn == {name: str(kind.exit_code) for name, kind in kinds().items()}


@pytest.mark.parametrize("kind", kinds().values())
def test_an_error_tells_everything_as_json(kind: type[TunesmithError]) -> None:
    error = kind("F001", "found", expected="expected", fixes=("do this",), where="a.csv:3")
    assert str(error) == "[F001] found"
    assert error.to_json() == {
        "code": "F001",
        "where": "a.csv:3",
        "found": "found",
        "expected": "expected",
        "fixes": ["do this"],
        "exit_code": kind.exit_code,
    }


def test_a_door_opens_a_library_and_names_the_extra_of_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doors.open("json.decoder").JSONDecoder
    assert doors.has("json")
    monkeypatch.setitem(doors.EXTRAS, "no_such_library", "train")
    assert not doors.has("no_such_library")
    with pytest.raises(MissingError) as caught:
        doors.open("no_such_library.part")
    assert (caught.value.code, caught.value.exit_code) == ("E501", 5)
    assert caught.value.fixes[0] == 'pip install "tunesmith[train]"'


def test_a_door_does_not_hide_what_is_missing_inside_a_library(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        doors.open("half_installed")


EVENTS = [
    events.Stage("check", "3 rows"),
    events.Progress("fit", 1, 2, 0.5),
    events.Step(1, 0.1, {"label": 0.7}, 1e-4, 1.5, 32),
    events.Measured("tune", "validation", {"accuracy": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10}}, 4),
    events.Saved("bundle", "/x", "ab", 2),
    events.Note("why", "warning"),
    events.Finished({"model": "tickets@1"}),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_from_its_json(event: events.Event) -> None:
    assert events.from_json(events.to_json(event)) == event
    assert set(events.KINDS) == {type(event).__name__.lower() for event in EVENTS} | {"found"}


def test_a_finding_as_an_event_keeps_what_its_json_holds() -> None:
    fix = Fix("tunesmith …", "drops 2 rows", True, ("ab", "cd"))
    finding = Finding("D101", "warning", "twins", 2, (Place("a.csv", 3, 40),), {"share": 0.1}, fix, True)
    value = events.to_json(events.Found(finding))
    assert value["finding"]["places"] == ["a.csv:3 (byte 40)"]
    assert value["finding"]["fix"] == {"command": "tunesmith …", "effect": "drops 2 rows", "safe": True}
    back = events.from_json(value)
    assert isinstance(back, events.Found)
    assert back.finding == Finding("D101", "warning", "twins", 2, (), {"share": 0.1}, None, True)


def test_a_result_tells_its_own_json() -> None:
    class Result:
        def to_dict(self) -> dict[str, int]:
            return {"a": 1}

    assert events.to_json(events.Finished(Result())) == {"event": "finished", "result": {"a": 1}}
