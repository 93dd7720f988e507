"""The JSON that goes in and out: vLLM's /classify, text-embeddings-inference's /predict, OpenAI's models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tunesmith.errors import TunesmithError
from tunesmith.model import Model
from tunesmith.parts import Prediction
from tunesmith.serve.limits import status_of

_TINY = np.finfo(np.float64).tiny


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())


class ClassifyRequest(_Shape):
    """Texts to classify."""

    model: str | None = Field(None, description="name of the served model, with or without its version")
    input: str | list[str] = Field(description="one text or several")
    user: str | None = Field(None, description="taken for compatibility; not used, not kept")


class Classified(_Shape):
    """What the model says of one text."""

    index: int = Field(description="place of the text in `input`")
    label: str
    probs: list[float] = Field(description="calibrated probabilities, parallel to `labels`, sum 1")
    num_classes: int
    labels: list[str]
    confidence: float = Field(description="calibrated probability of `label`")
    abstain: bool = Field(description="the confidence is under the threshold: better ask a person")


class Usage(_Shape):
    """Tokens that were read; 0 where the model reads characters and words instead."""

    prompt_tokens: int = 0
    total_tokens: int = 0
    completion_tokens: int = 0


class ClassifyResponse(_Shape):
    """Answers in the order of the texts."""

    id: str
    object: Literal["list"] = "list"
    created: int = Field(description="Unix seconds")
    model: str
    data: list[Classified]
    usage: Usage


class PredictRequest(_Shape):
    """Texts to score.  A string is one text; a list of strings, or of one-string lists, is a batch.

    Pairs of texts ([[first, second]]) are refused: this model reads one text.
    """

    inputs: str | list[str] | list[list[str]] = Field(
        description="a text, or a batch: [text, …] or [[text], …]"
    )
    raw_scores: bool = Field(False, description="scores before the softmax (natural logarithms of `probs`)")
    truncate: bool = Field(
        False, description="cut a text at the server's character limit instead of refusing it"
    )
    truncation_direction: Literal["left", "right", "Left", "Right"] = Field(
        "right", description="the end at which `truncate` cuts"
    )


class Score(_Shape):
    """One label and its score."""

    score: float
    label: str


class ModelCard(BaseModel):
    """A served model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "tunesmith"
    root: str = Field(description="the base model, or the approach where there is none")
    task: str
    approach: str
    labels: list[str] = Field(description="none for a model that answers in words")
    digest: str = Field(description="SHA-256 of the bundle's manifest")
    max_model_len: int | None = Field(
        None, description="tokens that the model sees at once, where it counts them"
    )


class ModelList(BaseModel):
    """The served models."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class Problem(BaseModel):
    """What went wrong and what to do."""

    message: str
    type: str
    param: str | None = None
    code: str = Field(description="stable; `tunesmith explain CODE` tells more")
    hint: str | None = None


class ErrorResponse(BaseModel):
    """Every error has this shape."""

    error: Problem


class Status(BaseModel):
    """Alive, or ready."""

    status: str


def classified(
    model: Model, predictions: Sequence[Prediction], *, request: str, created: int, tokens: int
) -> dict[str, Any]:
    """The answer of /v1/classify; probabilities are the library's own doubles and survive JSON exactly."""
    return {
        "id": f"classify-{request}",
        "object": "list",
        "created": created,
        "model": model.name,
        "data": [
            {"index": index, **prediction.to_json()}
            | {"num_classes": len(prediction.labels), "labels": list(prediction.labels)}
            for index, prediction in enumerate(predictions)
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0},
    }


def scored(prediction: Prediction, *, raw: bool) -> list[dict[str, Any]]:
    """All labels of one text, best first.  raw: scores whose softmax is the calibrated probabilities."""
    probs = np.asarray(prediction.probs, np.float64)
    scores = np.log(np.maximum(probs, _TINY)) if raw else probs
    order = np.argsort(-probs, kind="stable")
    return [{"score": float(scores[place]), "label": prediction.labels[place]} for place in order]


def card(model: Model, created: int, name: str = "") -> dict[str, Any]:
    """The model in OpenAI's list of models.  name: what it is called there, its own where ''."""
    from_base = bool(model.codec.files)
    return ModelCard(
        id=name or model.name,
        created=created,
        root=model.recipe.base if from_base else model.recipe.approach.name,
        task=model.recipe.task.name,
        approach=model.recipe.approach.name,
        labels=list(model.labels),
        digest=model.digest,
        max_model_len=model.codec.settings.get("window") or None,
    ).model_dump(exclude_none=True)


def problem(error: TunesmithError) -> dict[str, Any]:
    """An error as the one shape of all errors."""
    wanted = f"; expected {error.expected}" if error.expected else ""
    return {
        "error": {
            "message": f"{error.found}{wanted}",
            "type": status_of(error)[1],
            "param": error.where or None,
            "code": error.code,
            "hint": " · ".join(error.fixes) or None,
        }
    }
