"""L210: annotators who give the same text different labels."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.data.checks._rows import label_form, normalise, planted, plural, shown, text_of
from tunesmith.fields import Record
from tunesmith.findings import Finding, Fix, Place
from tunesmith.inputs import agreement
from tunesmith.parts import Case, Check

RELIABLE = 0.8  # Krippendorff's alpha from which conclusions may be drawn


class AnnotatorDisagreement(Check):
    """Rows with a field `annotator`, one for each judgement, or with `votes`, all judgements of a row in one.

    State: (digest of the text, annotator, form of the label, place) of each judgement.
    """

    code = "L210"
    wants = frozenset({"labels"})

    def start(self) -> list[tuple[bytes, str, str, Place]]:
        return []

    def update(self, state: Any, rows: Sequence[Record], evidence: Mapping[str, Any]) -> Any:
        for row in rows:
            if (said := _said(row, evidence)) and (text := normalise(text_of(row, evidence))):
                digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
                state += [(digest, who, label, row.place) for who, label in said]
        return state

    def merge(self, first: Any, second: Any) -> Any:
        return first + second

    def findings(self, state: Any) -> list[Finding]:
        votes: dict[bytes, dict[str, str]] = defaultdict(dict)
        for text, who, label, _ in state:
            votes[text][who] = label
        judged = [each for each in votes.values() if len(each) > 1]
        split = {text for text, each in votes.items() if len(set(each.values())) > 1}
        if not split:
            return []
        alpha = agreement.krippendorff([list(each.values()) for each in judged])
        places = list(dict.fromkeys(place for text, _, _, place in state if text in split))
        message = (
            f"annotators disagree on {len(split):,} of {plural(len(judged), 'text')} that several judged "
            f"(Krippendorff's alpha {alpha:.2f}{_pair(judged)})"
        )
        numbers = {"alpha": alpha, "texts": len(judged), "split": len(split)}
        fix = Fix("tunesmith data audit FILE", "decides these rows one by one; then write the rule down")
        severity = "info" if alpha >= RELIABLE else "warning"
        return [Finding(self.code, severity, message, len(places), shown(places), numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        texts = ["lost my card", "no card came", "where is it", "the parcel is late"]
        first = [
            (text, label, "ann")
            for text, label in zip(texts, ("card", "card", "parcel", "parcel"), strict=True)
        ]
        second = [(text, label, "bo") for text, label, _ in first]
        return _votes(*first, *second[:2], (texts[2], "card", "bo")), _votes(*first, *second)


def _said(row: Record, evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(who, form of the label) of each judgement in a row; who gave a vote is told by its place."""
    if votes := row.fields.get("votes"):
        return [(f"#{number}", label_form(vote)) for number, vote in enumerate(votes, 1) if vote]
    who, labels = str(row.fields.get("annotator") or ""), evidence["content"].labels(row)
    return [(who, "; ".join(sorted(map(label_form, labels))))] if who and labels else []


def _pair(judged: Sequence[Mapping[str, str]]) -> str:
    """Cohen's kappa where the same two judged everything."""
    people = sorted({who for each in judged for who in each})
    if len(people) != 2 or any(len(each) != 2 for each in judged):
        return ""
    kappa = agreement.cohen([each[people[0]] for each in judged], [each[people[1]] for each in judged])
    return f", Cohen's kappa {kappa:.2f}"


def _votes(*rows: tuple[str, str, str]) -> Case:
    from tunesmith.data.contents.labelled import Labelled

    return planted(
        Labelled(), *({"text": text, "label": label, "annotator": who} for text, label, who in rows)
    )
