"""Results as files: one a row and day, written after each part and each column, so that a stop loses one pair."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import files, hardware
from bench.comparing import without_paths


class Kept:
    """The file of a row.  Parts that were measured before on the same day stay in it beside those of this run.

    folder: of the results, None where nothing is kept.  pythons: side → the python whose versions are told.
    """

    def __init__(
        self, folder: Path | None, name: str, pythons: Mapping[str, str], *, quick: bool, threads: int
    ) -> None:
        date = datetime.date.today().isoformat()
        self.start, self.about = time.time(), {"date": date, "quick": quick, "threads": threads}
        self.path = folder / f"{date}-{name}{'-quick' if quick else ''}.json" if folder else None
        self.pythons, self.parts = pythons, dict[str, dict[str, Any]]()

    def keep(self, part: dict[str, Any]) -> None:
        """Write a part as far as it is known, in the place of what was known of it before."""
        self.parts[part["part"]] = part
        if self.path is None:
            return
        rest = [each for each in files.read(self.path).get("parts", []) if each["part"] not in self.parts]
        files.write(self.path, without_paths({**self._about(), "parts": [*rest, *self.parts.values()]}))

    def _about(self) -> dict[str, Any]:
        return {
            **self.about,
            "machine": hardware.about(),
            "versions": {side: hardware.installed(python) for side, python in self.pythons.items()},
            "minutes": round((time.time() - self.start) / 60, 1),
        }
