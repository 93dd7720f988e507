"""A layer over the file operations of a test: something happens at the k-th call."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class Shim:
    """Counts write, fsync, rename, unlink, mkdir, rmtree and open; at call `at` it does `action` instead.

    A write is cut in half first, as a full disk or a kill would leave it.
    """

    def __init__(self, at: int, action: Callable[[], Any]) -> None:
        self.at, self.action, self.calls = at, action, list[str]()

    def count(self, call: str, before: Callable[[], Any] = lambda: None) -> None:
        self.calls.append(call)
        if len(self.calls) == self.at:
            before()
            self.action()

    def install(self, patch: pytest.MonkeyPatch) -> Shim:
        for owner, name in (
            (os, "fsync"),
            (Path, "replace"),
            (Path, "unlink"),
            (Path, "mkdir"),
            (shutil, "rmtree"),
        ):
            patch.setattr(owner, name, self._counted(name, getattr(owner, name)))
        opened = Path.open

        def open_path(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
            if mode == "rb":
                return opened(path, mode, *args, **options)
            self.count(f"open {mode}")
            return _File(opened(path, mode, *args, **options), self)

        patch.setattr(Path, "open", open_path)
        return self

    def _counted(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.count(name)
            return original(*args, **options)

        return call


class _File:
    def __init__(self, file: Any, shim: Shim) -> None:
        self._file, self._shim = file, shim

    def write(self, content: bytes) -> int:
        def half() -> None:
            self._file.write(content[: len(content) // 2])
            self._file.flush()

        self._shim.count("write", half)
        return self._file.write(content)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
