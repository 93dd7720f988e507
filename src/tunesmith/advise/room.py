"""How much memory is free, and whether a run computes its activations again to stay within it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunesmith import doors
from tunesmith.advise import activations, memory
from tunesmith.advise.machines import Machine
from tunesmith.advise.memory import Plan
from tunesmith.findings import Finding

# share of the memory that may be planned: the rest is the system's, and what the plan misses (bench/memory.py: 9 %)
USABLE = {"cpu": 0.9, "gpu": 0.94}

_MEMINFO = Path("/proc/meminfo")
# (limit, in use) of a container, in the two versions of Linux's control groups
_GROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


@dataclass(frozen=True, slots=True)
class Settled:
    """What was settled, and why.

    plan: as it is carried out.  peak, again: bytes at the peak without and with activations computed again.  room:
    bytes that may be planned.
    """

    plan: Plan
    mode: str
    peak: float
    again: float
    room: float

    @property
    def on(self) -> bool:
        """Whether activations are computed again."""
        return self.plan.work.recompute

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        work = replace(self.plan.work, recompute=False), replace(self.plan.work, recompute=True)
        kept, again = (activations.saved(self.plan.shape, self.plan.moving, each) for each in work)
        return {
            "mode": self.mode,
            "on": self.on,
            "activations_bytes": {"kept": round(kept), "computed_again": round(again)},
            "peak_bytes": {"kept": round(self.peak), "computed_again": round(self.again)},
            "room_bytes": round(self.room),
        }

    def finding(self) -> Finding:
        """A906: activations are computed again because they do not fit."""
        numbers = {"peak_bytes": self.peak, "again_bytes": self.again, "room_bytes": self.room}
        said = (
            f"activations are computed again: kept, the run would need {self.peak / 1e9:.2f} GB of the "
            f"{self.room / 1e9:.2f} GB that may be planned; so it needs {self.again / 1e9:.2f} GB and about a third "
            "more time"
        )
        return Finding("A906", "info", said, numbers=numbers)


def settled(plan: Plan, mode: str, room: float) -> Settled:
    """Whether a plan computes its activations again: 'on', 'off', or 'auto', where it does not fit otherwise."""
    kept = replace(plan, work=replace(plan.work, recompute=False))
    again = replace(plan, work=replace(plan.work, recompute=True))
    peaks = memory.peak(kept), memory.peak(again)
    wanted = mode == "on" or (mode == "auto" and peaks[0] > room)
    return Settled(again if wanted else kept, mode, *peaks, room)


def of(machine: Machine) -> float:
    """Bytes of a machine that may be planned."""
    return machine.memory * USABLE[machine.kind]


def free(device: str = "cpu") -> float:
    """Bytes that this process may have on a device: what it holds already and what nobody else does."""
    if device != "cpu":
        torch = doors.open("torch")
        return float(torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved())
    return min(_available(), _unlimited()) + _held()


def _available() -> float:
    """Memory that the system could give; all of it where Linux does not say."""
    if not _MEMINFO.is_file():
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    said = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines() if ":" in line)
    return float(said["MemAvailable"].split()[0]) * 1024


def _unlimited(groups: tuple[tuple[Path, Path], ...] = _GROUPS) -> float:
    """What a container's limit leaves; infinite without one."""
    left = [_left(*paths) for paths in groups if all(path.is_file() for path in paths)]
    return min(left, default=float("inf"))


def _left(limit: Path, used: Path) -> float:
    said = limit.read_text().strip()
    return float(said) - float(used.read_text()) if said.isdigit() else float("inf")


def _held() -> float:
    statm = Path("/proc/self/statm")
    return float(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.is_file() else 0.0


def told(found: Mapping[str, Any]) -> str:
    """What `to_json` says, in a line."""
    activations_, peak = found["activations_bytes"], found["peak_bytes"]
    how = {"on": "asked for", "off": "not wanted"}.get(found["mode"], "because they do not fit otherwise")
    how = "not needed" if found["mode"] == "auto" and not found["on"] else how
    kept, again = (f"{activations_[key] / 1e9:.2f} GB" for key in ("kept", "computed_again"))
    whole = f"{peak['kept'] / 1e9:.2f} or {peak['computed_again'] / 1e9:.2f} GB at the peak"
    return f"activations {kept}, computed again {again} ({how}): {whole}"
