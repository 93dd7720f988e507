"""Every form in which a model leaves: refusals without weights, files whose proof holds, options with an effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import exporting
from tunesmith import catalog
from tunesmith.lifecycle import origins
from tunesmith.parts import Export, Obstacle
from tunesmith.store import files

pytestmark = pytest.mark.neural
FORMS = catalog.names("export")
# another value of each option, as it is typed
OTHER: dict[str, str] = {
    "dtype": "bfloat16",
    "type": "q8_0",
    "system": "Be kind.",
    "temperature": "0.5",
    "num_ctx": "100",
}
MODELS = ("lora", "full")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home in which a model of each tuning is registered."""
    folder = tmp_path_factory.mktemp("exports")
    base = exporting.base(folder / "base")
    for seed, tuning in enumerate(MODELS):
        exporting.registered(folder / "home", base, tuning=tuning, seed=seed)
    return folder


def fitting(form: str, place: Path) -> str:
    """A model that can have the form."""
    part: Export = catalog.part("export", form)()
    if part.library:
        pytest.importorskip(part.library, reason=f"{part.library} is absent")
    for seed in range(len(MODELS)):
        if part.obstacle(origins.origin(*origins.found(f"adapter-{seed}", place / "home"))) is None:
            return f"adapter-{seed}"
    raise AssertionError(f"no model can be had as {form}")


@pytest.mark.parametrize("form", FORMS)
def test_an_obstacle_is_found_without_weights(form: str, place: Path) -> None:
    part: Export = catalog.part("export", form)()
    for seed in range(len(MODELS)):
        origin = origins.origin(*origins.found(f"adapter-{seed}", place / "home"))
        found = part.obstacle(origin)
        assert found is None or (
            isinstance(found, Obstacle) and all((found.code, found.found, found.expected))
        )


@pytest.mark.parametrize("form", FORMS)
def test_the_files_are_read_again_by_somebody_else_and_agree(form: str, place: Path, tmp_path: Path) -> None:
    exporting.exported(fitting(form, place), form, tmp_path / "out", place / "home")
    files.verify(tmp_path / "out")
    said = files.read_json(tmp_path / "out" / "parity.json")["agreements"]
    kinds = {each["what"] for each in said}
    assert {"log-probabilities", "greedy answers", "texts as tokens", "tensors"} <= kinds
    assert all(each["n"] and not each["wrong"] for each in said)
    assert all(each["by"] for each in said)


OPTIONS = [(form, key) for form in FORMS for key in catalog.part("export", form).model_fields]


@pytest.mark.parametrize(("form", "key"), OPTIONS, ids=["-".join(pair) for pair in OPTIONS])
def test_every_option_changes_what_is_written(form: str, key: str, place: Path, tmp_path: Path) -> None:
    ref = fitting(form, place)
    for name, overrides in (("one", ()), ("other", (f"{key}={OTHER[key]}",))):
        exporting.exported(ref, form, tmp_path / name, place / "home", *overrides)
    one, other = (_digests(tmp_path / name) for name in ("one", "other"))
    assert one.keys() == other.keys() and one != other


def _digests(folder: Path) -> dict[str, Any]:
    known = files.read_json(folder / files.MANIFEST)["files"]
    return {name: entry for name, entry in known.items() if name not in ("parity.json", "README.md")}
