"""The folder is the registry: names, line one, the one public class, and plugins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tunesmith import catalog
from tunesmith.errors import MissingError, UsageError
from tunesmith.parts import Metric, Section
from tunesmith.recipe import toml
from tunesmith.recipe.sections import Part

TUNING = '''"""Moves every second layer."""
from tunesmith.parts import Section

class _Helper: ...

class EverySecond(Section):
    """Moves every second layer."""
    step: int = 2
'''


def plug(folder: Path, kind: str, name: str, text: str) -> None:
    (folder / kind).mkdir(exist_ok=True)
    (folder / kind / f"{name}.py").write_text(text)


@pytest.mark.parametrize("kind", sorted(catalog.HOMES))
def test_every_part_has_a_legal_name_a_sentence_and_one_class(kind: str) -> None:
    for name in catalog.names(kind):
        assert name == name.lower().replace("_", "-")
        assert catalog.summary(kind, name).rstrip().endswith((".", "?")), name
        assert isinstance(catalog.part(kind, name), type)


def test_names_are_kebab_case_and_either_spelling_is_found() -> None:
    assert "macro-f1" in catalog.names("metric")
    assert catalog.part("metric", "macro-f1") is catalog.part("metric", "macro_f1")
    assert issubclass(catalog.part("metric", "macro-f1"), Metric)


def test_an_unknown_part_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        catalog.part("metric", "makro-f1")
    assert (caught.value.code, caught.value.fixes) == ("C103", ('name = "macro-f1"',))
    assert "macro-f1" in caught.value.expected


@pytest.mark.parametrize("name", ["../secrets", "__init__", "", "a.b", "/etc/passwd", "_counts"])
def test_a_name_never_reaches_outside_its_folder(name: str) -> None:
    with pytest.raises(UsageError, match="C103"):
        catalog.part("metric", name)


def test_a_file_in_the_plugin_folder_is_a_part_at_once(plugins: Path) -> None:
    plug(plugins, "tuning", "every_second", TUNING)
    assert "every-second" in catalog.names("tuning")
    assert catalog.summary("tuning", "every-second") == "Moves every second layer."
    made = catalog.make("tuning", Part(name="every-second", options={"step": 3}))
    assert isinstance(made, Section)
    assert made.model_dump() == {"step": 3}


def test_a_plugin_is_a_section_of_the_recipe(plugins: Path) -> None:
    plug(plugins, "tuning", "every_second", TUNING)
    text = '[data]\nsource = "a"\n[tuning]\nname = "every-second"\n'
    assert toml.loads(text + "step = 3").tuning.options == {"step": 3}
    with pytest.raises(UsageError, match="C101") as caught:
        toml.loads(text + "stepp = 3")
    assert '"step"' in caught.value.fixes[0]
    assert ("tuning[every-second].step", "integer", 2, "") in toml.schema()


def test_a_plugin_does_not_replace_what_is_built_in(plugins: Path) -> None:
    plug(plugins, "metric", "accuracy", '"""Always one."""\nclass Cheat: ...\n')
    assert catalog.part("metric", "accuracy").__module__ == "tunesmith.evaluate.metrics.accuracy"


@pytest.mark.parametrize("body", ["", "class One: ...\nclass Two: ...\n", "class _Hidden: ...\n"])
def test_a_file_without_exactly_one_public_class_is_refused(plugins: Path, body: str) -> None:
    plug(plugins, "rule", "odd", f'"""Odd."""\n{body}')
    with pytest.raises(MissingError, match="E502"):
        catalog.part("rule", "odd")


def test_listing_imports_nothing_heavy() -> None:
    program = (
        "import sys; from tunesmith import catalog\n"
        "print(*[catalog.summary(kind, name) for kind in catalog.HOMES for name in catalog.names(kind)])\n"
        "print(*[name for name in ('numpy', 'torch', 'pydantic', 'tunesmith.parts') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == ""
