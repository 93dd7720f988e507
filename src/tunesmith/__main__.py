"""The command `tunesmith`, also as `python -m tunesmith`."""

from __future__ import annotations

import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command (by default the process's own arguments); return its exit code."""
    try:
        from tunesmith.cli.main import run
    except KeyboardInterrupt:  # pressed while modules load
        return 130
    return run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
