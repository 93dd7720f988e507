"""`data redact`, `restore` and `forget`: nothing personal is left in the home, and the key alone brings it back."""

from __future__ import annotations

import gc
import json
import stat

import pytest

from tunesmith.data import stored, version
from tunesmith.errors import IntegrityError, MissingError, UsageError
from tunesmith.events import Finished, Note
from tunesmith.lifecycle import curating, forgetting, redacting, viewing

VALUES = ["jo@x.org", "Jo@x.org", "+44 20 7946 0123", "4111 1111 1111 1111", "hun7er2!x", "84.120.33.7"]
ROWS = [
    ("write to Jo@x.org or jo@x.org, call +44 20 7946 0123", "order"),
    ("my card 4111 1111 1111 1111 was charged twice", "card"),
    ("jo@x.org again: the password is hun7er2!x", "card"),
    ("it came from 84.120.33.7 and so on", "order"),
    ("where is the parcel that I ordered", "order"),
]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "in" / "tickets.jsonl"
    path.parent.mkdir()
    lines = [json.dumps({"text": text, "label": label}) for text, label in ROWS]
    # a broken row whose raw text would be kept in quarantine
    path.write_text("\n".join([*lines, '{"text": "broken jo@x.org']) + "\n")
    return path


def done(events):
    seen = list(events)
    assert isinstance(seen[-1], Finished)
    return seen[-1].result, [each.text for each in seen if isinstance(each, Note)]


def stored_text(home):
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file()).decode()


def test_nothing_of_a_file_stays_in_the_home(table, tmp_path):
    home = tmp_path / "home"
    result, notes = done(redacting.redact(str(table), home=home))
    assert result["replaced"] == {"card": 1, "email": 3, "ip": 1, "phone": 1, "secret": 1}
    assert (result["rows"], result["changed"], result["raw"]) == (5, 4, [])
    text = stored_text(home)
    assert not [value for value in VALUES if value in text]
    made = version.load(home, result["digest"])
    assert made.records[1].fields["text"] == "my card [CARD_1] was charged twice"
    assert made.parent == ""
    assert made.steps[-1]["verb"] == "redact"
    assert len(made.broken) == 1
    assert any("token classifier" in note for note in notes)


def test_the_same_rows_give_the_same_version(table, tmp_path):
    digests = {done(redacting.redact(str(table), home=tmp_path / name))[0]["digest"] for name in ("a", "b")}
    assert len(digests) == 1


def test_with_the_key_everything_comes_back_and_the_key_is_private(table, tmp_path):
    home, key = tmp_path / "home", tmp_path / "keys" / "k.json"
    result, _ = done(redacting.redact(str(table), key=str(key), home=home))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not [value for value in VALUES if value in stored_text(home)]
    back, _ = done(redacting.restore(result["version"], key=str(key), home=home))
    assert back["restored"] == 7
    assert [
        (row.fields["text"], row.fields["label"]) for row in version.load(home, back["digest"]).records
    ] == ROWS


def test_one_key_gives_one_pseudonym_in_all_files_and_in_any_order(table, tmp_path):
    key, home = tmp_path / "k.json", tmp_path / "home"
    done(redacting.redact(str(table), key=str(key), home=home))
    known = json.loads(key.read_text())["values"]
    turned = table.with_name("turned.jsonl")
    turned.write_text("\n".join(reversed(table.read_text().splitlines()[:-1])) + "\n")
    done(redacting.redact(str(turned), key=str(key), home=home))
    assert json.loads(key.read_text())["values"] == known


def test_only_some_kinds(table, tmp_path):
    result, _ = done(redacting.redact(str(table), kinds=["email"], home=tmp_path / "home"))
    assert result["replaced"] == {"email": 3}
    rows = version.load(tmp_path / "home", result["digest"]).records
    assert "4111 1111 1111 1111" in rows[1].fields["text"]


def test_a_version_that_still_holds_the_values_is_named_and_can_be_forgotten(table, tmp_path):
    home = tmp_path / "home"
    raw, _ = done(curating.sample(str(table), 4, home=home))
    result, notes = done(redacting.redact("tickets", home=home))
    assert raw["digest"][:12] in result["raw"]
    assert any("data forget" in note for note in notes)
    assert any(value in stored_text(home) for value in VALUES)
    done(forgetting.forget(result["raw"], home=home))
    assert not [value for value in VALUES if value in stored_text(home)]
    with pytest.raises(MissingError) as gone:
        version.load(home, raw["digest"])
    assert gone.value.code == "P324"
    assert version.load(home, result["digest"]).records
    again, _ = done(curating.sample(str(table), 4, home=home))  # read anew: the owner may
    assert version.load(home, again["digest"]).records


def test_redacting_twice_changes_nothing_more(table, tmp_path):
    home = tmp_path / "home"
    first, _ = done(redacting.redact(str(table), home=home))
    second, _ = done(redacting.redact(first["version"], home=home))
    assert second["digest"] == first["digest"]
    assert second["replaced"] == {}


def test_where_nothing_was_found_nobody_is_warned_of_what_still_stands(tmp_path):
    home, path = tmp_path / "home", tmp_path / "plain.csv"
    path.write_text("text,label\nwhere is it,a\nit came late,b\nthank you,a\nnot yet,b\n")
    done(curating.sample(str(path), 3, home=home))
    for ref in (str(path), "plain"):
        result, notes = done(redacting.redact(ref, home=home))
        assert (result["replaced"], result["changed"], result["raw"]) == ({}, 0, [])
        assert not [note for note in notes if "still stand" in note]


