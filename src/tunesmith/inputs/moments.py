"""Points in time as files write them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(text: object) -> float | None:
    """Seconds of a point in time: a number, or ISO 8601 (UTC where no zone is given); None for anything else."""
    word = str(text).strip()
    try:
        found = float(word)
        return found if abs(found) != float("inf") and found == found else None
    except ValueError:
        pass
    try:
        day = datetime.fromisoformat(word)
        return (day if day.tzinfo else day.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
