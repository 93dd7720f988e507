"""Files are written whole, named by content, and checked before use."""

from __future__ import annotations

import hashlib
import multiprocessing
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.errors import AccessError, IntegrityError
from tunesmith.store import files


def test_a_write_replaces_the_whole_and_tells_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    assert files.write(path, b"one") == hashlib.sha256(b"one").hexdigest()
    files.write(path, iter([b"tw", b"o"]))
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_producer_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    def chunks():
        yield b"half"
        raise RuntimeError("no more")

    path = tmp_path / "file"
    files.write(path, b"old")
    with pytest.raises(RuntimeError):
        files.write(path, chunks())
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"old"]


def test_only_the_user_may_read_new_folders(tmp_path: Path) -> None:
    folder = files.make_folder(tmp_path / "home")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path: Path) -> None:
    files.write(tmp_path / "home", b"")
    with pytest.raises(AccessError, match="A401") as caught:
        files.write(tmp_path / "home" / "x", b"")
    assert caught.value.fixes


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
@settings(max_examples=150, deadline=None)
def test_canonical_json_is_read_back_and_hashed_alike(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    folder = tmp_path_factory.mktemp("json")
    first = files.write_json(folder / "a", value)
    back = files.read_json(folder / "a")
    assert files.write_json(folder / "b", back) == first
    if isinstance(value, dict):
        assert files.canonical_json(dict(reversed(value.items()))) == files.canonical_json(value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"a": 1} x'])
def test_damaged_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(IntegrityError, match="I301"):
        files.read_json(tmp_path / "x.json")


@given(st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=9)), max_size=6), st.integers(0, 60))
@settings(max_examples=100, deadline=None)
def test_a_log_keeps_every_whole_line(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict], cut: int
) -> None:
    log = tmp_path_factory.mktemp("log") / "log.jsonl"
    assert list(files.read_log(log)) == []
    files.append(log, {"first": True}, *lines)
    assert list(files.read_log(log)) == [{"first": True}, *lines]
    content = log.read_bytes()[: max(1, log.stat().st_size - cut)]
    log.write_bytes(content)
    whole = content.count(b"\n") + (1 if content.endswith(b"}") else 0)
    files.append(log, {"last": True})
    assert list(files.read_log(log)) == [*[{"first": True}, *lines][:whole], {"last": True}]


def bundle(folder: Path) -> str:
    files.write(folder / "a.json", b"{}")
    files.write(folder / "deep" / "b", b"content")
    return files.seal(folder)


def test_a_sealed_folder_is_verified_and_its_digest_is_of_its_content(tmp_path: Path) -> None:
    digest = bundle(tmp_path / "one")
    assert files.verify(tmp_path / "one", digest) == digest == bundle(tmp_path / "two")
    files.write(tmp_path / "two" / "a.json", b"[]")
    assert files.seal(tmp_path / "two") != digest


@pytest.mark.parametrize(
    "harm", ["change", "cut", "remove", "add", "link", "manifest", "no manifest", "escape", "list"]
)
def test_any_harm_is_refused_and_named(tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "one"
    bundle(folder)
    manifest, file = folder / "manifest.json", folder / "deep" / "b"
    named = {
        "add": "new",
        "manifest": "manifest",
        "no manifest": "manifest",
        "escape": "manifest",
        "list": "manifest",
    }
    if harm == "change":
        file.write_bytes(b"contenT")
    elif harm == "cut":
        file.write_bytes(b"conten")
    elif harm in {"remove", "link"}:
        file.rename(tmp_path / "b")
        if harm == "link":
            file.symlink_to(tmp_path / "b")
    elif harm == "add":
        (folder / "new").write_bytes(b"")
    elif harm == "manifest":
        manifest.write_bytes(manifest.read_bytes()[:-30])
    elif harm == "no manifest":
        manifest.unlink()
    elif harm == "escape":
        files.write_json(manifest, {"files": {"../b": {"bytes": 0, "sha256": ""}}})
    else:
        files.write_json(manifest, ["files"])
    with pytest.raises(IntegrityError) as caught:
        files.verify(folder)
    assert named.get(harm, "deep/b") in caught.value.found
    assert caught.value.where


def test_another_whole_folder_is_not_the_registered_one(tmp_path: Path) -> None:
    digest = bundle(tmp_path / "one")
    files.write(tmp_path / "one" / "a.json", b"[]")
    files.seal(tmp_path / "one")
    files.verify(tmp_path / "one")
    with pytest.raises(IntegrityError, match="not the one that was registered"):
        files.verify(tmp_path / "one", digest)


def test_moving_setting_aside_removing(tmp_path: Path) -> None:
    digest = bundle(tmp_path / "one")
    bundle(tmp_path / "two")
    for name in ("one", "two"):
        files.move_folder(tmp_path / name, tmp_path / "models" / digest)
        assert not (tmp_path / name).exists()
    aside = files.set_aside(tmp_path / "models" / digest, "torn")
    assert files.verify(aside, digest)
    files.remove(aside)
    files.remove(aside)
    assert list((tmp_path / "models").iterdir()) == []


def _count(folder: Path) -> None:
    for _ in range(25):
        with files.lock(folder / "lock"):
            number = files.read_json(folder / "n")
            files.write_json(folder / "n", number + 1)


def test_a_lock_orders_processes(tmp_path: Path) -> None:
    files.write_json(tmp_path / "n", 0)
    workers = [multiprocessing.Process(target=_count, args=(tmp_path,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert files.read_json(tmp_path / "n") == 100
