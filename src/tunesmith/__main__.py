"""The command `tunesmith`, also as `python -m tunesmith`."""

from __future__ import annotations

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


if __name__ == "__main__":
    sys.exit(main())
