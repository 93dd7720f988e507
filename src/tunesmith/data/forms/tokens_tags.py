"""Words and their tags as two lists of equal length (also as text, as tables hold them)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms._values import listed, text
from tunesmith.fields import Field
from tunesmith.inputs import tagging
from tunesmith.parts import Form


class TokensTags(Form):
    """Keys: tokens, tags.  IOB1, BILOU, BIOES and bare tags become IOB2."""

    content: ClassVar = "tags"
    keys: ClassVar = (
        Field("tokens", "input", ("tokens", "words"), kind="strings"),
        Field("tags", "target", ("tags", "ner_tags", "labels", "ner", "iob", "pos_tags"), kind="strings"),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        tokens = listed(row.get("tokens"), "tokens", '["A", "word"]')
        tags = listed(row.get("tags"), "tags", '["O", "B-place"]')
        if len(tokens) != len(tags):
            raise ValueError(f"{len(tokens)} tokens and {len(tags)} tags; give each token a tag")
        if any(isinstance(tag, (int, float, list, dict)) for tag in tags):
            raise ValueError("tags that are no texts; write their names, such as B-person")
        return {
            "tokens": [text(token) for token in tokens],
            "tags": tagging.iob2([text(tag) for tag in tags]),
        }

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"tokens": list(fields["tokens"]), "tags": list(fields["tags"])}

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"tokens": ["Ada", "Lovelace", "lived"], "tags": ["B-person", "I-person", "O"]},
            {"tokens": ["In", "London", "."], "tags": ["O", "U-place", "O"]},
            {"tokens": "['New', 'York']", "tags": "['I-place', 'I-place']"},
            {"tokens": ["Ada", "came"], "tags": ["person", "O"]},
        ]
