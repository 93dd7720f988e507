"""A text in two languages: {"translation": {"en": …, "fr": …}}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tunesmith.data.forms._values import mapped, text
from tunesmith.fields import Field
from tunesmith.parts import Form

_EXAMPLE = '{"en": "…", "fr": "…"}'


class Translation(Form):
    """Keys: translation (an object of two texts; the first is the source)."""

    content: ClassVar = "rewrite"
    keys: ClassVar = (Field("translation", "input", ("translation",), kind="json"),)

    def parse(self, row: Mapping[str, Any]) -> dict[str, Any]:
        both = [text(each) for each in mapped(row.get("translation"), "translation", _EXAMPLE).values()]
        if len(both) != 2:
            raise ValueError(f"{len(both)} texts in a translation; write {_EXAMPLE}")
        return {"source": both[0], "target": both[1]}

    def render(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"translation": {"source": fields["source"], "target": fields["target"]}}

    def samples(self) -> list[dict[str, Any]]:
        return [{"translation": {"en": "We open at nine.", "de": "Wir öffnen um neun."}}]
