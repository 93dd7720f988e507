"""Label Studio's export: which annotation of a task counts, and which text it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.data.forms._values import listed, mapped, text

_EXAMPLE = '[{"result": […], "was_cancelled": false}]'


def counted(value: Any) -> list[Mapping[str, Any]]:
    """The results of the annotation that counts: the ground truth, else the latest that was not cancelled.

    Raises ValueError where the task has none.
    """
    found = [each for each in listed(value, "annotations", _EXAMPLE) if isinstance(each, Mapping)]
    valid = [each for each in found if not each.get("was_cancelled")]
    if not valid:
        raise ValueError(
            "no annotation that was not cancelled; label the task, or leave it out of the export"
        )
    best = max(enumerate(valid), key=lambda pair: (bool(pair[1].get("ground_truth")), pair[0]))[1]
    results = best.get("result")
    return [each for each in results if isinstance(each, Mapping)] if isinstance(results, list) else []


def about(value: Any) -> str:
    """The task's text: data.text, else the longest text of data."""
    data = mapped(value, "data", '{"text": "…"}')
    if isinstance(data.get("text"), str):
        return data["text"]
    return max((text(each) for each in data.values() if isinstance(each, str)), key=len, default="")


def values(results: list[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """The values of the results of one kind ('choices', 'labels')."""
    found = [each["value"] for each in results if isinstance(each.get("value"), Mapping)]
    return [value for value in found if isinstance(value.get(kind), list) and value[kind]]


def task(said: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    """A task of an export with one annotation."""
    return {"data": {"text": said}, "annotations": [{"result": results, "was_cancelled": False}]}
