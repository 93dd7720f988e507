"""A text and what becomes of it: source and target, article and summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms._values import filled, text, unpacked
from tunesmith.fields import Field
from tunesmith.parts import Form


class Seq2seq(Form):
    """Keys: source, target.  Of a list of targets the first is the target, the others are references."""

    content: ClassVar = "rewrite"
    keys: ClassVar = (
        Field("source", "input", ("source", "article", "document", "abstract", "dialogue", "src", "text")),
        Field("target", "target", ("target", "summary", "summaries", "highlights", "tgt", "headline")),
    )

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        value = unpacked(row.get("target"))
        targets = [text(each) for each in value] if isinstance(value, list) else [text(row.get("target"))]
        first, *others = targets or [""]
        return {"source": text(row.get("source")), "target": first, **filled(references=others)}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        others = fields.get("references") or []
        listed = bool(others) or isinstance(unpacked(fields["target"]), list)
        return {
            "source": fields["source"],
            "target": [fields["target"], *others] if listed else fields["target"],
        }

    def samples(self) -> list[dict[str, Any]]:
        return [
            {"source": "The wheel, which was bent, is now straight.", "target": "The wheel is straight."},
            {"source": "We open at nine.", "target": ["Nine is when we open.", "At nine we open."]},
        ]
