"""The key file of a redaction: the secret that makes the pseudonyms, and which value each stands for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tunesmith.errors import IntegrityError, MissingError, UsageError
from tunesmith.store import files

FORMAT = 1
_KEY_BYTES = 32


@dataclass(frozen=True)
class KeyFile:
    """key: 32 random bytes.  values: pseudonym → value."""

    path: Path
    key: bytes
    values: Mapping[str, str]

    def save(self, values: Mapping[str, str]) -> None:
        """Write the file anew with these values beside those it has; only its user may read it (mode 0600)."""
        content = {"format": FORMAT, "key": self.key.hex(), "values": {**self.values, **values}}
        files.write(self.path, files.canonical_json(content), private=True)


def opened(path: str, home: Path, *, make: bool = False) -> KeyFile:
    """The key file at a path; a new one, where there is none and `make` says so.

    Raises UsageError P321 for a path within the home, MissingError P323 where it is absent, IntegrityError P322 where
    it is no key file.
    """
    place = Path(path)
    if place.resolve().is_relative_to(home.resolve()):
        raise UsageError(
            "P321",
            "the key would lie beside the data that it opens",
            expected=f"a path outside {home}",
            fixes=("--key ~/keys/redaction.json",),
            where=path,
        )
    if not place.is_file():
        if make:
            return KeyFile(place, secrets.token_bytes(_KEY_BYTES), {})
        raise MissingError("P323", "there is no such key file", expected="the FILE of `--key`", where=path)
    return _read(place)


def _read(path: Path) -> KeyFile:
    try:
        content = files.read_json(path)
        values = {str(name): str(value) for name, value in content["values"].items()}
        key = bytes.fromhex(content["key"])
        if content["format"] != FORMAT or len(key) != _KEY_BYTES:
            raise ValueError
    except (IntegrityError, KeyError, TypeError, ValueError, AttributeError):
        raise IntegrityError(
            "P322",
            f"{path.name} is no key file of a redaction",
            expected="the file that `tunesmith data redact --key` wrote",
            fixes=("--key FILE   (another path)",),
            where=str(path),
        ) from None
    return KeyFile(path, key, values)
