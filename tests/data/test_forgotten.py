"""A forgotten version: its rows are gone, the log says when, and the same rows may come again."""

from __future__ import annotations

import pytest

from data.rows import records
from tunesmith.data import forgotten, version
from tunesmith.errors import MissingError


def saved(home):
    made = version.make_version(
        records(("a secret", "x"), ("another", "y")), content="labelled", fields=("text", "label")
    )
    version.save(made, home, "tickets")
    return made.digest


def test_its_rows_go_and_its_name_stays(tmp_path):
    digest = saved(tmp_path)
    assert forgotten.holds(tmp_path, digest)
    assert forgotten.when(tmp_path, digest) == ""
    forgotten.forget(tmp_path, digest)
    assert not forgotten.holds(tmp_path, digest)
    assert forgotten.when(tmp_path, digest).startswith("20")
    assert version.find(tmp_path, "tickets@1") == digest
    with pytest.raises(MissingError) as gone:
        version.load(tmp_path, digest)
    assert gone.value.code == "P324"


def test_it_may_be_repeated_and_the_rows_may_come_again(tmp_path):
    digest = saved(tmp_path)
    forgotten.forget(tmp_path, digest)
    forgotten.forget(tmp_path, digest)
    assert saved(tmp_path) == digest
    assert len(version.load(tmp_path, digest).records) == 2
