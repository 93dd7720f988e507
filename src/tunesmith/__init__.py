"""The whole life of a fine-tuned model: from a file to a proven, served model."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunesmith.library import check, compare, evaluate, export, load, predict, sweep, train, up

    __version__: str

__all__ = ["__version__", "check", "compare", "evaluate", "export", "load", "predict", "sweep", "train", "up"]


class _Stage(ModuleType):
    """`tunesmith.train` and `tunesmith.evaluate` are packages and verbs: called, they do what the library says."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from tunesmith import library

        return getattr(library, self.__name__.rpartition(".")[2])(*args, **kwargs)


for _name in ("train", "evaluate"):
    import_module(f"tunesmith.{_name}").__class__ = _Stage


def __getattr__(name: str) -> Any:
    """Verbs load when they are first used: importing tunesmith alone costs nothing."""
    if name == "__version__":
        from importlib.metadata import version

        return version("tunesmith")
    if name not in __all__:
        raise AttributeError(f"module 'tunesmith' has no attribute '{name}'")
    from tunesmith import library

    return getattr(library, name)


def __dir__() -> list[str]:
    return sorted(__all__)
