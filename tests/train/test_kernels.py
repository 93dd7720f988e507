"""The library of passes: compiled once, checked before it is loaded, refused with words where it can't be made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tunesmith.errors import UsageError
from tunesmith.recipe.sections import Train

pytest.importorskip("torch")

from tunesmith.nn import passes
from tunesmith.train.engine import kernels

pytestmark = pytest.mark.neural
needs_compiler = pytest.mark.skipif(not kernels.able(), reason="no C compiler here, or torch without OpenMP")


@pytest.fixture(autouse=True)
def forgotten() -> object:
    yield
    passes.use(None)


@needs_compiler
def test_it_is_compiled_once_and_again_when_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, plain = [], kernels._make
    monkeypatch.setattr(kernels, "_make", lambda *given: (made.append(1), plain(*given)))
    kernels.use("own", tmp_path)
    kernels.use("own", tmp_path)
    assert passes.ready() and len(made) == 1
    library, _ = kernels.library(tmp_path)
    content = library.read_bytes()
    library.write_bytes(content[:-1] + b"?")
    assert kernels.library(tmp_path)[0].read_bytes() == content and len(made) == 2


@needs_compiler
def test_another_source_is_another_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = kernels.library(tmp_path)
    other = tmp_path / "other.c"
    other.write_text(passes.SOURCE.read_text("utf-8") + "\n", encoding="utf-8")
    monkeypatch.setattr(passes, "SOURCE", other)
    assert kernels.library(tmp_path)[0] != first


@needs_compiler
def test_a_failing_compiler_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.c"
    broken.write_text("this is no C", encoding="utf-8")
    monkeypatch.setattr(passes, "SOURCE", broken)
    with pytest.raises(UsageError) as refused:
        kernels.use("own", tmp_path)
    assert refused.value.code == "C178" and "error" in refused.value.found
    assert not list(tmp_path.glob("kernels/*/*.so"))


def test_without_a_compiler_torch_is_taken_and_ours_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels.shutil, "which", lambda _: None)
    assert kernels.usual(Train(), "cpu") == "torch"
    assert kernels.usual(Train(kernels="own"), "cpu") == "own"
    with pytest.raises(UsageError) as refused:
        kernels.use("own", tmp_path)
    assert refused.value.code == "C178" and refused.value.fixes == ("--set train.kernels=torch",)


@needs_compiler
def test_what_is_chosen_by_itself() -> None:
    assert kernels.usual(Train(), "cpu") == "own"
    assert kernels.usual(Train(), "cuda") == "torch"
    assert kernels.usual(Train(compile="on"), "cpu") == "torch"
    assert kernels.usual(Train(kernels="torch"), "cpu") == "torch"


def test_a_compiler_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("cc", 1)

    monkeypatch.setattr(kernels, "compiler", lambda: "cc")
    monkeypatch.setattr(kernels, "_openmp", lambda: "libgomp.so")
    monkeypatch.setattr(kernels.subprocess, "run", hangs)
    kernels._version.cache_clear()
    with pytest.raises(UsageError) as refused:
        kernels.use("own", tmp_path)
    assert refused.value.code == "C178"
    kernels._version.cache_clear()


def test_a_library_that_cannot_be_loaded_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "passes.so"
    text.write_text("no library", encoding="utf-8")
    monkeypatch.setattr(kernels, "library", lambda home: (text, text))
    with pytest.raises(UsageError) as refused:
        kernels.use("own", tmp_path)
    assert refused.value.code == "C178" and not passes.ready()
