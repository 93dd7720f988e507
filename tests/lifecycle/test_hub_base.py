"""A whole life on a base that a hub's cache holds: found offline, trained, proven by a server, loaded again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import tinybase
from tunesmith import doors, lifecycle
from tunesmith.errors import IntegrityError, NetworkError
from tunesmith.lifecycle import serving
from tunesmith.model import Model
from tunesmith.store import files

pytestmark = pytest.mark.neural
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with one repository, acme/tiny, for this process and its children."""
    cache = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(doors.open("huggingface_hub.constants"), "HF_HUB_CACHE", str(cache))
    place = cache / "models--acme--tiny"
    shutil.copytree(tinybase.make(files.make_folder(tmp_path / "base")), place / "snapshots" / COMMIT)
    files.write(place / "refs" / "main", COMMIT.encode())
    return place


def test_a_base_by_its_hub_id_from_recipe_to_server(repository: Path, tmp_path: Path) -> None:
    recipe, home = tmp_path / "recipe.toml", tmp_path / "home"
    data = tinybase.table(tmp_path / "rows.csv", 90)
    recipe.write_text(
        f'base = "acme/tiny"\n[data]\nsource = {json.dumps(str(data))}\n'
        '[approach]\nname = "tune"\n[tuning]\nname = "lora"\n'
        '[train]\nepochs = 1\ndtype = "float32"\nthreads = 1\n'
    )
    result = lifecycle.run(lifecycle.train(recipe, home=home, offline=True))
    bundle = Path(result["bundle"])
    assert (bundle / "base.json").is_file() or "acme/tiny" in (bundle / "recipe.toml").read_text()
    process, address = serving.start(result["model"], home, 0)
    try:
        serving.require(serving.prove(Model.load(bundle, name=result["model"]), bundle, address))
    finally:
        serving.stop(process)
    files.write(repository / "snapshots" / COMMIT / "model.safetensors", b"other weights")
    with pytest.raises(IntegrityError):
        Model.load(bundle).predict_texts(["my parcel is late"])
    shutil.rmtree(repository)
    with pytest.raises(NetworkError):
        Model.load(bundle).predict_texts(["my parcel is late"])
