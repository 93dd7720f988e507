"""Keys by which texts of a few words meet that are one edit apart: what is left without one of their characters."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from tunesmith.data import grams
from tunesmith.data.checks._alike import SHORT, TINY, numbers

LENGTHS = range(
    SHORT.start, TINY + 1
)  # one more than TINY: a text of 19 characters may lack one of a text of 20
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
_POWERS = np.array([pow(_BASE, at, 1 << 64) for at in range(LENGTHS.stop)], dtype=np.uint64)
_INVERSE = np.uint64(pow(_BASE, -1, 1 << 64))


def keys(texts: Sequence[str]) -> np.ndarray:
    """uint32 [n, 21] of texts of 10 to 20 characters: a hash of the text, then one of it without each character.

    Two texts that are one replaced, added or left out character apart, and have the same numbers, share a key for
    certain (Mor, Fraenkel 1982); seldom others do.  Where a text ends sooner, its own key fills the row.
    """
    terms = _codes(texts) * _POWERS[: LENGTHS.stop - 1]
    before = np.cumsum(terms, axis=1)  # modulo 2^64: a polynomial hash of each beginning
    whole = before[:, -1:]
    without = before - terms + (whole - before) * _INVERSE
    ends = np.array([len(text) for text in texts], dtype=np.int64)[:, None]
    without = np.where(np.arange(LENGTHS.stop - 1) < ends, without, whole)
    return with_numbers(np.concatenate([whole, without], axis=1), texts)


def with_numbers(keys: np.ndarray, texts: Sequence[str]) -> np.ndarray:
    """Keys [n, k] as uint32 that only texts with the same numbers share: those with others are no twins by edits, and
    of a template filled in with numbers every text would meet every other."""
    said = np.array([zlib.crc32(str(numbers(text)).encode()) for text in texts], dtype=np.uint64)
    found = grams.mixed(keys.astype(np.uint64) + grams.mixed(said)[:, None])
    return (found >> np.uint64(32)).astype(np.uint32)


def _codes(texts: Sequence[str]) -> np.ndarray:
    """A random-looking number for each character, uint64 [n, 20]; 0 behind the end."""
    width = LENGTHS.stop - 1
    joined = "".join(text.ljust(width, "\0") for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4").reshape(-1, width)
    ends = np.array([len(text) for text in texts], dtype=np.int64)[:, None]
    return np.where(
        np.arange(width) < ends, grams.mixed(codes.astype(np.uint64) + np.uint64(1)), np.uint64(0)
    )


def pairs(members: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(members, keys) with each member's keys one after the other, each of them once."""
    both = np.unique(table.astype(np.uint64) << np.uint64(32) | members.astype(np.uint64)[:, None])
    return (both & np.uint64(0xFFFF_FFFF)).astype(np.int64), (both >> np.uint64(32)).astype(np.uint32)