def test_answers_that_point_into_a_text_move_with_it(tmp_path):
    home, path = tmp_path / "home", tmp_path / "squad.jsonl"
    context = "Write to jo@example.org before nine."
    answers = {"text": ["nine"], "answer_start": [context.index("nine")]}
    row = {"question": "Until when may I write to jo@example.org?", "context": context, "answers": answers}
    path.write_text(json.dumps(row) + "\n" + json.dumps({**row, "question": "When?"}) + "\n")
    result, _ = done(redacting.redact(str(path), home=home))
    fields = version.load(home, result["digest"]).records[0].fields
    (span,) = fields["spans"]
    assert fields["question"] == "Until when may I write to [EMAIL_1]?"
    assert fields["text"][span["start"] : span["end"]] == "nine"


def test_a_name_goes_back_where_its_version_is_forgotten(table, tmp_path):
    home = tmp_path / "home"
    key = str(tmp_path / "k.json")
    first, _ = done(redacting.redact(str(table), key=key, kinds=["email"], home=home))
    second, _ = done(redacting.redact("tickets", key=key, kinds=["phone"], home=home))
    third, _ = done(redacting.redact("tickets", key=key, kinds=["card"], home=home))
    gone, _ = done(forgetting.forget([second["digest"], third["version"]], home=home))
    assert gone["moved"] == {"tickets": first["version"]}
    back, _ = done(viewing.show("tickets", home=home))
    assert (back["version"], back["digest"]) == (first["version"], first["digest"])
    assert [each["current"] for each in viewing.ls(home=home)] == [True, False, False]
    with pytest.raises(MissingError):
        done(curating.undo("tickets", home=home))
    last, _ = done(forgetting.forget(["tickets"], home=home))
    assert last["moved"] == {"tickets": ""}
    with pytest.raises(MissingError) as nothing:
        done(viewing.show("tickets", home=home))
    assert nothing.value.code == "P324"


def test_forgetting_an_earlier_version_leaves_the_name(table, tmp_path):
    home, key = tmp_path / "home", str(tmp_path / "k.json")
    first, _ = done(redacting.redact(str(table), key=key, kinds=["email"], home=home))
    second, _ = done(redacting.redact("tickets", key=key, home=home))
    gone, _ = done(forgetting.forget([first["version"]], home=home))
    assert gone["moved"] == {}
    assert done(viewing.show("tickets", home=home))[0]["digest"] == second["digest"]


def test_a_later_redaction_does_not_reuse_a_number(table, tmp_path):
    home = tmp_path / "home"
    first, _ = done(redacting.redact(str(table), kinds=["email"], home=home))
    rows = version.load(home, first["digest"]).records
    path = tmp_path / "more.jsonl"
    lines = [json.dumps(dict(row.fields)) for row in rows] + ['{"text": "and al@y.org", "label": "order"}']
    path.write_text("\n".join(lines) + "\n")
    second, _ = done(redacting.redact(str(path), home=home))
    assert version.load(home, second["digest"]).records[-1].fields["text"] == "and [EMAIL_2]"


@pytest.mark.parametrize(
    ("options", "code", "kind"),
    [
        ({"kinds": ["emial"]}, "P320", UsageError),
        ({"kinds": ["name"]}, "P327", UsageError),
        ({"key": "home/k.json"}, "P321", UsageError),
        ({"names": "nowhere"}, "P325", MissingError),
    ],
)
def test_what_it_refuses(table, tmp_path, monkeypatch, options, code, kind):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind) as refusal:
        list(redacting.redact(str(table), home=tmp_path / "home", **options))
    assert refusal.value.code == code
    assert not (tmp_path / "home" / "data").exists()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"format": 1, "key": "zz", "values": {}}', '{"format": 1, "key": "00", "values": {}}'],
)
def test_what_is_no_key_file(table, tmp_path, content):
    key = tmp_path / "k.json"
    key.write_text(content)
    with pytest.raises(IntegrityError) as refusal:
        list(redacting.redact(str(table), key=str(key), home=tmp_path / "home"))
    assert refusal.value.code == "P322"
    assert key.read_text() == content


def test_restoring_without_its_key_file(table, tmp_path):
    result, _ = done(redacting.redact(str(table), home=tmp_path / "home"))
    with pytest.raises(MissingError) as refusal:
        list(redacting.restore(result["version"], key=str(tmp_path / "k.json"), home=tmp_path / "home"))
    assert refusal.value.code == "P323"


def test_forgetting_what_is_not_there(tmp_path):
    with pytest.raises(MissingError) as refusal:
        list(forgetting.forget(["nothing"], home=tmp_path / "home"))
    assert refusal.value.code == "F013"


def test_names_of_a_classifier_are_replaced(table, tmp_path, monkeypatch):
    from tunesmith.inputs.personal_words import Found

    def finder(texts):
        return [[Found(6, 12, "MISC", "name", 0.6)] if text.startswith("where") else [] for text in texts]

    monkeypatch.setattr(redacting.entities, "opened", lambda folder: finder)
    result, notes = done(redacting.redact(str(table), names="folder", home=tmp_path / "home"))
    assert result["replaced"]["name"] == 1
    assert (
        version.load(tmp_path / "home", result["digest"])
        .records[4]
        .fields["text"]
        .startswith("where [NAME_1]")
    )
    assert not notes


def test_rows_too_many_for_memory_go_from_disk_to_disk(table, tmp_path, monkeypatch):
    small, _ = done(redacting.redact(str(table), home=tmp_path / "a"))
    monkeypatch.setattr(stored, "LARGE", 0)
    large, _ = done(redacting.redact(str(table), home=tmp_path / "b"))
    assert large["digest"] == small["digest"]
    assert (large["changed"], large["replaced"]) == (small["changed"], small["replaced"])
    gc.collect()
    assert not [value for value in VALUES if value in stored_text(tmp_path / "b")]
