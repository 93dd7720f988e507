"""The command `tunesmith`, also as `python -m tunesmith`."""

from __future__ import annotations

import os
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command (by default the process's own arguments); return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        if words in (["--help"], ["-h"]):
            from tunesmith.cli import overview

            return overview.show()
        from tunesmith.cli.main import run
    except KeyboardInterrupt:  # pressed while modules load
        return 130
    return run(words)


def script() -> int:
    """The command in a process of its own, which may load networks without what it will not need (`nn/lean.py`)."""
    os.environ.setdefault("TUNESMITH_LEAN", "1")
    return main()


if __name__ == "__main__":
    sys.exit(script())
