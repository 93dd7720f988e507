"""A small model for serving tests: its answers depend on the text and, by rounding only, on the batch's make-up."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.fields import Record
from tunesmith.model import Model
from tunesmith.parts import Codec, Predictor
from tunesmith.recipe.sections import Data, Part, Recipe, Serve
from tunesmith.store import files
from tunesmith.tasks.text_classification import TextClassification

LABELS = ("Billing & tax", "delivery", "größe", "refund")
GOLDEN = tuple(f"golden text number {n}: where is my order? <b>ÄÖ</b>" for n in range(6))


class Oracle(Predictor):
    """Logits from a hash of the text.  Says 'poison' is an error; waits while `gate` is closed."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.shift = 0.0

    def outputs(self, records: Sequence[Record]) -> list[list[np.ndarray]]:
        texts = [record.fields["text"] for record in records]
        self.calls.append(texts)
        self.entered.set()
        if not self.gate.wait(20):
            raise TimeoutError("the gate stayed closed")
        if any("poison" in text for text in texts):
            raise RuntimeError("the secret of the poisoned text")
        rounding = np.float32(1e-6) * len(texts)  # as a padded matrix product would
        return [[logits_of(text) + np.array([rounding, 0, 0, self.shift], np.float32)] for text in texts]


def logits_of(text: str) -> np.ndarray:
    digest = hashlib.sha256(text.encode()).digest()
    return np.frombuffer(digest[:4], np.uint8).astype(np.float32) / 40


def label_of(text: str) -> str:
    return LABELS[int(logits_of(text).argmax())]


def make_model(
    folder: Path,
    *,
    golden: Sequence[str] = GOLDEN,
    name: str = "tickets@3",
    threshold: float = 0.9,
    **serve: Any,
) -> tuple[Model, Oracle]:
    """A model whose golden rows are written as a bundle writes them."""
    oracle = Oracle()
    recipe = Recipe(data=Data(source="tickets.csv"), approach=Part(name="linear"), serve=Serve(**serve))
    codec = Codec({"labels": list(LABELS), "temperature": 1.3, "threshold": threshold})
    model = Model(TextClassification(), codec, oracle, recipe, name, folder, "ab" * 32)
    answers = model.predict_texts(golden)
    rows = [{"fields": {"text": t}, **p.to_json()} for t, p in zip(golden, answers, strict=True)]
    files.write_json(folder / "golden.json", {"rows": rows})
    oracle.calls.clear()
    oracle.entered.clear()
    return model, oracle


def ask(
    url: str, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    """One request on a connection of its own: (status, JSON or text, headers in lower case)."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    content = raw if raw is not None else json.dumps(body).encode() if body is not None else None
    if content is not None:
        given.setdefault("content-type", "application/json")
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    try:
        connection.request(method, path, content, given)
        answer = connection.getresponse()
        text = answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
        is_json = found.get("content-type", "").startswith("application/json")
        return answer.status, json.loads(text) if is_json else text.decode(), found
    finally:
        connection.close()
