"""What a data set looks like in figures: labels, lengths, duplicates, scripts, tokens, by side of its split."""

from __future__ import annotations

import hashlib
import unicodedata
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from tunesmith.data import checking
from tunesmith.data.checks._rows import normalise
from tunesmith.data.profile import profile
from tunesmith.fields import Record
from tunesmith.parts import Content

PER_TOKEN = 4.0  # characters of a token of subword tokenizers on text in Latin letters
DENSE = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")  # about a token a sign
LOOKED_AT = 400  # characters of a text by which its script is told
NEAR = 200_000  # rows up to which near-duplicates are looked for


def statistics(records: Sequence[Record], content: Content, sides: Sequence[str] = ()) -> dict[str, Any]:
    """Figures of rows as JSON values, in a few passes; rows that are on disk stay there.

    sides: of each row ('' for none), where they are divided.  lengths: of texts and of answers, in characters.
    tokens: an estimate, good to about 25 %; a tokenizer counts exactly.
    """
    found = {"rows": len(records), **_of(records, content), "duplicates": _duplicates(records, content)}
    found |= {"scripts": scripts(content.text(row) for row in records)}
    found |= {"tokens": sum(map(tokens, _written(records, content)))}
    if any(sides):
        found["sides"] = _by_side(records, content, sides)
    return found


def _of(records: Sequence[Record], content: Content) -> dict[str, Any]:
    known = profile(records, content)
    labelled = sum(bool(content.labels(row)) for row in records)
    answers = array("q", (len(said) for row in records if (said := content.target(row)) is not None))
    counts = sorted(known.labels.items(), key=lambda item: (-item[1], item[0]))
    found: dict[str, Any] = {"lengths": {"text": dict(known.lengths)}}
    if "labels" in content.offers:
        labels = {name: {"rows": rows, "share": rows / len(records)} for name, rows in counts}
        return {**found, "labels": labels, "unlabelled": len(records) - labelled}
    found["lengths"]["answer"] = _quantiles(answers)
    return {**found, "answered": len(answers)}


def _quantiles(values: Iterable[int]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {}
    last = len(ordered) - 1
    shares = {"min": 0.0, "p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    found = {name: float(ordered[round(share * last)]) for name, share in shares.items()}
    return {"mean": sum(ordered) / len(ordered), **found}


def _duplicates(records: Sequence[Record], content: Content) -> dict[str, int | None]:
    """Rows beyond the first of each text, exactly (after normalisation) and nearly; None: too many rows to look."""
    digests = np.fromiter((_digest(content.text(row)) for row in records), np.dtype("V16"), len(records))
    near = None
    if len(records) <= NEAR:
        near = len(records) - len(np.unique(checking.clusters(records, content)))
    return {"exact": len(records) - len(np.unique(digests)), "near": near}


def _digest(text: str) -> bytes:
    return hashlib.blake2b(normalise(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _written(records: Sequence[Record], content: Content) -> Iterable[str]:
    return (text for row in records for _, text in content.passages(row))


def tokens(text: str) -> int:
    """About how many tokens a subword tokenizer makes of a text."""
    if text.isascii():
        return round(len(text) / PER_TOKEN + 0.49)
    dense = sum(_script(letter) in DENSE for letter in text)
    return round(dense + (len(text) - dense) / PER_TOKEN + 0.49)


def scripts(texts: Iterable[str]) -> dict[str, int]:
    """{script: rows that are mostly written in it}, most frequent first; '' for rows without letters."""
    counts: Counter[str] = Counter()
    for text in texts:
        start = text[:LOOKED_AT]
        if start.isascii():
            counts["LATIN" if any(map(str.isalpha, start)) else ""] += 1
            continue
        letters = Counter(_script(letter) for letter in start if letter.isalpha())
        counts[letters.most_common(1)[0][0] if letters else ""] += 1
    return {name.capitalize() if name != "CJK" else name: rows for name, rows in counts.most_common()}


@lru_cache(maxsize=65536)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _by_side(records: Sequence[Record], content: Content, sides: Sequence[str]) -> dict[str, Any]:
    members: Mapping[str, list[Record]] = defaultdict(list)
    for row, side in zip(records, sides, strict=True):
        members[side].append(row)
    return {
        side or "none": {
            "rows": len(rows),
            "labels": dict(Counter(label for row in rows for label in content.labels(row)).most_common()),
        }
        for side in ("train", "validation", "test", "")
        if (rows := members.get(side))
    }
