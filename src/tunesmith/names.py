"""Names of models: what may be one, and what 'tickets@3' means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.catalog import nearest
from tunesmith.errors import MissingError, UsageError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class ModelVersion:
    """One name and number, one bundle for ever.  stage: 'production' or ''.  created: ISO time, UTC."""

    name: str
    number: int
    digest: str
    folder: Path
    stage: str = ""
    created: str = ""
    lineage: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        """'tickets@3'."""
        return f"{self.name}@{self.number}"

    def to_dict(self) -> dict[str, Any]:
        """The version as JSON."""
        return {
            "ref": self.ref,
            "name": self.name,
            "number": self.number,
            "digest": self.digest,
            "folder": str(self.folder),
            "stage": self.stage,
            "created": self.created,
            "lineage": dict(self.lineage),
        }


def slug(text: str) -> str:
    """A legal name from a file's stem: 'Täglich (neu)' becomes 'taglich-neu'."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._]+", "-", plain).strip("-._")[:64].rstrip("-._") or "model"


def check_name(name: str) -> None:
    """Raise UsageError C108 for what can't name a model."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            "C108",
            f"{name[:80]!r} can't name a model",
            expected="1 to 64 of a-z 0-9 . _ - beginning with a letter or digit",
            fixes=(f"use {slug(name)}",),
            where="name",
        )


def no_version(name: str, wanted: str, own: list[ModelVersion]) -> MissingError:
    """N502: a name has no such version; `own` are those that it has."""
    numbers = ", ".join(str(version.number) for version in own[-20:])
    return MissingError(
        "N502",
        f"the model '{name}' has no version '{wanted}'",
        expected=f"@latest, @production once one is promoted, or one of: {numbers}",
        fixes=(f"tunesmith models show {name}", f"tunesmith models promote {own[-1].ref}"),
        where=f"{name}@{wanted}",
    )


def no_name(name: str, names: list[str]) -> MissingError:
    """N501: there is no such name; `names` are those that there are."""
    close = nearest(name, names)
    return MissingError(
        "N501",
        f"there is no model named '{name}'",
        expected=f"one of: {', '.join(names)}" if names else "a registered model; there is none yet",
        fixes=((f"use {close}",) if close else ()) + ("tunesmith models ls",),
        where=name,
    )
