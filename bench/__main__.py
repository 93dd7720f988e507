"""python -m bench: list the rows · ROW: run one · all: the whole table · --quick: small ones of four rows · page: the
table and the page.

python -m bench
python -m bench C1 [--quick] [--minutes 30] [--out bench/results] [--shared ../shared] [--peers PYTHON] [--threads 2]
python -m bench all                      # in 100 minutes at most
python -m bench --quick
python -m bench page
"""

from __future__ import annotations

import argparse
import ast
import importlib
import math
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import keeping, minutes, page, processes, running, table
from bench.comparing import BY_HAND
from bench.course import IDLE, Pace
from bench.rates import Rates
from bench.row import Options

BENCH = Path(__file__).parent
ALL = "all"
QUICK = ("c1", "c2", "c4", "c9")
QUICK_SHARE = 0.7  # of a floor, which a small run must show


def main() -> int:
    """Do what is asked for; 1 where a small run shows less than its share of a floor or a row did not run; 130 where it
    was stopped by hand."""
    options = _options()
    if options.row == "page":
        page.write(BENCH / "results", BENCH.parent / "docs" / "explanation" / "benchmarks.md")
        return 0
    known = minutes.declared(BENCH / "rows")
    names = list(QUICK if options.quick else known) if options.row in ("", ALL) else [options.row]
    if not options.row and not options.quick:
        print("\n".join(f"{name:6} {known[name]:3g} min  {line}" for name, line in rows().items()))
        return 0
    signal.signal(signal.SIGTERM, _by_hand)
    left = minutes.Left({name: known[name] for name in names}, _whole(options, names, known))
    found, failed = [], 0
    for name in names:
        try:
            found += _row(name, options, left.of(name))
        except (processes.Failed, OSError, ImportError) as error:
            _say(f"{name.upper()} did not run: {error}")
            failed = 1
        except KeyboardInterrupt:
            return 130
        if any(part.get("stopped") == BY_HAND for part in found):
            break
    print("\n".join(table.markdown(found)))
    if any(part.get("stopped") == BY_HAND for part in found):
        return 130
    return max(failed, _code(found) if options.quick else 0)


def rows() -> dict[str, str]:
    """Name → the first line of the docstring, without importing."""
    files = sorted((BENCH / "rows").glob("[!_]*.py"))
    return {
        path.stem: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0]
        for path in files
    }


def _by_hand(*_: Any) -> None:
    raise KeyboardInterrupt


def _whole(options: argparse.Namespace, names: Sequence[str], known: dict[str, float]) -> float:
    """Minutes of all that is asked for; a small run is as long as it is."""
    if options.quick:
        return options.minutes or math.inf
    return options.minutes or min(minutes.WHOLE, sum(known[name] for name in names))


def _row(name: str, options: argparse.Namespace, most: float) -> list[dict[str, Any]]:
    """Run all parts of a row; what is known is written after each column.  most: minutes."""
    folder = Path(options.out or BENCH / "results") if options.out or not options.quick else None
    pythons = {"ours": sys.executable, "peers": options.peers}
    kept = keeping.Kept(folder, name, pythons, quick=options.quick, threads=options.threads)
    _say(f"{name.upper()}: {f'{most:.0f} minutes at most' if math.isfinite(most) else 'a small run'}")
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        start = time.monotonic()
        asked = _asked(options, Path(options.work or scratch) / name)
        parts = importlib.import_module(f"bench.rows.{name}").prepare(asked)
        wanted = [each for each in parts if options.part in ("", each.part)]
        left = minutes.of_parts(wanted, most - (time.monotonic() - start) / 60)
        for number, each in enumerate(wanted):
            mine = left.of(each.part)
            if math.isfinite(mine):
                _say(f"{each.name}: {mine:.1f} minutes at most")
            pace = replace(_pace(options), seconds=60 * mine, rates=_rates(options, folder, name))
            for found in running.progress(each, asked, Path(scratch) / f"{name}-{number}", pace):
                kept.keep(found)
            if kept.parts[each.part].get("stopped") == BY_HAND:
                break
    return list(kept.parts.values())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _rates(options: argparse.Namespace, folder: Path | None, name: str) -> Rates | None:
    """Where a row's rates are kept; a small run tries none."""
    if folder is None or options.quick:
        return None
    return Rates(folder / "rates" / f"{name}.json", again=options.new_rates)


def _asked(options: argparse.Namespace, work: Path) -> Options:
    work.mkdir(parents=True, exist_ok=True)
    more = dict(each.split("=", 1) for each in options.set)
    shared, peers = Path(options.shared).resolve(), options.peers
    return Options(options.quick, shared, work.resolve(), sys.executable, peers, options.threads, more)


def _pace(options: argparse.Namespace) -> Pace:
    idle = options.idle if options.idle is not None else IDLE
    most = options.pairs or (1 if options.quick else 0)
    grid = not (options.quick or options.no_grid)
    return Pace(idle, options.limit, most, control=0 if options.quick else 1, grid=grid)


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
    parser.add_argument("row", nargs="?", default="", type=str.lower, help="a row, 'all', or 'page'")
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
    parser.add_argument(
        "--minutes",
        type=float,
        default=0,
        help="at most; pairs that don't fit are left out; default as rows say",
    )
    parser.add_argument("--new-rates", action="store_true", help="try rates again that were tried before")
    parser.add_argument("--pairs", type=int, default=0, help="at most; default as the row says")
    parser.add_argument("--idle", type=float, help=f"seconds between runs; default {IDLE:g}")
    parser.add_argument("--limit", type=float, default=processes.LIMIT, help="seconds that a run may take")
    parser.add_argument("--no-grid", action="store_true", help="keep the rates that the row names")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a row's own option")
    options = parser.parse_args()
    known = ["", "page", ALL, *rows()]
    if options.row not in known:
        parser.error(f"no row {options.row}; there are {', '.join(known[3:])}")
    return options


if __name__ == "__main__":
    sys.exit(main())
