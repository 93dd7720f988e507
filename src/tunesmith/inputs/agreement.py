"""How far people agree beyond chance: Cohen's kappa for two, Krippendorff's alpha for any number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def cohen(first: Sequence[str], second: Sequence[str]) -> float:
    """Cohen's kappa (1960) of two people's labels for the same rows, in the same order; NaN without rows.

    1: they agree everywhere; 0: as often as chance would.  Two who both use one label only agree: 1.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} labels: give both people's for the same rows")
    if not first:
        return float("nan")
    count = len(first)
    agreed = sum(one == two for one, two in zip(first, second, strict=True)) / count
    ones, twos = Counter(first), Counter(second)
    chance = sum(ones[label] * twos[label] for label in ones) / count**2
    return 1.0 if chance == 1 else (agreed - chance) / (1 - chance)


def krippendorff(votes: Sequence[Sequence[str]]) -> float:
    """Krippendorff's alpha for nominal labels: of each row the labels that it was given, by whomever.

    Rows with fewer than two labels say nothing.  NaN without rows; 1 where everybody agrees.  Krippendorff 2004,
    chapter 11.
    """
    pairable = [Counter(each) for each in votes if len(each) > 1]
    totals: Counter[str] = Counter()
    disagreed = 0.0
    for counts in pairable:
        size = counts.total()
        totals.update(counts)
        disagreed += (size * size - sum(n * n for n in counts.values())) / (size - 1)
    total = totals.total()
    if not total:
        return float("nan")
    chance = (total * total - sum(n * n for n in totals.values())) / (total - 1)
    return 1.0 if not chance else 1 - disagreed / chance
