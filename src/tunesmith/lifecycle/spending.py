"""What answering takes of a rung: seconds, memory and money, measured while it is judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from tunesmith.advise import answering, machines
from tunesmith.parts import Meter, Predictor

Made = TypeVar("Made")


@dataclass(frozen=True)
class Spent:
    """What a rung's answers took.

    rows: how many were timed, in one pass.  seconds, money: for 1,000 of them; money None where nobody knows.
    memory: bytes that answering takes, computed: the model's numbers and the cache of one text that fills its window
    (`Predictor.held`), or for rungs without a network the files that it left; None at a server.
    tokens: that a server read and wrote for one answer; None where it does not say, or none was asked.
    priced: by what the money is reckoned, or why it is not known.
    """

    rows: int
    seconds: float
    memory: int | None
    money: float | None
    currency: str
    priced: str
    tokens: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {
            "n": self.rows,
            "seconds_per_1000": self.seconds,
            "memory_bytes": self.memory,
            "cost_per_1000": self.money,
            "currency": self.currency,
            "priced": self.priced,
            "tokens": list(self.tokens) if self.tokens else None,
        }


@dataclass(frozen=True)
class Tariff:
    """What time costs.  path: a table of machines of the user's own; None: the one that comes along."""

    path: Path | None = None

    @cached_property
    def table(self) -> machines.Table:
        """The machines.  Raises UsageError A904."""
        return machines.table(self.path)

    @cached_property
    def machine(self) -> machines.Machine | None:
        """The machine of the table that is nearest to this one in speed."""
        return answering.like(answering.here(), self.table.machine)

    def of_time(self, seconds: float) -> tuple[float | None, str]:
        """(money for 1,000 answers of so many seconds, by what it is reckoned)."""
        machine = self.machine
        if machine is None or machine.price_per_hour is None:
            return (
                None,
                "unknown: no machine of this kind has a price in the table (--machines)",
            )
        hour = f"{machine.price_per_hour:.2f} {self.table.currency} an hour"
        when = f", priced {machine.priced}" if machine.priced else ""
        return answering.by_time(seconds, machine), f"time of a machine like {machine.name}: {hour}{when}"

    def of_tokens(self, meter: Meter) -> tuple[float | None, str]:
        """(money for 1,000 answers of a server, by what it is reckoned)."""
        if meter.price_read is None or meter.price_written is None:
            return None, "unknown: nobody says what the server's tokens cost (--price READ,WRITTEN)"
        if not meter.told:
            return None, "unknown: the server does not tell how many tokens it reads and writes"
        read, written = meter.read / meter.told, meter.written / meter.told
        money = answering.by_tokens(read, written, meter.price_read, meter.price_written)
        prices = f"{meter.price_read:g} and {meter.price_written:g} {self.table.currency} a million"
        return money, f"tokens that the server reads and writes, at {prices}, as you say"


def measured(
    predictor: Predictor, answer: Callable[[], list[Made]], tariff: Tariff, files: int = 0
) -> tuple[list[Made], Spent | None]:
    """(what is answered, what that took), None where nothing was asked.  files: bytes that the rung left."""
    before = replace(predictor.meter) if predictor.meter else None
    start = time.perf_counter()
    made = answer()
    each = (time.perf_counter() - start) / max(1, len(made))
    if not made:
        return made, None
    asked = _since(predictor.meter, before) if predictor.meter and before else None
    money, priced = tariff.of_tokens(asked) if asked else tariff.of_time(each)
    memory = None if asked else predictor.held or files
    seconds = each * answering.THOUSAND
    tokens = (asked.read / asked.told, asked.written / asked.told) if asked and asked.told else None
    return made, Spent(len(made), seconds, memory, money, tariff.table.currency, priced, tokens)


def _since(meter: Meter, before: Meter) -> Meter:
    """What came onto a meter after it stood at `before`."""
    counts = ("answers", "told", "read", "written")
    return replace(meter, **{each: getattr(meter, each) - getattr(before, each) for each in counts})
