"""The documentation: its snippets run, its links lead somewhere, its reference and its tree are what the code is."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tunesmith import library

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")]
    if path.name != "CONTRIBUTING.md" or path.parent == ROOT
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
EXIT = re.compile(r"\s+# exit (\d+)$")
TREE = re.compile(r"^( *)(\S+)")
# `up` gets four seconds here, from Python too: the rungs that need no network fit into it
SHIM = """#!/bin/sh
verb=$1
[ "$verb" = up ] && shift && set -- up "$@" --budget 4s
exec "{python}" -m tunesmith "$@"
"""
# run once: what it makes is there for all pages
SHARED = ("tunesmith up examples/tickets.csv --budget 3m", "tunesmith up tickets.csv")


def blocks(path: Path) -> list[tuple[str, str]]:
    """(language, text) of each fenced block."""
    return FENCE.findall(path.read_text("utf-8"))


def runnable() -> list[Path]:
    """Pages with snippets that run; the examples of CONTRIBUTING have a test of their own."""
    pages = [path for path in PAGES if path.name != "CONTRIBUTING.md"]
    return [path for path in pages if {"python", "console"} & {language for language, _ in blocks(path)}]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# ---- snippets ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home in which `tickets@1` is registered and a command `tunesmith`; what is made is shared."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "bin").mkdir()
    (folder / "bin" / "tunesmith").write_text(SHIM.format(python=sys.executable))
    (folder / "bin" / "tunesmith").chmod(0o755)
    (folder / "bin" / "python").symlink_to(sys.executable)
    shutil.copytree(ROOT / "examples", folder / "examples")
    _shorten(folder / "examples" / "tickets.csv")
    environment = {**os.environ, "TUNESMITH_HOME": str(folder / "home"), "TUNESMITH_NO_PROGRESS": "1"}
    command = [str(folder / "bin" / "tunesmith"), *SHARED[0].split()[1:]]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=200)
    assert done.returncode == 0, done.stderr
    return folder


def _shorten(path: Path) -> None:
    """Keep the first rows of a table: a snippet has to run, not to score."""
    text = path.read_text("utf-8")
    path.write_text(text[: text.index("\nT-00260;") + 1], "utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("page", runnable(), ids=relative)
def test_snippets_run(page: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(place / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path if page.parent == ROOT else tmp_path / "examples")
    monkeypatch.setenv("TUNESMITH_HOME", str(place / "home"))
    monkeypatch.setenv("PATH", f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TUNESMITH_PLUGINS", "")
    monkeypatch.setattr(library, "seconds", lambda budget: 4.0)
    names: dict[str, Any] = {"__name__": "docs"}
    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, relative(page), "exec"), names)
        elif language == "console":
            for line in text.splitlines():
                _run(line)


def _run(line: str) -> None:
    """A line '$ command'; other lines of a console block are what it printed."""
    if not line.startswith("$ "):
        return
    if line.removeprefix("$ ") in SHARED:
        return
    expected = EXIT.search(line)
    command = ["bash", "-c", EXIT.sub("", line).removeprefix("$ ")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL)
    assert done.returncode == (int(expected[1]) if expected else 0), f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_toml_blocks_are_toml(page: Path) -> None:
    import tomllib

    for language, text in blocks(page):
        if language == "toml":
            assert tomllib.loads(text)


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.toml")), ids=relative)
def test_recipes_are_valid_and_say_what_to_expect(path: Path) -> None:
    from tunesmith.recipe import toml

    recipe = toml.load(path)
    assert toml.loads(toml.dumps(recipe)) == recipe
    head = path.read_text("utf-8").partition("\ntask =")[0]
    for word in (f"# command   tunesmith train recipes/{path.name}", "\n# expected  ", "\n# takes     "):
        assert word in head


# ---- links and the tree -----------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        goal = (page.parent / target).resolve() if target else page
        assert goal.exists(), f"{link} of {relative(page)} leads nowhere"
        if anchor and goal.suffix == ".md":
            assert anchor in anchors(goal), f"{link} of {relative(page)} leads to no heading"


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link).resolve() for link in LINK.findall(index.read_text("utf-8"))}
    lacking = [relative(path) for path in (ROOT / "docs").rglob("*.md") if path not in {*linked, index}]
    assert not lacking


def tree() -> list[str]:
    """The paths of the README's annotated tree: one a line, folders end in /, two blanks deeper is inside."""
    text = next(text for _, text in blocks(ROOT / "README.md") if "\nsrc/tunesmith/" in text)
    paths: list[str] = []
    parents: list[str] = []
    for line in text.splitlines():
        found = TREE.match(line)
        assert found, line
        parents = [*parents[: len(found[1]) // 2], found[2]]
        paths.append("".join(parents))
    return paths


def test_the_tree_of_the_readme_is_the_tree() -> None:
    paths = tree()
    assert all((ROOT / path).exists() for path in paths), [
        path for path in paths if not (ROOT / path).exists()
    ]
    source = ROOT / "src" / "tunesmith"
    ours = {path for path in source.iterdir() if path.is_dir() or path.suffix == ".py"}
    wanted = {relative(path) + "/" * path.is_dir() for path in ours if not path.name.startswith("__")}
    assert wanted - set(paths) == set()


# ---- the reference ----------------------------------------------------------------------------------------------


def maker() -> Any:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_making_the_reference_again_changes_nothing() -> None:
    made = maker().pages()
    folder = ROOT / "docs" / "reference"
    assert {path.name for path in folder.iterdir()} == set(made)
    changed = [name for name, text in made.items() if (folder / name).read_text("utf-8") != text]
    assert not changed, "run: python docs/make_reference.py"


def test_the_reference_is_complete() -> None:
    from tunesmith.cli.main import COMMANDS
    from tunesmith.recipe import schema

    made = maker().pages()
    assert all(f"## `tunesmith {name}" in made["cli.md"] for name in COMMANDS)
    assert all(f"| `{path}` |" in made["recipe.md"] for path, *_ in schema.schema())
    assert all(f"### {code}\n" in made["codes.md"] for code in maker().desk.explanations())
