"""The character 5-grams of texts as 64-bit numbers, many texts at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

GRAM = 5
_ASCII_PAD, _PAD = b"\xff", 0x110000  # what fills a shorter text: no text can hold it
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def flat(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The 5-grams of texts one after the other, uint64 [N], and where each text begins and the last one ends,
    uint64 [n + 1].

    A gram of ASCII characters is its five bytes as one number, so two of them are never taken for one; any other
    is a 64-bit hash.  A text shorter than five characters has one gram, itself.  Grams may stand twice.
    """
    bounds = np.zeros(len(texts) + 1, dtype=np.uint64)
    np.cumsum([max(GRAM, len(text)) for text in texts], out=bounds[1:])
    values = _of_bytes(texts) if all(map(str.isascii, texts)) else _of_codes(texts)
    _fold_ends(values, bounds.astype(np.int64))
    return values, bounds


def unique(text: str) -> np.ndarray:
    """The set of the 5-grams of a text, ascending, uint64."""
    values = flat([text])[0]
    values.sort()
    return values[np.concatenate(([True], values[1:] != values[:-1]))]


def mixed(values: np.ndarray) -> np.ndarray:
    """Numbers spread over all 64 bits, one to one (the finaliser of SplitMix64: Steele, Lea, Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX[0]
    values = (values ^ (values >> np.uint64(27))) * _MIX[1]
    return values ^ (values >> np.uint64(31))


def _of_bytes(texts: Sequence[str]) -> np.ndarray:
    joined = b"".join(text.encode().ljust(GRAM, _ASCII_PAD) for text in texts)
    eight = np.ndarray(len(joined), dtype="<u8", buffer=joined + bytes(8), strides=(1,))
    return eight & np.uint64(0xFF_FFFF_FFFF)


def _of_codes(texts: Sequence[str]) -> np.ndarray:
    pad = np.array([_PAD], dtype=np.uint32)
    parts = []
    for text in texts:
        parts.append(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32))
        parts += [pad] * (GRAM - len(text))
    codes = np.concatenate([*parts, np.zeros(GRAM, dtype=np.uint32)]).astype(np.uint64)
    size, wide = len(codes) - GRAM, np.flatnonzero((codes >= 128) & (codes != _PAD))
    others = codes[wide]
    codes[codes == _PAD] = _ASCII_PAD[0]
    codes[wide] = 0
    values = np.zeros(size, dtype=np.uint64)
    for step in range(GRAM):
        values += codes[step : size + step] << np.uint64(8 * step)
        inside = (wide >= step) & (wide < size + step)
        values[wide[inside] - step] += mixed(others[inside] * np.uint64(8) + np.uint64(step))
    return values


def _fold_ends(values: np.ndarray, bounds: np.ndarray) -> None:
    """Windows that reach into the next text become a copy of their own text's first gram, which changes no set."""
    first = values[bounds[:-1]] if len(bounds) > 1 else values
    for back in range(1, GRAM):
        values[bounds[1:] - back] = first
