"""What checks need to know beside the rows: each evidence is made once, by name, where it can be had."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from tunesmith import catalog
from tunesmith.events import Event, Note
from tunesmith.fields import Record
from tunesmith.lifecycle import benchmarks, classifying, doubting, forecasting, seeing
from tunesmith.lifecycle.known import Known, Unavailable, Wanted
from tunesmith.parts import Content

# name → what makes it: gives the value, or is a generator of events that returns it; raises Unavailable
PROVIDERS: dict[str, Callable[[Known], Any]] = {
    "benchmark": benchmarks.benchmark,
    "sides": doubting.sides,
    "test_labels": doubting.test_labels,
    "classes": doubting.classes,
    "embeddings": doubting.embeddings,
    "out_of_fold": doubting.out_of_fold,
    "names": classifying.names,
    "toxicity": classifying.toxicity,
    "template": seeing.template,
    "curve": forecasting.curve,
}


def needed(content: Content) -> frozenset[str]:
    """The names of all evidence that some check of this content needs."""
    checks = (part for part in catalog.parts("check").values() if part.wants <= content.offers)
    return frozenset[str]().union(*(check.needs for check in checks))


def gather(
    records: Sequence[Record], content: Content, wanted: Wanted, needs: frozenset[str] | None = None
) -> Generator[Event, None, dict[str, Any]]:
    """The evidence that checks need, by name, as far as it can be had; a Note for each reason why some can't.

    needs: the names (default: those of every check of this content).  What the rows alone tell, `data.checking` adds.
    """
    known = Known(records, content, wanted, PROVIDERS)
    reasons: dict[str, None] = {}
    asked = sorted((needed(content) if needs is None else needs) & PROVIDERS.keys())
    for name in asked:
        try:
            yield from known.get(name)
        except Unavailable as why:
            reasons[str(why)] = None
    for reason in filter(None, reasons):
        yield Note(reason)
    return {name: known.values[name] for name in asked if name in known.values}
