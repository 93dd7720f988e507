"""The proof that a running server repeats the golden rows of its bundle, asked over HTTP as anyone would."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tunesmith.errors import IntegrityError
from tunesmith.model import Model
from tunesmith.serve import asking

TIMEOUT = 60.0
Ask = Callable[[str, dict[str, Any]], Mapping[str, Any]]  # (route, body) → the answer


def prove(server_url: str, model: Model, *, token: str = "") -> list[str]:
    """What the server at `server_url` gets wrong; empty when it serves this very model."""

    def ask(route: str, body: dict[str, Any]) -> Mapping[str, Any]:
        return _asked(server_url + route, {"model": model.name, **body}, model, token)

    try:
        return PROOFS[model.task.predicts](model, ask)
    except urllib.error.HTTPError as refusal:
        return [f"{server_url} answered {refusal.code}: {refusal.read(500).decode('utf-8', 'replace')}"]
    except (OSError, ValueError, KeyError, TypeError) as failure:
        return [f"{server_url} did not answer as it should: {failure}"]


def _labels(model: Model, ask: Ask) -> list[str]:
    """The golden rows go together in one request and must come back equal to the last bit; then each alone, with
    equal labels and probabilities within 1e-5."""
    texts = golden_texts(model)
    together = ask("/v1/classify", {"input": texts})["data"]
    alone = [answer for text in texts for answer in ask("/v1/classify", {"input": text})["data"]]
    return model.parity(together, exact=True) + [
        f"asked alone: {problem}" for problem in model.parity(alone, exact=False)
    ]


def _words(model: Model, ask: Ask) -> list[str]:
    """Every golden row is asked in words; the same words must come back, as likely within 1e-5."""
    questions = asking.questions(model)
    return asking.compared(model, questions, [_said(question, ask) for question in questions])


def _said(question: asking.Question, ask: Ask) -> dict[str, Any]:
    wish = question.wish
    body: dict[str, Any] = {"max_tokens": wish.max_tokens, "temperature": wish.temperature, "seed": wish.seed}
    if isinstance(question.prompt, str):
        answer = ask("/v1/completions", {"prompt": question.prompt, "logprobs": 0, **body})
        choice = answer["choices"][0]
        text, logprobs = choice["text"], choice["logprobs"]["token_logprobs"]
    else:
        # a call of a tool is told as the text that it is
        tools = {"tools": wish.tools, "tool_choice": "none"} if wish.tools else {}
        turns = [dict(turn) for turn in question.prompt]
        answer = ask("/v1/chat/completions", {"messages": turns, "logprobs": True, **tools, **body})
        choice = answer["choices"][0]
        text = choice["message"]["content"]
        logprobs = [each["logprob"] for each in choice["logprobs"]["content"]]
    return {
        "text": text,
        "tokens": answer["usage"]["completion_tokens"],
        "stopped": choice["finish_reason"] == "stop",
        "logprob": sum(logprobs) if logprobs else None,
    }


PROOFS: dict[str, Callable[[Model, Ask], list[str]]] = {"label": _labels, "text": _words}


def _asked(address: str, body: dict[str, Any], model: Model, token: str) -> Mapping[str, Any]:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)  # noqa: S310 - our own http address
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        request, timeout=TIMEOUT
    ) as answer:
        served = answer.headers.get("x-tunesmith-model", "")
        if not served.endswith(f"digest={model.digest}"):
            raise ValueError(f"it serves '{served}', not {model.name} ({model.digest[:12]})")
        return json.load(answer)


def input_field(model: Model) -> str:
    """Name of the field that holds the text."""
    return next(field.name for field in model.task.fields if field.role == "input")


def golden_texts(model: Model) -> list[str]:
    """The texts of the golden rows.  Raises IntegrityError V404 where there are none to prove it by."""
    return [row["fields"][input_field(model)] for row in require_golden(model)]


def require_golden(model: Model) -> list[dict[str, Any]]:
    """The golden rows.  Raises IntegrityError V404 where there are none to prove it by."""
    try:
        rows = model.golden()
    except FileNotFoundError:
        rows = []
    if not rows:
        raise disagrees(["the bundle has no golden rows"])
    return rows


def disagrees(problems: Sequence[str]) -> IntegrityError:
    """V404: a face does not repeat the golden rows."""
    return IntegrityError(
        "V404",
        f"the served model does not repeat its golden rows: {'; '.join(problems[:5])}",
        expected="the predictions that the bundle was sealed with, from every face",
        fixes=("tunesmith doctor", "serve on the machine and with the versions that made the bundle"),
    )
