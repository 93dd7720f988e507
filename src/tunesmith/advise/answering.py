"""What a thousand answers cost: time of a machine, or tokens of a server."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from tunesmith.advise import machines
from tunesmith.advise.machines import Machine

THOUSAND = 1000
PRODUCTS = 5  # of which the fastest tells the speed


def by_time(seconds: float, machine: Machine) -> float | None:
    """Money for 1,000 answers of so many seconds each on a machine that does nothing else; None without a price."""
    price = machine.price_per_hour
    return None if price is None else THOUSAND * seconds / 3600 * price


def by_tokens(read: float, written: float, price_read: float, price_written: float) -> float:
    """Money for 1,000 answers of a server.  read, written: tokens of one; prices: of a million of each."""
    return THOUSAND * (read * price_read + written * price_written) / 1e6


def like(machine: Machine, known: Sequence[Machine]) -> Machine | None:
    """The machine of a table, of the same kind and with a price, whose speed is nearest by ratio; None without one."""
    priced = [each for each in known if each.kind == machine.kind and each.price_per_hour is not None]
    return min(
        priced, key=lambda each: (abs(math.log(each.tflops / machine.tflops)), each.name), default=None
    )


def here() -> Machine:
    """This machine by the speed of a product in float32 (1,024 x 384 x 1,536), without torch; takes about 0.1 s."""
    import numpy as np

    left, right = np.ones((1024, 384), np.float32), np.ones((384, 1536), np.float32)
    took = []
    for _ in range(PRODUCTS):
        start = time.perf_counter()
        np.matmul(left, right)
        took.append(time.perf_counter() - start)
    speed = 2 * 1024 * 384 * 1536 / min(took)
    return machines.here(machines.Speeds(speed, speed))
