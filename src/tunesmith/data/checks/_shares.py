"""For checks of rows that are few among many: a tally that speaks only when enough rows were looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tunesmith.fields import Record
from tunesmith.parts import Fault, Tally


@dataclass(slots=True)
class Share:
    """Rows that stand out, of those that could.  able: how many of the rows seen could."""

    able: int = 0
    odd: Tally = field(default_factory=Tally)

    def seen(self, rows: Sequence[Record], judge: Callable[[Record], Fault | bool | None]) -> Share:
        """Judge some more rows: a Fault stands out, False could have, None could not.  Returns itself."""
        for row in rows:
            verdict = judge(row)
            if verdict is None:
                continue
            self.able += 1
            if verdict:
                self.odd.add(row.place, verdict if isinstance(verdict, Fault) else Fault())
        return self

    def joined(self, other: Share) -> Share:
        """This and what was seen after it."""
        return Share(self.able + other.able, self.odd.joined(other.odd))

    @property
    def share(self) -> float:
        """Of the rows that could stand out, how many do."""
        return self.odd.count / max(1, self.able)
