"""Lazy doors to heavy libraries: `doors.torch` imports torch at first use, and only then.

A missing library is a MissingError that names the extra to install, never an ImportError traceback.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from tunesmith.errors import MissingError

# library → the extra that brings it ("" = the core install)
EXTRAS = {
    "torch": "train",
    "transformers": "train",
    "peft": "train",
    "llguidance": "train",
    "bitsandbytes": "quant",
    "tokenizers": "train",
    "huggingface_hub": "train",
    "yaml": "train",
    "ray": "distributed",
    "gguf": "export",
    "optuna": "sweep",
    "jsonschema": "",
    "referencing": "",
}


def has(library: str) -> bool:
    """Whether the library is installed, found out without importing it."""
    return importlib.util.find_spec(library) is not None


def open(library: str) -> ModuleType:
    """Import a library (dots allowed).  Raises MissingError E501 with the extra that brings it."""
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError as missing:
        root = library.partition(".")[0]
        if missing.name is None or missing.name.partition(".")[0] != root:
            raise
        extra = EXTRAS.get(root, "")
        install = f'pip install "tunesmith[{extra}]"' if extra else f"pip install {root}"
        raise MissingError(
            "E501",
            f"the library '{root}' is not installed",
            expected=f"'{root}', part of the extra '{extra}'" if extra else root,
            fixes=(install, "tunesmith doctor"),
        ) from None


def __getattr__(name: str) -> ModuleType:
    if name.startswith("_"):
        raise AttributeError(name)
    return open(name)
