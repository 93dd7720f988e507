"""The library: verbs as functions, also where a package has the same name; light to import."""

from __future__ import annotations

from pathlib import Path

import pytest

import tunesmith
from tunesmith.errors import MissingError
from tunesmith.evaluate import measure
from tunesmith.train import loop

ROWS = "".join(
    f"my invoice {n * 37} is wrong,billing\nthe app crashes {n * 41} times,technical\n" for n in range(25)
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "asks.csv"
    path.write_text("text,label\n" + ROWS)
    return path


def test_packages_of_the_same_name_are_verbs_too() -> None:
    assert tunesmith.train.loop is loop
    assert tunesmith.evaluate.measure is measure
    with pytest.raises(MissingError, match="N501"):
        tunesmith.evaluate("nobody", "nowhere.csv", home="/nowhere")
    assert callable(tunesmith.train)


def test_a_whole_life_from_python(data: Path, home: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'approach = "linear"\n[data]\nsource = "{data}"\n')
    result = tunesmith.train(recipe)
    assert result["model"] == "asks@1"
    assert "asks@1" in result.show()
    assert tunesmith.evaluate("asks", data)["scores"]["macro_f1"]["value"] > 0.9
    assert tunesmith.compare("asks", "asks@1", on=data)["differences"][0]["value"] == 0
    assert [row["label"] for row in tunesmith.predict("asks", data)][:2] == ["billing", "technical"]
    assert tunesmith.load("asks").predict_texts(["my invoice is wrong"])[0].label == "billing"
    assert tunesmith.check(data)["rows"] == 50


def test_what_there_is_and_is_not() -> None:
    assert set(dir(tunesmith)) == set(tunesmith.__all__)
    assert all(callable(getattr(tunesmith, name)) for name in tunesmith.__all__ if name != "__version__")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tunesmith.nothing  # type: ignore[attr-defined]
