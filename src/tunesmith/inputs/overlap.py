"""Which of some known texts stand in another text: whole, or nearly so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from zlib import crc32

RUN = 4  # words in a row by which candidates are found
FEWEST = 8  # words of a known text: a shorter one counts only where it is the whole text
CROWD = 50  # known texts that share a run of words, from which on the run tells nothing
TRIED = 3  # candidates that are compared
SHARED = 0.3  # of a candidate's runs, how many the other must hold: 80 % of the characters leave about half of them
CONTAINED = 0.8  # of the known text's character 5-grams, how many the other must hold


class Overlap:
    """An index of texts, given in their normal form.  normal: makes the normal form of the texts asked about."""

    def __init__(self, texts: Iterable[str], normal: Callable[[str], str]) -> None:
        self.normal = normal
        self.texts = sorted({text for text in texts if text})
        self.whole = frozenset(self.texts)
        self._runs: dict[int, list[int]] = {}
        self._least: list[float] = []
        for number, text in enumerate(self.texts):
            runs = _runs(text) if text.count(" ") >= FEWEST - 1 else set()
            self._least.append(SHARED * len(runs))
            for run in runs:
                known = self._runs.setdefault(run, [])
                if len(known) < CROWD:
                    known.append(number)

    def __len__(self) -> int:
        return len(self.texts)

    def kind(self, text: str) -> str:
        """'same' for a text that is known, 'holds' for one that holds a known one nearly whole, or ''."""
        text = self.normal(text)
        if text in self.whole:
            return "same"
        hits: Counter[int] = Counter()
        for run in _runs(text):
            known = self._runs.get(run)
            if known and len(known) < CROWD:
                hits.update(known)
        likely = [number for number, count in hits.most_common(TRIED) if count >= self._least[number]]
        return "holds" if likely and self._holds(_grams(text), likely) else ""

    def _holds(self, held: frozenset[str], likely: list[int]) -> bool:
        for number in likely:
            wanted = _grams(self.texts[number])
            if len(wanted & held) >= CONTAINED * len(wanted):
                return True
        return False


def _runs(text: str) -> set[int]:
    words = [crc32(word.encode("utf-8", "surrogatepass")) for word in text.split(" ")]
    return {hash(run) for run in zip(*(words[at:] for at in range(RUN)), strict=False)}


def _grams(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 5] for at in range(max(1, len(text) - 4)))
