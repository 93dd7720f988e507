"""What can go wrong: each error has a code, a place and a way out.

TunesmithError            1   it failed; nothing better is known
├── UsageError            2   the command, the recipe or an override is wrong
├── DataError             3   the data needs its owner
├── AccessError           4   a permission or a token is missing
├── MissingError          5   something named was not found, or is not supported here
├── CapacityError         6   too little memory or disk; nothing is lost
├── NetworkError          7   the network is needed but is off or failing
├── GateError             8   everything ran, the result is not good enough
├── IntegrityError        1   a stored file is not what its manifest says
├── TrainingError         1   training can't go on
└── Interrupted         130   stopped on request; what can be resumed is saved

The number is the exit code of the command line. `tunesmith explain CODE` prints the page of a code;
the pages stand in `explanations/`, one file per family (the code's first letter).
"""

from __future__ import annotations

from typing import Any, ClassVar


class TunesmithError(Exception):
    """An error that a user can meet.

    code: stable, a family letter and three digits.  found: what is the case.  expected: what was needed.
    fixes: commands (or one-line actions), cheapest first.  where: file:line, key or address.  meant: (the word that was
    given, the one that probably was meant), from which a face makes the command as it should have been.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        code: str,
        found: str,
        *,
        expected: str = "",
        fixes: tuple[str, ...] = (),
        where: str = "",
        meant: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(f"[{code}] {found}")
        self.code, self.found, self.expected, self.fixes, self.where = code, found, expected, fixes, where
        self.meant = meant

    def to_json(self) -> dict[str, Any]:
        """The error as one JSON object, the same on the command line, in events and over HTTP."""
        return {
            "code": self.code,
            "where": self.where,
            "found": self.found,
            "expected": self.expected,
            "fixes": list(self.fixes),
            "exit_code": self.exit_code,
        }


class UsageError(TunesmithError):
    exit_code = 2


class DataError(TunesmithError):
    exit_code = 3


class AccessError(TunesmithError):
    exit_code = 4


class MissingError(TunesmithError):
    exit_code = 5


class CapacityError(TunesmithError):
    exit_code = 6


class NetworkError(TunesmithError):
    exit_code = 7


class GateError(TunesmithError):
    exit_code = 8


class IntegrityError(TunesmithError):
    pass


class TrainingError(TunesmithError):
    pass


class Interrupted(TunesmithError):
    exit_code = 130
