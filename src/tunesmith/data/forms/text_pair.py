"""Two texts and a label or a score: premise and hypothesis, question and question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms._values import text
from tunesmith.fields import Field
from tunesmith.parts import Form


class TextPair(Form):
    """Keys: text_a, text_b, label."""

    content: ClassVar = "pair"
    keys: ClassVar = (
        Field("text_a", "input", ("text_a", "sentence1", "premise", "question1", "sentence_a", "text1")),
        Field("text_b", "input", ("text_b", "sentence2", "hypothesis", "question2", "sentence_b", "text2")),
        Field(
            "label",
            "target",
            ("label", "score", "gold_label", "is_duplicate", "similarity", "similarity_score", "entailment"),
            kind="category",
        ),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {each.name: text(row.get(each.name)) for each in self.keys}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {each.name: fields[each.name] for each in self.keys}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"text_a": "The shop opens at nine.", "text_b": "It is closed at eight.", "label": "entailment"},
            {"text_a": "The shop opens at nine.", "text_b": "We open at nine.", "label": 0.9},
        ]
