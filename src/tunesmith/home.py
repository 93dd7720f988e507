"""Where tunesmith keeps what it makes: one folder, the user's own."""

from __future__ import annotations

import os
from pathlib import Path


def home_folder(given: Path | str | None = None) -> Path:
    """`--home`, else TUNESMITH_HOME, else ~/.tunesmith; it is not created here."""
    return Path(given or os.environ.get("TUNESMITH_HOME") or "~/.tunesmith").expanduser().absolute()
