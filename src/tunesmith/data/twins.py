"""Near-duplicate texts: MinHash finds candidates, the exact similarity of character 5-grams decides."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence

import numpy as np

from tunesmith import doors
from tunesmith.data import deletions, grams
from tunesmith.data.checks._alike import LONGEST, SHORT, THRESHOLD, TINY
from tunesmith.data.checks._rows import normalise
from tunesmith.data.joining import KEPT, Joining, Texts

WIDTH = 252  # MinHash values of a text: at Jaccard 0.7, 42 bands of 6
CHUNK = 512  # texts whose 5-grams are in memory at a time: small enough for a processor's cache
MISSED = 0.006  # of pairs exactly at the threshold, the share that may share no band
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd: times it is one to one

_SHORT = range(
    TINY, SHORT.stop
)  # characters of texts that are found by bands of few values, and their edits counted
# what was joined last, by its texts: those that were checked are the ones that are then divided into sides
_LAST: dict[bytes, np.ndarray] = {}
SHORT_ROWS = 4  # values in a band by which those are found: similarities of 0.5 and less


def twins(texts: Sequence[str], threshold: float = THRESHOLD) -> np.ndarray:
    """For each text its cluster of near-duplicates, named by the index of its first text, int64 [n].

    Two texts are near-duplicates when, normalised, the Jaccard similarity of their sets of character 5-grams is at
    least `threshold` (a text shorter than five characters equals only itself), or, of texts of 10 to 79 characters,
    when (1 - threshold) / 3 of the characters or fewer are edited and their numbers are the same (below 20 characters
    `checks._alike` is stricter); clusters are the transitive closure.
    MinHash: Broder 1997; banding: Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", chapter 3.
    """
    sketcher = Sketcher(threshold)
    for start in range(0, len(texts), CHUNK):
        sketcher.add(texts[start : start + CHUNK])
    return sketcher.join(lambda indices: [texts[index] for index in indices])


def banding(threshold: float) -> tuple[int, int]:
    """How many bands of how many values: as many values in a band as find nearly all pairs at the threshold."""
    for rows in range(16, 1, -1):
        bands = WIDTH // rows
        if (1 - threshold**rows) ** bands <= MISSED:
            return bands, rows
    return WIDTH, 1


class Sketcher:
    """`twins` of texts that come in chunks: what is kept of a text is about 0.2 kB, whatever its length."""

    def __init__(self, threshold: float = THRESHOLD) -> None:
        self.threshold = threshold
        self.bands, self.rows = banding(threshold)
        self._hashes: list[np.ndarray] = []  # uint64 [c, 2]: which texts are equal
        self._keys: list[np.ndarray] = []  # uint32 [c, bands]
        self._sketches: list[np.ndarray] = []  # uint8 [c, KEPT]
        self._lengths: list[np.ndarray] = []  # int32 [c]
        self._short: list[np.ndarray] = []  # uint32 [s, bands]: further keys of short texts
        self._tiny: list[np.ndarray] = []  # uint32 [t, 21]: `deletions.keys` of texts of a few words

    def add(self, texts: Sequence[str]) -> None:
        """Take in some more texts, at best a few hundred at a time."""
        forms = [normalise(text)[:LONGEST] for text in texts]
        if not forms:
            return
        digests = b"".join(
            hashlib.blake2b(form.encode("utf-8", "surrogatepass"), digest_size=16).digest() for form in forms
        )
        values = _signatures(forms)
        self._hashes.append(np.frombuffer(digests, dtype="<u8").reshape(-1, 2))
        self._keys.append(_band_keys(values, self.bands, self.rows))
        self._sketches.append(values[:, :KEPT].astype(np.uint8))
        lengths = np.array([len(form) for form in forms], dtype=np.int32)
        self._lengths.append(lengths)
        short = np.flatnonzero(_inside(lengths, _SHORT))
        bands = _band_keys(values[short], WIDTH // SHORT_ROWS, SHORT_ROWS)
        self._short.append(deletions.with_numbers(bands, [forms[index] for index in short.tolist()]))
        tiny = np.flatnonzero(_inside(lengths, deletions.LENGTHS)).tolist()
        self._tiny.append(deletions.keys([forms[index] for index in tiny]))

    def join(self, texts: Texts) -> np.ndarray:
        """The clusters of all texts that were added, as `twins` gives them; nothing is kept of the texts afterwards.

        texts: gives the texts of some indices once more; asked for candidates only.
        """
        if not self._hashes:
            return np.zeros(0, dtype=np.int64)
        hashes = _emptied(self._hashes)
        mark = hashlib.sha256(hashes.tobytes() + repr(self.threshold).encode()).digest()
        if _LAST.get(mark) is None:
            clusters = self._joined(hashes, texts)
            _LAST.clear()
            _LAST[mark] = clusters
        return _LAST[mark].copy()

    def _joined(self, hashes: np.ndarray, texts: Texts) -> np.ndarray:
        first = _first_equal(hashes)
        own = np.flatnonzero(first == np.arange(len(first)))
        sketches, lengths = _emptied(self._sketches), _emptied(self._lengths)
        found = Joining(len(first), sketches, lengths, texts, self.threshold)
        for band in range(self.bands):
            keys = np.concatenate([part[:, band] for part in self._keys])
            found.band(own, keys[own])
        self._by_edits(found, first, lengths)
        return found.forest.roots()[first]

    def _by_edits(self, found: Joining, first: np.ndarray, lengths: np.ndarray) -> None:
        """Join short texts that few edits make of each other."""
        found.count_edits()
        short = np.flatnonzero(_inside(lengths, _SHORT))
        single = first[short] == short
        for band in range(WIDTH // SHORT_ROWS):
            keys = np.concatenate([part[:, band] for part in self._short])
            found.band(short[single], keys[single])
        found.count_edits(
            least=0
        )  # one edit changes most 5-grams of a text of a few words: no sketch tells it
        tiny = np.flatnonzero(_inside(lengths, deletions.LENGTHS))
        single = first[tiny] == tiny
        found.band(*deletions.pairs(tiny[single], np.concatenate(self._tiny)[single]))


def _emptied(parts: list[np.ndarray]) -> np.ndarray:
    """The parts as one array; they themselves are let go, so that the rows are not in memory twice."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def _signatures(forms: list[str]) -> np.ndarray:
    """MinHash signatures, uint32 [n, WIDTH]; with the fixed seed the same on any machine."""
    values = np.empty((len(forms), WIDTH), dtype=np.uint32)
    plain = np.array([form.isascii() for form in forms])
    for part in (np.flatnonzero(plain), np.flatnonzero(~plain)):
        for some in _bounded(part, forms):
            values[some] = _minhash([forms[index] for index in some])
    return values


