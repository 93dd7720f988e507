"""BM25: which texts share rare words with a question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunesmith.store import files

RISE, LENGTH = 1.2, 0.75  # k1 and b, the values that Robertson and Zaragoza (2009) name as usual
# scripts that put no blanks between words: each letter counts as one
_RUNNING = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(f"[{_RUNNING}]|(?:(?![{_RUNNING}])\\w)+")


def words(text: str) -> list[str]:
    """The words of a text without regard to case; single letters in scripts without blanks."""
    return _WORD.findall(text.casefold())


@dataclass(frozen=True)
class Bm25:
    """An index of D texts.  Its weights are computed beforehand, so that a search only adds (Lù 2024).

    terms: word → its number, T of them.  starts: int64 [T + 1], where the entries of each word begin in the other two.
    places: int32, texts that have the word.  weights: float32, what the word adds to their scores.
    """

    terms: dict[str, int]
    starts: np.ndarray
    places: np.ndarray
    weights: np.ndarray
    size: int

    @staticmethod
    def of(texts: Sequence[str]) -> Bm25:
        """The index of texts, in order."""
        terms: dict[str, int] = {}
        said = [[terms.setdefault(word, len(terms)) for word in words(text)] for text in texts]
        lengths = np.array([len(each) for each in said], np.int64)
        flat = np.array([term for each in said for term in each], np.int64)
        pairs = flat * max(len(texts), 1) + np.repeat(np.arange(len(texts)), lengths)
        found, counts = np.unique(pairs, return_counts=True)
        term, place = np.divmod(found, max(len(texts), 1))
        held = np.bincount(term, minlength=len(terms))
        rare = np.log1p((len(texts) - held + 0.5) / (held + 0.5))
        long = 1 - LENGTH + LENGTH * lengths / max(float(lengths.mean()) if len(texts) else 1.0, 1e-9)
        weights = rare[term] * counts * (RISE + 1) / (counts + RISE * long[place])
        starts = np.concatenate(([0], np.cumsum(held)))
        return Bm25(
            terms,
            starts.astype(np.int64),
            place.astype(np.int32),
            weights.astype(np.float32),
            len(texts),
        )

    def scores(self, question: str) -> np.ndarray:
        """float32 [D]: 0 for a text that has no word of the question; a word that is asked twice counts once."""
        found = np.zeros(self.size, np.float32)
        for word in dict.fromkeys(words(question)):
            if (term := self.terms.get(word)) is not None:
                part = slice(self.starts[term], self.starts[term + 1])
                found[self.places[part]] += self.weights[part]
        return found

    def save(self, folder: Path) -> None:
        """Write `bm25.json` (the words, in order of their numbers) and `bm25.safetensors`."""
        from safetensors.numpy import save

        files.write_json(folder / "bm25.json", {"terms": list(self.terms), "size": self.size})
        arrays = {"starts": self.starts, "places": self.places, "weights": self.weights}
        files.write(folder / "bm25.safetensors", save(arrays))

    @staticmethod
    def load(folder: Path) -> Bm25:
        """The inverse of `save`."""
        from safetensors.numpy import load_file

        about, arrays = files.read_json(folder / "bm25.json"), load_file(folder / "bm25.safetensors")
        terms = {word: number for number, word in enumerate(about["terms"])}
        return Bm25(terms, arrays["starts"], arrays["places"], arrays["weights"], about["size"])


def best(scores: np.ndarray, count: int) -> list[int]:
    """The places of the highest scores above 0, best first; of equal ones the earlier."""
    positive = np.flatnonzero(scores > 0)
    if len(positive) > count:
        least = np.partition(scores[positive], len(positive) - count)[len(positive) - count]
        positive = positive[scores[positive] >= least]
    order = np.argsort(-scores[positive], kind="stable")
    return positive[order[:count]].tolist()
