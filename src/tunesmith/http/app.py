"""The endpoint of one model as an ASGI application, and its description in OpenAPI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tunesmith.http import routes
from tunesmith.http.guard import Guard, Json
from tunesmith.http.metrics import Metrics
from tunesmith.http.service import Service
from tunesmith.model import Model
from tunesmith.serve import shapes
from tunesmith.serve.batching import Batcher
from tunesmith.serve.limits import Limits, allowed_hosts
from tunesmith.serve.parity import golden_texts

MODEL_PREFIX = "/v1/models/"


def create_app(
    model: Model, *, token: str = "", hosts: Sequence[str] = (), bound: str = "", limits: Limits | None = None
) -> FastAPI:
    """The application of one model; `app.state.service` is its `Service`.

    token: what callers must bring ('' = nothing).  bound: the address that the server listens on.
    hosts: names besides loopback's and `bound` that a Host header may give.
    The golden rows always fit into one request and one batch, whatever `max_batch` is.
    """
    service = _service(model, limits or Limits())
    app = FastAPI(
        title=f"tunesmith: {model.name}",
        version=model.digest[:12] or "0",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.service, app.state.token_needed = service, bool(token)
    _add_routes(app)
    app.add_exception_handler(HTTPException, routes.no_such_route)
    app.add_exception_handler(RequestValidationError, routes.wrong_shape)
    _add_guard(app, service, token, allowed_hosts(bound, hosts))
    return app


def _service(model: Model, limits: Limits) -> Service:
    golden, options = golden_texts(model), model.recipe.serve
    batcher = Batcher(model, max(options.max_batch, len(golden)), options.max_queue)
    counters = Metrics(model, batcher)
    return Service(model, golden, batcher, limits.covering(golden), counters, int(time.time()))


def _add_guard(app: FastAPI, service: Service, token: str, hosts: frozenset[str]) -> None:
    known = {getattr(route, "path", "") for route in app.routes}
    app.add_middleware(
        Guard,
        name=f"{service.model.name}; digest={service.model.digest}",
        token=token,
        hosts=hosts,
        limits=service.limits,
        metrics=service.metrics,
        retry_after=service.batcher.retry_after,
        route_of=lambda path: _route_of(path, known),
    )


def _route_of(path: str, known: set[str]) -> str:
    if path.startswith(MODEL_PREFIX):
        return MODEL_PREFIX + "{model_id}"
    return path if path in known else "other"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    warming = asyncio.create_task(service.warm())
    yield
    warming.cancel()
    await asyncio.to_thread(service.batcher.close)


def _add_routes(app: FastAPI) -> None:
    asked = {
        code: {"model": shapes.ErrorResponse}
        for code in (400, 401, 403, 404, 408, 413, 415, 429, 431, 500, 503)
    }
    told: dict[int | str, dict[str, Any]] = {
        code: {"model": shapes.ErrorResponse} for code in (401, 403, 431, 500)
    }
    listed: Any = list[shapes.Score] | list[list[shapes.Score]]
    for path in ("/v1/classify", "/classify"):
        _post(app, path, routes.classify, shapes.ClassifyResponse, asked)
    _post(app, "/predict", routes.predict, listed, asked)
    _get(app, "/v1/models", routes.models, told, shapes.ModelList)
    _get(app, MODEL_PREFIX + "{model_id}", routes.show_model, told | {404: asked[404]}, shapes.ModelCard)
    _get(app, "/healthz", routes.healthz, {403: told[403], 431: told[431]}, shapes.Status)
    _get(app, "/readyz", routes.readyz, {403: told[403], 431: told[431], 503: asked[503]}, shapes.Status)
    _get(app, "/metrics", routes.metrics, told | {200: {"content": {"text/plain": {}}}})
    _get(app, "/docs", routes.docs, told | {200: {"content": {"text/html": {}}}})
    _without_422(app)


def _post(app: FastAPI, path: str, answer: Any, shape: Any, responses: dict[Any, Any]) -> None:
    app.add_api_route(
        path, answer, methods=["POST"], response_model=shape, responses=responses, response_class=Json
    )


def _get(app: FastAPI, path: str, answer: Any, responses: dict[Any, Any], shape: Any = None) -> None:
    app.add_api_route(
        path,
        answer,
        methods=["GET"],
        response_model=shape,
        responses=responses,
        response_class=Json if shape else Response,
    )


def _without_422(app: FastAPI) -> None:
    """Wrong shapes are answered with 400 here, so the description must not promise 422."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        for unused in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(unused, None)
        return document

    app.openapi = openapi
