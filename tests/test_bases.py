"""Base models: names, folders, hub ids from a cache, and weights that are not the published ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tunesmith import bases, doors
from tunesmith.bases import resolve
from tunesmith.errors import IntegrityError, MissingError, NetworkError
from tunesmith.store import files

ORG, COMMIT = "acme/tiny", "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    base = tmp_path / "base"
    files.write_json(base / "config.json", {"hidden_size": 8, "auto_map": {"AutoModel": "evil.Model"}})
    files.write_json(base / "tokenizer.json", {})
    files.write(base / "model.safetensors", b"weights")
    return base


def test_a_local_folder_is_a_base_without_the_keys_that_name_code(folder: Path) -> None:
    base = resolve(str(folder))
    assert base.folder == folder.resolve()
    assert base.digest == files.sha256(folder / "model.safetensors")
    assert dict(base.config) == {"hidden_size": 8}


def test_changed_weights_are_noticed(folder: Path) -> None:
    digest = resolve(str(folder)).digest
    assert resolve(str(folder), digest=digest).digest == digest
    with pytest.raises(IntegrityError) as caught:
        resolve(str(folder), digest="0" * 64)
    assert caught.value.code == "B203"


def test_shards_are_hashed_together(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    for number in (1, 2):
        files.write(folder / f"model-0000{number}-of-00002.safetensors", bytes([number]))
    one = resolve(str(folder)).digest
    shutil.copytree(folder, folder.parent / "copy")
    assert resolve(str(folder.parent / "copy")).digest == one
    files.write(folder.parent / "copy" / "model-00001-of-00002.safetensors", b"x")
    shutil.copytree(folder.parent / "copy", folder.parent / "third")
    assert resolve(str(folder.parent / "third")).digest != one


@pytest.mark.parametrize("lacking", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_folder_that_lacks_a_file_says_which(folder: Path, lacking: str) -> None:
    (folder / lacking).rename(folder / "pytorch_model.bin")
    with pytest.raises(MissingError, match=lacking) as caught:
        resolve(str(folder))
    assert caught.value.code == "B202"


@pytest.mark.parametrize("name", ["minilmm", "./nowhere", "/nowhere/at/all", "~/nowhere/x"])
def test_an_unknown_name_lists_the_known(name: str) -> None:
    with pytest.raises(MissingError) as caught:
        resolve(name)
    assert (caught.value.code, caught.value.fixes) == ("B201", ("--base minilm",))


def test_minilm_lacking_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bases.KNOWN, "minilm", ("no-such-package", "0" * 64))
    with pytest.raises(MissingError, match="B201") as caught:
        resolve("minilm")
    assert caught.value.fixes[0] == 'pip install "tunesmith[train]"'


@pytest.mark.neural
def test_minilm_is_found_and_is_the_published_one(monkeypatch: pytest.MonkeyPatch) -> None:
    base = resolve("minilm", offline=True)
    assert base.digest == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert base.config["hidden_size"] == 384
    monkeypatch.setitem(bases.KNOWN, "minilm", (bases.KNOWN["minilm"][0], "1" * 64))
    with pytest.raises(IntegrityError, match="B203") as caught:
        resolve("minilm")
    assert "force-reinstall" in caught.value.fixes[0]


@pytest.mark.neural
def test_a_hub_id_is_found_in_a_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "hub"
    repository = cache / f"models--{ORG.replace('/', '--')}"
    shutil.copytree(folder, repository / "snapshots" / COMMIT)
    files.write(repository / "refs" / "main", COMMIT.encode())
    monkeypatch.setattr(doors.open("huggingface_hub.constants"), "HF_HUB_CACHE", str(cache))
    base = resolve(ORG, offline=True)
    assert base.folder == repository / "snapshots" / COMMIT
    assert base.digest == files.sha256(folder / "model.safetensors")


@pytest.mark.neural
def test_a_hub_id_that_is_not_cached_needs_the_network() -> None:
    with pytest.raises(NetworkError) as caught:
        resolve("acme/nowhere", offline=True)
    assert (caught.value.code, caught.value.exit_code) == ("B204", 7)
