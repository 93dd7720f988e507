"""The same function over the parts of a data set: here, in processes beside this one, or on Ray's machines."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from tunesmith import doors

PartT = TypeVar("PartT")
Found = TypeVar("Found")
Mapper = Callable[[Callable[[PartT], Found], Sequence[PartT]], Iterator[Found]]


def here(function: Callable[[PartT], Found], parts: Sequence[PartT]) -> Iterator[Found]:
    """One part after the other, in this process."""
    return map(function, parts)


def processes(count: int) -> Callable[..., Iterator[Any]]:
    """Parts side by side in `count` processes; results come in the parts' order."""

    def mapped(function: Callable[[Any], Any], parts: Sequence[Any]) -> Iterator[Any]:
        # spawned, not forked: a fork copies the locks of threads that other libraries started
        with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield from pool.map(function, parts)

    return mapped


def ray(count: int) -> Callable[..., Iterator[Any]]:
    """Parts as rows of a Ray Data set, mapped by `count` workers wherever the cluster has them.

    Each machine must reach the files of the parts under the same path.  Raises MissingError E501 without Ray.
    """

    def mapped(function: Callable[[Any], Any], parts: Sequence[Any]) -> Iterator[Any]:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        engine, data = doors.open("ray"), doors.open("ray.data")
        started = not engine.is_initialized()
        if started:
            engine.init(num_cpus=count, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        try:
            yield from _by_ray(engine, data, function, parts, count)
        finally:
            if started:
                engine.shutdown()

    return mapped


def _by_ray(
    engine: Any, data: Any, function: Callable[[Any], Any], parts: Sequence[Any], count: int
) -> Iterator[Any]:
    kept = engine.put(list(parts))

    def each(row: dict[str, Any]) -> dict[str, Any]:
        number = int(row["id"])
        return {"number": number, "found": function(engine.get(kept)[number])}

    data.DataContext.get_current().enable_progress_bars = False
    where = data.TaskPoolStrategy(size=count)
    rows = data.range(len(parts), override_num_blocks=len(parts)).map(each, compute=where)
    found = {int(row["number"]): row["found"] for row in rows.iter_rows()}
    return iter([found[number] for number in range(len(parts))])
