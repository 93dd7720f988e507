"""python -m bench: list the rows · ROW: run one · --quick: small ones of four rows · page: the table and the page.

python -m bench
python -m bench C1 [--quick] [--out bench/results] [--shared ../shared] [--peers PYTHON] [--threads 2]
python -m bench --quick
python -m bench page
"""

from __future__ import annotations

import argparse
import ast
import datetime
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import hardware, page, processes, running, table
from bench.comparing import PATH, Pace
from bench.row import Options

BENCH = Path(__file__).parent
QUICK = ("c1", "c2", "c4", "c9")
QUICK_SHARE = 0.7  # of a floor, which a small run must show


def main() -> int:
    """Do what is asked for; 1 where a small run shows less than its share of a floor or a row did not run."""
    options = _options()
    if options.row == "page":
        page.write(BENCH / "results", BENCH.parent / "docs" / "explanation" / "benchmarks.md")
        return 0
    names = [options.row] if options.row else list(QUICK) if options.quick else []
    if not names:
        print("\n".join(f"{name:6} {line}" for name, line in rows().items()))
        return 0
    found = [part for name in names for part in _row(name, options)]
    print("\n".join(table.markdown(found)))
    return _code(found) if options.quick else 0


def rows() -> dict[str, str]:
    """Name → the first line of the docstring, without importing."""
    files = sorted((BENCH / "rows").glob("[!_]*.py"))
    return {
        path.stem: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0]
        for path in files
    }


def _row(name: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run all parts of a row and keep them in one file a day, beside parts that were run before."""
    start = time.time()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        asked = _asked(options, Path(options.work or scratch) / name)
        parts = importlib.import_module(f"bench.rows.{name}").prepare(asked)
        wanted = [each for each in parts if options.part in ("", each.part)]
        found = [
            running.measured(each, asked, Path(scratch) / f"{name}-{number}", _pace(options))
            for number, each in enumerate(wanted)
        ]
    _kept(name, found, options, time.time() - start)
    return found


def _asked(options: argparse.Namespace, work: Path) -> Options:
    work.mkdir(parents=True, exist_ok=True)
    more = dict(each.split("=", 1) for each in options.set)
    shared, peers = Path(options.shared).resolve(), options.peers
    return Options(options.quick, shared, work.resolve(), sys.executable, peers, options.threads, more)


def _pace(options: argparse.Namespace) -> Pace:
    idle = options.idle if options.idle is not None else 3.0 if options.quick else 20.0
    most = options.pairs or (1 if options.quick else 0)
    return Pace(
        idle, options.limit, most, 0 if options.quick else 2, grid=not (options.quick or options.no_grid)
    )


def _kept(name: str, parts: Sequence[dict[str, Any]], options: argparse.Namespace, seconds: float) -> None:
    if options.quick and not options.out:
        return
    folder = Path(options.out or BENCH / "results")
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "date": datetime.date.today().isoformat(),
        "quick": options.quick,
        "threads": options.threads,
        "machine": hardware.about(),
        "versions": {
            side: _versions(python) for side, python in (("ours", sys.executable), ("peers", options.peers))
        },
        "minutes": round(seconds / 60, 1),
    }
    path = folder / f"{about['date']}-{name}{'-quick' if options.quick else ''}.json"
    measured = {(part["row"], part["part"]) for part in parts}
    before = json.loads(path.read_text("utf-8"))["parts"] if path.is_file() else []
    rest = [part for part in before if (part["row"], part["part"]) not in measured]
    text = json.dumps({**about, "parts": [*rest, *parts]}, indent=1, ensure_ascii=False)
    path.write_text(PATH.sub("…/", text) + "\n", encoding="utf-8")


def _versions(python: str) -> dict[str, str]:
    try:
        return hardware.versions(processes.asked("versions", [python, "-c", hardware.ASKING], BENCH))
    except (processes.Failed, OSError):
        return {}


def _code(parts: Sequence[dict[str, Any]]) -> int:
    """1 where a measured ratio is below its share of the floor, or nothing was measured."""
    short = 0
    for part in parts:
        for each in part["verdicts"]:
            least, ratio = QUICK_SHARE * each["floor"], each["ratio"]
            value = ratio["value"] if ratio else None
            ok = value is not None and value >= least
            shown = "not run" if value is None else f"{value:.2f}"
            print(
                f"{part['row']} {part['part']} {each['column']} {each['measure']}: {shown} (at least {least:.2f})"
            )
            short += not ok
    return int(short > 0)


def _program(name: str) -> str:
    """A program's path as it is found from here: arms run in folders of their own.  Links stay: a venv is one."""
    found = shutil.which(name)
    if not found:
        raise argparse.ArgumentTypeError(f"{name} can't be run; bench/requirements.txt says how to make one")
    return os.path.abspath(found)  # noqa: PTH100 - Path.resolve follows links


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("row", nargs="?", default="", type=str.lower, help="a row, or 'page'")
    parser.add_argument("--quick", action="store_true", help="small subsets, one pair, no grid")
    parser.add_argument("--part", default="", help="one part of a row")
    parser.add_argument(
        "--out", default="", help="folder of the results; default bench/results (--quick keeps none)"
    )
    parser.add_argument(
        "--shared", default=os.environ.get("TUNESMITH_SHARED", "../shared"), help="data and models"
    )
    parser.add_argument(
        "--peers",
        type=_program,
        default=os.environ.get("BENCH_PEERS", "python3"),
        help="python with the peers",
    )
    parser.add_argument("--work", default="", help="folder that keeps a row's inputs between runs")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--pairs", type=int, default=0, help="at most; default as the row says")
    parser.add_argument("--idle", type=float, help="seconds between runs; default 20, 3 with --quick")
    parser.add_argument("--limit", type=float, default=processes.LIMIT, help="seconds that a run may take")
    parser.add_argument("--no-grid", action="store_true", help="keep the rates that the row names")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a row's own option")
    options = parser.parse_args()
    known = ["", "page", *rows()]
    if options.row not in known:
        parser.error(f"no row {options.row}; there are {', '.join(known[2:])}")
    return options


if __name__ == "__main__":
    sys.exit(main())
