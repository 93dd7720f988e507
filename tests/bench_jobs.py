"""Programs of the bench one after the other in one process, whose imports all share: what each said at last.

    python bench_jobs.py SCRIPT TASK.json [SCRIPT TASK.json ...]

That an arm runs in a process of its own is shown by tests/bench/test_comparing.py and test_launch.py.
"""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def said(jobs: Sequence[tuple[Path, Path]]) -> list[dict[str, Any]]:
    """The last line of each.  jobs: script and task, which names the folder `out`."""
    command = [sys.executable, str(Path(__file__)), *(str(path) for job in jobs for path in job)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    found = [line for line in made.stdout.splitlines() if line.startswith("{")]
    assert len(found) == len(jobs), made.stdout[-2000:]
    return [json.loads(line) for line in found]


def job(script: Path, folder: Path, **task: Any) -> tuple[Path, Path]:
    """A script with its task, in a folder as the runner would make it."""
    (folder / "out").mkdir(parents=True, exist_ok=True)
    place = folder / f"{script.stem}.json"
    place.write_text(json.dumps({"out": str(folder / "out"), **task}), encoding="utf-8")
    return script, place


def main() -> None:
    words = iter(sys.argv[1:])
    for script, task in [*zip(words, words, strict=True)]:
        sys.path.insert(0, str(Path(script).parent))
        sys.argv = [script, task]
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise


if __name__ == "__main__":
    main()