def _bounded(part: np.ndarray, forms: list[str]) -> Iterator[np.ndarray]:
    """Pieces of at most CHUNK texts and, but for long single ones, of a million characters."""
    if not len(part):
        return
    million = np.cumsum([len(forms[index]) for index in part]) // 1_000_000
    piece = million * len(forms) + np.arange(len(part)) // CHUNK
    yield from np.split(part, np.flatnonzero(np.diff(piece)) + 1)


def _minhash(forms: list[str]) -> np.ndarray:
    sketch = doors.open("rensa").RMinHash.digest_matrix_from_flat_token_hashes
    values, bounds = grams.flat(forms)
    values *= _SPREAD
    values ^= values >> np.uint64(32)
    rows = sketch(values, bounds, WIDTH, 42).to_rows()
    return np.frombuffer(b"".join(array("I", row) for row in rows), dtype=np.uint32).reshape(-1, WIDTH)


def _band_keys(values: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """One number for each band, uint32 [n, bands]; equal bands have equal numbers (seldom others too)."""
    parts = values[:, : bands * rows].reshape(len(values), bands, rows).astype(np.uint64)
    keys = parts[:, :, 0]
    for row in range(1, rows):
        keys = grams.mixed(keys) + parts[:, :, row]
    return (grams.mixed(keys) >> np.uint64(32)).astype(np.uint32)


def _inside(lengths: np.ndarray, some: range) -> np.ndarray:
    return (lengths >= some.start) & (lengths < some.stop)


def _first_equal(hashes: np.ndarray) -> np.ndarray:
    """For each hash the index of the first that is equal, int64 [n]."""
    order = np.lexsort((np.arange(len(hashes)), hashes[:, 1], hashes[:, 0]))
    new = np.concatenate(([True], (hashes[order[1:]] != hashes[order[:-1]]).any(1)))
    first = np.empty(len(hashes), dtype=np.int64)
    first[order] = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
    return first
