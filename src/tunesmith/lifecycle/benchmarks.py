"""Makes the evidence about a benchmark: the texts that training must not know."""

from __future__ import annotations

from collections.abc import Generator

from tunesmith.data.checks._rows import normalise
from tunesmith.events import Event
from tunesmith.inputs.overlap import Overlap
from tunesmith.lifecycle import datasets
from tunesmith.lifecycle.known import Known, Unavailable


def benchmark(known: Known) -> Generator[Event, None, Overlap]:
    """The texts of the file that training must not know: evidence for `data check --benchmark`."""
    path = known.wanted.benchmark
    if not path:
        raise Unavailable
    found = yield from datasets.opened(path, known.wanted.home)
    return Overlap((normalise(found.content.text(row)) for row in found.records), normalise)
