"""`data split`: what it says of given sides that leak, and of made rows that enter no side."""

from __future__ import annotations

import json

from data.rows import sentences
from tunesmith.events import Finished, Found, Note
from tunesmith.lifecycle import curating, dividing, enlarging, examining, run
from tunesmith.lifecycle.known import Wanted

TEXTS = sentences(60)


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def labelled(texts, **more):
    return [{"text": text, "label": "ab"[i % 2], **more} for i, text in enumerate(texts)]


def divided(*args, **options):
    events = list(dividing.split(*args, **options))
    assert isinstance(events[-1], Finished)
    return events, events[-1].result


def test_given_sides_that_share_twins_are_named_as_data_check_names_them(tmp_path):
    home = tmp_path / "home"
    rows = [*labelled(TEXTS[:40], split="train"), *labelled([TEXTS[3] + "!", *TEXTS[40:]], split="test")]
    data = write(tmp_path / "rows.jsonl", rows)
    events, result = divided(data, home=home)
    (finding,) = (event.finding for event in events if isinstance(event, Found))
    assert (finding.code, [place.line for place in finding.places]) == ("D109", [4])
    assert finding.fix is not None
    assert finding.fix.command == "tunesmith data fix rows@1 D109"
    fixed = run(curating.fix("rows", ["D109"], home=home))
    assert fixed["dropped"] == 1
    assert [each["code"] for each in result["findings"]] == ["D109"]
    assert result["none"] == 0
    checked = run(examining.check(data, wanted=Wanted(home=home)))["findings"]
    assert next(each for each in checked if each["code"] == "D109")["message"] == finding.message


def test_sides_without_twins_and_rows_without_sides_are_silent(tmp_path):
    home = tmp_path / "home"
    rows = [*labelled(TEXTS[:40], split="train"), *labelled(TEXTS[40:], split="test")]
    assert divided(write(tmp_path / "rows.jsonl", rows), home=home)[1]["findings"] == []
    rows = labelled([*TEXTS[:40], TEXTS[3] + "!"])
    assert divided(write(tmp_path / "more.jsonl", rows), home=home)[1]["findings"] == []


def test_made_rows_that_are_left_out_are_said_to_be_made(tmp_path):
    home = tmp_path / "home"
    data = write(tmp_path / "rows.jsonl", labelled(TEXTS))
    _, plain = divided(data, home=home)
    run(enlarging.augment(data, ["typos"], home=home))
    events, both = divided("rows", home=home)
    assert both["made_left_out"] > 0
    assert both["none"] == 0
    assert sum(both["sides"].values()) + both["made_left_out"] == both["rows"]
    (note,) = (event.text for event in events if isinstance(event, Note) and "made" in event.text)
    assert note.startswith(f"{both['made_left_out']} made row")
    assert plain["made_left_out"] == 0
    assert {name: both["sides"][name] for name in ("validation", "test")} == {
        name: plain["sides"][name] for name in ("validation", "test")
    }
