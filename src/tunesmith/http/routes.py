"""What each address answers; the gate in `guard.py` has checked who asks before any of this runs."""

from __future__ import annotations

import asyncio
import time

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tunesmith.http import pages
from tunesmith.http.guard import Json, error_response
from tunesmith.http.metrics import CONTENT_TYPE
from tunesmith.http.service import Service
from tunesmith.serve import shapes
from tunesmith.serve.limits import refusal


def _service(request: Request) -> Service:
    return request.app.state.service


def _check_model(service: Service, name: str) -> None:
    if name not in {service.model.name, service.model.name.partition("@")[0]}:
        raise refusal(
            "V107",
            "no model of that name is served here",
            expected=service.model.name,
            fixes=("GET /v1/models",),
            where="model",
        )


async def classify(body: shapes.ClassifyRequest, request: Request) -> Response:
    """Label, calibrated confidence and whether to abstain, for one text or several."""
    service = _service(request)
    if body.model is not None:
        _check_model(service, body.model)
    texts = [body.input] if isinstance(body.input, str) else body.input
    predictions = await service.answer(texts, "input")
    tokens = await asyncio.to_thread(service.tokens, texts)
    answer = shapes.classified(
        service.model, predictions, request=request.state.request_id, created=int(time.time()), tokens=tokens
    )
    return Json(answer)


async def predict(body: shapes.PredictRequest, request: Request) -> Response:
    """Scores of all labels, best first: a list for one text, a list of lists for a batch."""
    service = _service(request)
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
    """The served model, as a list of one."""
    service = _service(request)
    return Json({"object": "list", "data": [shapes.card(service.model, service.created)]})


async def show_model(model_id: str, request: Request) -> Response:
    """The served model."""
    service = _service(request)
    _check_model(service, model_id)
    return Json(shapes.card(service.model, service.created))


async def healthz() -> Response:
    """The process is alive."""
    return Json({"status": "ok"})


async def readyz(request: Request) -> Response:
    """The golden rows agree; until then 503."""
    _service(request).check_ready()
    return Json({"status": "ready"})


async def metrics(request: Request) -> Response:
    """Counters for Prometheus."""
    return Response(_service(request).metrics.render(), media_type=CONTENT_TYPE)


async def docs(request: Request) -> Response:
    """This endpoint explained, with examples that run."""
    service = _service(request)
    address = f"{request.url.scheme}://{request.headers['host']}"
    page = pages.docs(
        service.model, service.golden, address, service.limits, token_needed=request.app.state.token_needed
    )
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
