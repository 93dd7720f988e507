"""Data sets of the hub, read from a cache that the tests lay out as `huggingface_hub` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.data import source
from tunesmith.errors import MissingError
from tunesmith.fields import Record

pytest.importorskip("huggingface_hub")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CSV = "text,label\n{} words,a\nmore words,b\n"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The snapshot's folder of acme/tickets, still empty."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    home = tmp_path / "datasets--acme--tickets"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(COMMIT)
    snapshot = home / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    return snapshot


def write(root: Path, *names: str) -> None:
    """CSV files as links into the blobs, which is how the cache keeps them."""
    for name in names:
        blob = root.parents[1] / "blobs" / name.replace("/", "-")
        blob.parent.mkdir(exist_ok=True)
        blob.write_text(CSV.format(name))
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(blob)


def read(uri: str) -> list[Record]:
    return [row for row in source.rows(source.sniff(uri)) if isinstance(row, Record)]


def refusal(uri: str) -> MissingError:
    with pytest.raises(MissingError) as caught:
        read(uri)
    assert caught.value.fixes
    return caught.value


def test_splits_are_told_by_names(cache: Path) -> None:
    write(
        cache,
        "data/train-00000-of-00002.csv",
        "data/train-00001-of-00002.csv",
        "data/test-00000-of-00001.csv",
    )
    rows = read("hf://datasets/acme/tickets")
    assert [row.fields["split"] for row in rows] == ["train"] * 4 + ["test"] * 2
    assert rows[0].place.id == "data/train-00000-of-00002.csv:2"
    only = read("hf://datasets/acme/tickets@main/test")
    assert len(only) == 2
    assert "split" not in only[0].fields
    assert len(read(f"hf://datasets/acme/tickets@{COMMIT}/train")) == 4


def test_the_commit_is_kept_for_the_lineage(cache: Path) -> None:
    write(cache, "train.csv")
    (known,) = source.origins(source.sniff("hf://datasets/acme/tickets"))
    assert known["origin"] == f"hf://datasets/acme/tickets@{COMMIT}"
    assert len(read("hf://datasets/acme/tickets/train")) == 2


def test_the_card_says_which_files_a_configuration_has(cache: Path) -> None:
    write(cache, "en/a.csv", "en/b.csv", "de/a.csv")
    (cache / "README.md").write_text(
        "---\nlicense: mit\nconfigs:\n- config_name: en\n  data_files:\n  - split: train\n    path: en/a.csv\n"
        "  - split: held_out\n    path: [en/b*.csv, ../../../../secret.csv, /etc/passwd]\n"
        "- config_name: de\n  data_files: de/*.csv\n---\n# Tickets\n"
    )
    assert read("hf://datasets/acme/tickets:en/train")[0].fields["text"] == "en/a.csv words"
    assert read("hf://datasets/acme/tickets:en/held_out")[0].fields["text"] == "en/b.csv words"
    assert len(read("hf://datasets/acme/tickets:de")) == 2
    error = refusal("hf://datasets/acme/tickets")
    assert error.code == "F017"
    assert error.expected == "one of: de, en"
    assert refusal("hf://datasets/acme/tickets:eng").fixes == (
        "tunesmith data check hf://datasets/acme/tickets:en",
    )


def test_a_folder_is_a_configuration_too(cache: Path) -> None:
    write(cache, "en/train.csv", "de/train.csv", "de/test.csv")
    assert len(read("hf://datasets/acme/tickets:de/test")) == 2
    assert refusal("hf://datasets/acme/tickets:de/validation").expected == "one of: test, train"


@pytest.mark.parametrize("uri", ["hf://datasets/acme/other", "hf://datasets/acme/tickets@v9"])
def test_what_was_not_downloaded_says_how(cache: Path, uri: str) -> None:
    error = refusal(uri)
    assert error.code == "F016"
    assert error.fixes[0].startswith("hf download acme/")


@pytest.mark.parametrize(
    "uri", ["hf://acme/tickets", "hf://datasets/acme", "hf://datasets/../../etc", "hf://datasets/a/b@x y"]
)
def test_an_address_that_is_none(cache: Path, uri: str) -> None:
    assert refusal(uri).code == "F017"
