"""Sides that the data itself gives its rows, by a split column or by files named after them: they are kept."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.data.sides import Shares, side_of
from tunesmith.errors import UsageError
from tunesmith.fields import Record

REST = "rest"  # a row for training, of which the sides that the data does not give are still cut


def said(records: Sequence[Record]) -> list[str]:
    """The side that each row says it is on, '' for none.  Raises UsageError S603 where none is left to train on."""
    found = [side_of(str(row.fields.get("split") or "")) for row in records]
    if found and not {"train", ""} & set(found):
        raise UsageError(
            "S603",
            "every row says that it is for validation or test, which leaves no row to train on",
            expected="rows for training, or no split column",
            fixes=("add the rows for training", "tunesmith up FILE --set data.fields.split=''"),
            where=str(records[0].place),
        )
    return found


def left_to_cut(shares: Shares, found: Sequence[str]) -> Shares:
    """The shares of the sides that the data does not give; 0 for the others."""
    return {side: 0.0 if side in found else share for side, share in shares.items()}


def pin(own: str, before: str, shares: Shares) -> str:
    """The side that a row is pinned to, REST, or '' where it may go anywhere.

    own: what it says.  before: where a parent has it.  shares: of the sides that are left to cut.
    """
    if own != "train":
        return own or before
    cut = {side for side, share in shares.items() if share > 0}
    if not cut:
        return "train"
    return before if before in {*cut, "train"} else REST
