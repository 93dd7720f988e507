"""D116: many texts made from few templates."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

from tunesmith.data.checks._rows import key_of, labelled, normalise, plural, text_of
from tunesmith.data.checks._sample import Sample
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Case, Check

SAMPLED = 5_000  # rows
LOOKED_AT = 500  # characters of a text
TEMPLATE = 5  # different texts that are the same but for numbers and names
SHORTEST = 20  # characters: short texts are alike by nature
MANY = 0.3  # share of the texts
FEWEST = 50  # texts
# a number, a word that begins with a capital, a placeholder
_FILLED = re.compile(r"\d[\d.,:/-]*|[A-Z]\w*|\{[^{}\n]{1,40}\}")


class FewTemplates(Check):
    """What is learnt is the template; real requests look otherwise.  State: a sample of (template, text) hashes."""

    code = "D116"

    def start(self) -> Sample:
        return Sample(SAMPLED)

    def update(self, state: Sample, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Sample:
        for row in rows:
            key = key_of(row)
            if state.wants(key) and len(text := text_of(row, evidence)) >= SHORTEST:
                state.add(key, _masked(text[:LOOKED_AT]))
        return state

    def merge(self, first: Sample, second: Sample) -> Sample:
        return first.joined(second)

    def findings(self, state: Sample) -> list[Finding]:
        texts: dict[int, set[int]] = defaultdict(set)
        for mask, text in state:
            texts[mask].add(text)
        made = [len(each) for each in texts.values() if len(each) >= TEMPLATE]
        total = sum(map(len, texts.values()))
        if total < FEWEST or sum(made) < MANY * total:
            return []
        share = sum(made) / total
        made_from = plural(len(made), "template")
        message = f"{share:.0%} of the texts are made from {made_from}: only numbers and names differ"
        numbers = {"templates": len(made), "share": share, "largest": max(made), "sampled": total}
        fix = Fix("tunesmith data stats FILE", "shows how many different texts there are; add real ones")
        return [Finding(self.code, "warning", message, sum(made), (), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        made = [
            (f"please cancel order {i} of Ms {name}", "order") for i in range(9) for name in ("Ng", "Roth")
        ]
        things = ("card", "parcel", "bill", "phone", "wheel", "brake", "chain")
        own = [(f"my {a} was sent with the {b}", "parcel") for a in things for b in things if a != b]
        return labelled(*made, *own[:40]), labelled(*made[:4], *own)


def _masked(text: str) -> tuple[int, int]:
    return _hash(_FILLED.sub("_", text)), _hash(text)


def _hash(text: str) -> int:
    return crc32(normalise(text).encode("utf-8", "surrogatepass"))
