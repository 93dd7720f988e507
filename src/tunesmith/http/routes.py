"""What each address answers; the gate in `guard.py` has checked who asks before any of this runs."""

from __future__ import annotations

import asyncio
import time

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tunesmith.http import finding, pages
from tunesmith.http.guard import Json, error_response
from tunesmith.http.metrics import CONTENT_TYPE
from tunesmith.serve import shapes
from tunesmith.serve.limits import refusal


async def classify(body: shapes.ClassifyRequest, request: Request) -> Response:
    """Label, calibrated confidence and whether to abstain, for one text or several."""
    service = finding.classifying(request, body.model)
    texts = [body.input] if isinstance(body.input, str) else body.input
    predictions = await service.answer(texts, "input")
    tokens = await asyncio.to_thread(service.tokens, texts)
    answer = shapes.classified(
        service.model, predictions, request=request.state.request_id, created=int(time.time()), tokens=tokens
    )
    return Json(answer)


async def predict(body: shapes.PredictRequest, request: Request) -> Response:
    """Scores of all labels, best first: a list for one text, a list of lists for a batch."""
    service = finding.classifying(request, None)
    texts = [body.inputs] if isinstance(body.inputs, str) else [_alone(item) for item in body.inputs]
    if body.truncate:
        left = body.truncation_direction.lower() == "left"
        texts = [text[-service.limits.chars :] if left else text[: service.limits.chars] for text in texts]
    predictions = await service.answer(texts, "inputs")
    scores = [shapes.scored(prediction, raw=body.raw_scores) for prediction in predictions]
    return Json(scores[0] if isinstance(body.inputs, str) else scores)


def _alone(item: str | list[str]) -> str:
    if isinstance(item, str):
        return item
    if len(item) != 1:
        raise refusal(
            "V102",
            f"a list of {len(item)} texts as one input",
            expected="one text each: this model reads no pairs",
            fixes=('{"inputs": [["first text"], ["second text"]]}',),
            where="inputs",
        )
    return item[0]


async def models(request: Request) -> Response:
    """The served models."""
    found = [shapes.card(each.model, each.created, each.names[0]) for each in finding.shelf(request)]
    return Json({"object": "list", "data": found})


async def show_model(model_id: str, request: Request) -> Response:
    """One of the served models."""
    found = finding.service(request, model_id)
    return Json(shapes.card(found.model, found.created, found.names[0]))


async def healthz() -> Response:
    """The process is alive."""
    return Json({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The golden rows of every model agree; until then 503."""
    finding.shelf(request).check_ready()
    return Json({"status": "ready"})


async def metrics(request: Request) -> Response:
    """Counters for Prometheus."""
    return Response(finding.shelf(request).metrics.render(), media_type=CONTENT_TYPE)


async def docs(request: Request) -> Response:
    """This endpoint explained, with examples that run."""
    address = f"{request.url.scheme}://{request.headers['host']}"
    page = pages.docs(finding.shelf(request), address, token_needed=request.app.state.token_needed)
    return Response(page, media_type="text/html; charset=utf-8")


# ---- errors ----


async def no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = dict(error.headers or {})
        return error_response(
            refusal("V109", f"{request.method} does not work here", fixes=("GET /docs",)), allowed
        )
    if error.status_code == 404:
        return error_response(refusal("V108", "there is nothing at this address", fixes=("GET /docs",)))
    return error_response(refusal("V101", "the body can't be read", expected="one JSON object in UTF-8"))


async def wrong_shape(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body")
    return error_response(
        refusal(
            "V102",
            f"{place or 'body'}: {first['msg']}",
            fixes=("GET /docs shows the shape",),
            where=place[:100],
        )
    )
