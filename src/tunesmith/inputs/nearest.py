"""Which texts are nearest to a question: by words, and by meaning where vectors are at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunesmith.inputs.bm25 import Bm25, best
from tunesmith.store import files

Embed = Callable[[Sequence[str]], np.ndarray]  # texts → float32 [B, D]
DAMPING = 60  # of ranks that are fused, as in Cormack, Clarke and Büttcher (2009)
DEEP = 10  # each list that is fused is so many times longer than what is wanted


@dataclass(frozen=True)
class Nearest:
    """An index of texts.  vectors: float32 [N, D] of length 1, or None where words alone are compared.

    embed: makes vectors of questions as those of the texts were made.
    """

    words: Bm25
    vectors: np.ndarray | None = None
    embed: Embed | None = None

    @staticmethod
    def of(texts: Sequence[str], embed: Embed | None = None) -> Nearest:
        """The index of texts, in order."""
        vectors = _unit(embed(texts)) if embed and texts else None
        return Nearest(Bm25.of(texts), vectors, embed)

    def search(self, question: str, count: int) -> list[int]:
        """Places of the nearest texts, best first; fewer than `count` where no more have a word in common with it and
        nothing is known of meaning.

        Where both are known, their orders are fused: Σ 1 ÷ (60 + rank).
        """
        by_words = best(self.words.scores(question), count * DEEP)
        if self.vectors is None or self.embed is None:
            return by_words[:count]
        near = self.vectors @ _unit(self.embed([question]))[0]
        return fused([by_words, best(near - near.min(initial=0.0) + 1.0, count * DEEP)])[:count]

    def save(self, folder: Path) -> None:
        """Write the index; whoever loads it must bring the same `embed`."""
        from safetensors.numpy import save

        self.words.save(folder)
        if self.vectors is not None:
            files.write(folder / "vectors.safetensors", save({"vectors": self.vectors}))

    @staticmethod
    def load(folder: Path, embed: Embed | None = None) -> Nearest:
        """The inverse of `save`."""
        from safetensors.numpy import load_file

        place = folder / "vectors.safetensors"
        vectors = load_file(place)["vectors"] if embed and place.is_file() else None
        return Nearest(Bm25.load(folder), vectors, embed)


def fused(lists: Sequence[Sequence[int]]) -> list[int]:
    """Places by the sum of 1 ÷ (60 + rank) over the lists, best first; of equal ones the smaller."""
    sums: dict[int, float] = {}
    for each in lists:
        for rank, place in enumerate(each, 1):
            sums[place] = sums.get(place, 0.0) + 1 / (DAMPING + rank)
    return sorted(sums, key=lambda place: (-sums[place], place))


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
