"""L204: the same text with two labels."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import (
    label_form,
    labelled,
    normalise,
    plural,
    review_fix,
    shown,
    text_of,
)
from tunesmith.fields import Record
from tunesmith.findings import Finding, Place
from tunesmith.parts import Case, Check


class ConflictingLabels(Check):
    """Which label is right only a person knows, so nothing is changed; two spellings of a label are no
    conflict, and what several annotators say of one text is L210's."""

    code = "L204"
    wants = frozenset({"labels"})

    def start(self) -> list[tuple[bytes, str, Place]]:
        return []

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        for row in rows:
            forms = sorted(filter(None, map(label_form, evidence["content"].labels(row))))
            text = "" if row.fields.get("annotator") else normalise(text_of(row, evidence))
            if forms and text:
                # a digest instead of the text keeps the state small when texts are long
                digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
                state.append((digest, "; ".join(forms), row.place))
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        labels: dict[bytes, set[str]] = defaultdict(set)
        for text, label, _ in state:
            labels[text].add(label)
        places = [place for text, _, place in state if len(labels[text]) > 1]
        if not places:
            return []
        texts = sum(len(found) > 1 for found in labels.values())
        message = f"{plural(texts, 'text')} with more than one label, in {plural(len(places), 'row')}"
        fix = review_fix(
            self.code,
            "leaves these rows out; better: decide on one label for each text",
            [place.id for place in places],
        )
        numbers = {"texts": texts, "rows": len(places)}
        return [Finding(self.code, "warning", message, len(places), shown(places), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        dirty = labelled(
            ("my card is lost", "card"), ("My card is lost ", "order"), ("where is it", "parcel")
        )
        clean = labelled(("my card is lost", "card"), ("My card is lost ", "Card"), ("where is it", "parcel"))
        return dirty, clean
