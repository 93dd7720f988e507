"""The commands redact, restore and forget, as typed."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "mails.csv"
    path.write_text(
        'text,label\n"write to jo@example.org now",a\n"call 020 7946 0123 please",b\n"nothing",a\n'
    )
    return path


def test_redact_says_what_it_replaced_and_how_to_go_back(run, table, tmp_path):
    key = tmp_path / "keys" / "k.json"
    done = run(
        "data", "redact", str(table), "--form", "text-label", "--key", str(key), "--kinds", "email,phone"
    )
    assert done.code == 0, done.err
    assert "1 email, 1 phone in 2 of 3 rows" in done.out
    assert f"tunesmith data restore mails@1 --key {key}" in done.out
    assert "jo@example.org" not in done.out + done.err
    back = run("data", "restore", "mails@1", "--key", str(key), "--json")
    assert json.loads(back.out)["restored"] == 2
    gone = run("data", "forget", "mails")
    assert gone.code == 0, gone.err
    assert "mails is mails@1 again" in gone.out
    assert run("data", "show", "mails").code == 0
    assert run("data", "show", "mails@2").code == 5


def test_redact_as_json(run, table):
    done = run("data", "redact", str(table), "--form", "text-label", "--kinds", "phone", "--json")
    value = json.loads(done.out)
    assert value["replaced"] == {"phone": 1}
    assert value["version"] == "mails@1"


def test_redact_says_where_nothing_was_found(run, tmp_path):
    path = tmp_path / "plain.csv"
    path.write_text("text,label\nwhere is it,a\nit came late,b\nthank you,a\n")
    done = run("data", "redact", str(path), "--key", str(tmp_path / "k.json"))
    assert done.code == 0, done.err
    assert done.out == "plain@1: nothing was found in 3 rows; nothing was replaced\n"
    assert "warning" not in done.err
    assert "still stand" not in done.err


def test_an_unknown_kind_is_refused(run, table):
    done = run("data", "redact", str(table), "--kinds", "telephone")
    assert done.code == 2
    assert "P320" in done.err


def test_check_points_to_redact_and_never_shows_the_value(run, table):
    done = run("data", "check", str(table), "--form", "text-label", "--json")
    found = {each["code"]: each for each in json.loads(done.out)["findings"]}
    assert {"P301", "P302", "P310"} <= found.keys()
    assert "data redact" in found["P301"]["fix"]["command"]
    assert "jo@example.org" not in done.out + done.err
    assert "--names" in done.err
