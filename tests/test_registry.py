"""Names and versions: dense numbers, stages, roll-backs, and a journal that survives damage and loss."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.errors import GateError, IntegrityError, MissingError, UsageError
from tunesmith.names import check_name
from tunesmith.registry import ModelVersion, Registry, slug
from tunesmith.store import files


def bundle(
    folder: Path, content: str, name: str = "tickets", gate: dict[str, Any] | None = None, at: str = ""
) -> str:
    files.write_json(folder / "bundle.json", {"format": 1, "name": name})
    files.write_json(folder / "lineage.json", {"created": at or f"2026-11-{content[:2]}"})
    files.write_json(folder / "evaluation.json", {"gate": gate} if gate else {})
    files.write(folder / "model" / "weights", content.encode())
    return files.seal(folder)


def register(
    home: Path, content: str, name: str = "tickets", gate: dict[str, Any] | None = None
) -> ModelVersion:
    staging = home / "staging" / f"{os.getpid()}-{content}"
    digest = bundle(staging, content, name, gate)
    return Registry(home).register(
        staging, name, digest, {"created": f"2026-11-{content[:2]}", "data": content}
    )


def refs(home: Path) -> list[str]:
    return [version.ref for version in Registry(home).models()]


def test_a_bundle_gets_the_next_number_and_a_place_by_its_content(home: Path) -> None:
    first, second = register(home, "01"), register(home, "02")
    assert (first.ref, second.ref) == ("tickets@1", "tickets@2")
    assert first.folder == home / "models" / first.digest[:2] / first.digest
    assert files.verify(first.folder, first.digest) == first.digest
    assert (first.created, first.lineage["data"]) == ("2026-11-01", "01")
    assert list((home / "staging").iterdir()) == []
    assert "tickets" not in "".join(path.as_posix() for path in (home / "models").rglob("*"))


def test_the_same_bundle_under_one_name_is_one_version(home: Path) -> None:
    first, again = register(home, "01"), register(home, "01")
    assert (again, refs(home)) == (first, ["tickets@1"])
    other = home / "staging" / "other"
    Registry(home).register(other, "spam", bundle(other, "01"), {})
    assert refs(home) == ["spam@1", "tickets@1"]


def test_references(home: Path) -> None:
    for content in ("01", "02", "03"):
        register(home, content)
    registry = Registry(home)
    assert registry.find("tickets").number == 3
    registry.promote("tickets@2")
    assert [registry.find(f"tickets{tail}").number for tail in ("", "@production", "@latest", "@1")] == [
        2,
        2,
        3,
        1,
    ]
    assert registry.find("tickets").to_dict()["stage"] == "production"


@pytest.mark.parametrize(
    ("ref", "code"), [("tikets", "N501"), ("", "N501"), ("../x", "N501"), ("tickets@9", "N502")]
)
def test_unknown_references(home: Path, ref: str, code: str) -> None:
    register(home, "01")
    with pytest.raises(MissingError) as caught:
        Registry(home).find(ref)
    assert caught.value.code == code
    assert caught.value.fixes
    if ref == "tikets":
        assert caught.value.fixes[0] == "use tickets"


def test_nothing_is_in_production_at_first(home: Path) -> None:
    register(home, "01")
    with pytest.raises(MissingError, match="N502"):
        Registry(home).find("tickets@production")
    with pytest.raises(MissingError, match="N507"):
        Registry(home).rollback("tickets")
    with pytest.raises(MissingError, match="N501"):
        Registry(home / "elsewhere").find("tickets")


def test_rolling_back_walks_the_promotions_backwards(home: Path) -> None:
    for content in ("01", "02", "03"):
        register(home, content)
    registry = Registry(home)
    for number in (1, 3, 3, 2):
        assert registry.promote(f"tickets@{number}").stage == "production"
    assert [registry.rollback("tickets").number for _ in range(2)] == [3, 1]
    with pytest.raises(MissingError, match="N507"):
        registry.rollback("tickets")
    assert registry.find("tickets@production").number == 1
    deeds = [(entry["do"], entry["number"]) for entry in registry.history("tickets")]
    assert deeds[3:] == [("promote", 1), ("promote", 3), ("promote", 2), ("rollback", 3), ("rollback", 1)]


def test_a_version_that_failed_its_gate_is_not_promoted(home: Path) -> None:
    finding = {"severity": "error", "message": "macro_f1 0.7 is under 0.8"}
    register(home, "01", gate={"passed": True})
    register(home, "02", gate={"passed": False, "findings": [finding]})
    registry = Registry(home)
    registry.promote("tickets@1")
    with pytest.raises(GateError, match=r"N506.*macro_f1 0\.7") as caught:
        registry.promote("tickets@2")
    assert caught.value.exit_code == 8
    assert registry.find("tickets").number == 1


def test_a_bundle_that_is_not_what_it_should_be_is_refused(home: Path) -> None:
    staging = home / "staging" / "x"
    digest = bundle(staging, "01")
    (staging / "model" / "weights").write_bytes(b"02")
    with pytest.raises(IntegrityError, match="I302"):
        Registry(home).register(staging, "tickets", digest, {})
    assert refs(home) == []


def test_a_damaged_bundle_is_replaced_when_it_is_registered_again(home: Path) -> None:
    first = register(home, "01")
    (first.folder / "model" / "weights").write_bytes(b"damaged")
    again = register(home, "01")
    assert files.verify(again.folder, again.digest) == first.digest
    assert any("damaged" in path.name for path in first.folder.parent.iterdir())


@pytest.mark.parametrize("name", ["", "Tickets", "-x", "a/b", "..", "a" * 65, "tickets\n", "täglich", "a@b"])
def test_names_that_no_model_can_have(home: Path, name: str) -> None:
    staging = home / "staging" / "x"
    digest = bundle(staging, "01")
    with pytest.raises(UsageError) as caught:
        Registry(home).register(staging, name, digest, {})
    assert caught.value.code == "C108"


@given(st.text(max_size=80))
def test_any_text_has_a_legal_slug(text: str) -> None:
    check_name(slug(text))
    assert slug(slug(text)) == slug(text)


def test_slugs_read_like_their_texts() -> None:
    given_ = ["Täglich (neu)", "tickets", "Sales 2026.Q1", "...", "日本"]
    assert [slug(text) for text in given_] == ["taglich-neu", "tickets", "sales-2026.q1", "model", "model"]


def test_a_torn_journal_loses_nothing_that_was_whole(home: Path) -> None:
    register(home, "01")
    journal = home / "registry.jsonl"
    with journal.open("ab") as file:
        file.write(b'7\n{"do": "promote"}\n{"do": "register", "name": "tick')
    register(home, "02")
    assert refs(home) == ["tickets@1", "tickets@2"]


def test_a_lost_journal_is_rebuilt_from_the_whole_bundles(home: Path) -> None:
    for content in ("03", "01", "02"):
        register(home, content)
    damaged = register(home, "04")
    (damaged.folder / "model" / "weights").unlink()
    (home / "registry.jsonl").unlink()
    found = [(version.ref, version.created) for version in Registry(home).models()]
    assert found == [("tickets@1", "2026-11-01"), ("tickets@2", "2026-11-02"), ("tickets@3", "2026-11-03")]
    assert register(home, "05").number == 4


def test_rebuilding_sets_the_old_journal_aside(home: Path) -> None:
    register(home, "01")
    Registry(home).promote("tickets")
    rebuilt = Registry(home).rebuild()
    assert [(version.ref, version.stage) for version in rebuilt] == [("tickets@1", "")]
    assert len(list(home.glob("registry.jsonl.replaced-*"))) == 1


def _register_many(home: Path, worker: int) -> None:
    for index in range(20):
        register(home, f"{index:02d}-{worker}")


@pytest.mark.timeout(60)
def test_eight_processes_lose_no_version_and_leave_no_gap(home: Path) -> None:
    workers = [multiprocessing.Process(target=_register_many, args=(home, number)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(50)
        assert worker.exitcode == 0
    versions = Registry(home).models()
    assert [version.number for version in versions] == list(range(1, 161))
    assert len({version.digest for version in versions}) == 160
    assert {version.lineage["data"] for version in versions} == {
        f"{i:02d}-{w}" for i in range(20) for w in range(8)
    }
