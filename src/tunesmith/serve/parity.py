"""The proof that a running server repeats the golden rows of its bundle, asked over HTTP as anyone would."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.errors import IntegrityError
from tunesmith.model import Model

TIMEOUT = 60.0


def prove(server_url: str, model: Model, *, token: str = "") -> list[str]:
    """What the server at `server_url` gets wrong; empty when it serves this very model.

    The golden rows go together in one request and must come back equal to the last bit; then each alone, with
    equal labels and probabilities within 1e-5.
    """
    texts = golden_texts(model)
    try:
        together = _ask(server_url, texts, model, token)
        alone = [answer for text in texts for answer in _ask(server_url, text, model, token)]
        return model.parity(together, exact=True) + [
            f"asked alone: {problem}" for problem in model.parity(alone, exact=False)
        ]
    except urllib.error.HTTPError as refusal:
        return [f"{server_url} answered {refusal.code}: {refusal.read(500).decode('utf-8', 'replace')}"]
    except (OSError, ValueError, KeyError, TypeError) as failure:
        return [f"{server_url} did not answer as it should: {failure}"]


def _ask(server_url: str, texts: str | Sequence[str], model: Model, token: str) -> list[Mapping[str, Any]]:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    body = json.dumps({"input": texts}).encode()
    request = urllib.request.Request(f"{server_url}/v1/classify", body, headers)  # noqa: S310 - our own http address
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        request, timeout=TIMEOUT
    ) as answer:
        served = answer.headers.get("x-tunesmith-model", "")
        if not served.endswith(f"digest={model.digest}"):
            raise ValueError(f"it serves '{served}', not {model.name} ({model.digest[:12]})")
        return json.load(answer)["data"]


def input_field(model: Model) -> str:
    """Name of the field that holds the text."""
    return next(field.name for field in model.task.fields if field.role == "input")


def golden_texts(model: Model) -> list[str]:
    """The texts of the golden rows.  Raises IntegrityError V404 where there are none to prove it by."""
    try:
        texts = [row["fields"][input_field(model)] for row in model.golden()]
    except FileNotFoundError:
        texts = []
    if not texts:
        raise disagrees(["the bundle has no golden rows"])
    return texts


def disagrees(problems: Sequence[str]) -> IntegrityError:
    """V404: a face does not repeat the golden rows."""
    return IntegrityError(
        "V404",
        f"the served model does not repeat its golden rows: {'; '.join(problems[:5])}",
        expected="the predictions that the bundle was sealed with, from every face",
        fixes=("tunesmith doctor", "serve on the machine and with the versions that made the bundle"),
    )
