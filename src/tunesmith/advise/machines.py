"""Machines to train on: a table that can be edited, and this one."""

from __future__ import annotations

import datetime
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from tunesmith import machine
from tunesmith.errors import UsageError
from tunesmith.section import Section


class Machine(Section):
    """A machine of the table.

    Memory and bandwidth in 10^9 bytes (a second), speeds in 10^12 operations a second, watts of the whole device.
    price_per_hour: None where nobody says; priced: when it was so.
    """

    name: str = Field(min_length=1)
    kind: Literal["cpu", "gpu"]
    memory_gb: float = Field(gt=0)
    tflops: float = Field(gt=0)
    tflops_bfloat16: float = Field(gt=0)
    bandwidth_gb_s: float = Field(gt=0)
    watts: float = Field(gt=0)
    price_per_hour: float | None = Field(default=None, ge=0)
    priced: datetime.date | None = None

    @property
    def memory(self) -> float:
        """Bytes."""
        return self.memory_gb * 1e9

    def speed(self, dtype: str) -> float:
        """Operations a second in matrix products, as the maker states them."""
        return 1e12 * (self.tflops_bfloat16 if dtype == "bfloat16" else self.tflops)


class Table(Section):
    """The machines of a file, and what its prices are."""

    currency: str = "USD"
    note: str = ""
    machine: tuple[Machine, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Speeds:
    """Operations a second that matrix products reach here, by type."""

    float32: float
    bfloat16: float


def table(path: Path | None = None) -> Table:
    """The machines of a file, or those that come with tunesmith.  Raises UsageError A904 naming the file and key."""
    try:
        text = (
            path.read_text("utf-8")
            if path
            else (resources.files("tunesmith.advise") / "machines.toml").read_text("utf-8")
        )
        return Table.model_validate(tomllib.loads(text))
    except OSError as refusal:
        raise _wrong(path, str(refusal.strerror or refusal)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as refusal:
        raise _wrong(path, str(refusal)) from None
    except ValidationError as refusal:
        first = refusal.errors()[0]
        raise _wrong(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _wrong(path: Path | None, found: str) -> UsageError:
    keys = ", ".join(Machine.model_fields)
    return UsageError(
        "A904",
        f"the table of machines can't be used: {found}",
        expected=f"TOML with [[machine]] tables of {keys}",
        fixes=("tunesmith estimate without --machines: the built-in table",),
        where=str(path or "machines.toml"),
    )


def here(speeds: Speeds, watts: float | None = None) -> Machine:
    """This machine; its price is nobody's to say.  watts: 15 a core where it is not told."""
    return Machine(
        name="this machine",
        kind="cpu",
        memory_gb=machine.memory_bytes() / 1e9,
        tflops=speeds.float32 / 1e12,
        tflops_bfloat16=speeds.bfloat16 / 1e12,
        bandwidth_gb_s=10.0 * max(1, min(machine.physical_cores(), 8)),
        watts=watts or 15.0 * machine.physical_cores(),
    )


def measured() -> Speeds:
    """Speeds of this machine, from products of 1,024 × 384 × 1,536; takes about 0.1 s.

    Without torch the product in float32 is numpy's, and bfloat16 counts as no faster.
    """
    import numpy as np

    from tunesmith import doors

    if not doors.has("torch"):
        left, right = np.ones((1024, 384), np.float32), np.ones((384, 1536), np.float32)
        speed = _speed(lambda: left @ right)
        return Speeds(speed, speed)
    torch = doors.open("torch")
    found: list[float] = []
    for dtype in (torch.float32, torch.bfloat16):
        one, two = torch.ones(1024, 384, dtype=dtype), torch.ones(384, 1536, dtype=dtype)
        found.append(_speed(lambda a=one, b=two: a @ b))
    return Speeds(*found)


def _speed(product: Any) -> float:
    import time

    took = []
    for _ in range(8):
        start = time.perf_counter()
        product()
        took.append(time.perf_counter() - start)
    return 2 * 1024 * 384 * 1536 / min(took)
