"""The whole life of a fine-tuned model: from a file to a proven, served model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunesmith.library import check, compare, evaluate, load, predict, train, up

    __version__: str

__all__ = ["__version__", "check", "compare", "evaluate", "load", "predict", "train", "up"]


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
