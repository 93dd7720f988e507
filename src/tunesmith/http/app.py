"""The endpoint of one or several models as an ASGI application, and its description in OpenAPI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tunesmith.http import completions, hot, routes
from tunesmith.http.guard import Guard, Json
from tunesmith.http.shelf import Shelf
from tunesmith.model import Model
from tunesmith.serve import shapes
from tunesmith.serve.limits import Limits, allowed_hosts

MODEL_PREFIX = "/v1/models/"
Opener = Callable[[str], Model]
_LISTED: Any = list[shapes.Score] | list[list[shapes.Score]]
_EVENTS: dict[str, Any] = {"description": "the answer, or its events", "content": {"text/event-stream": {}}}
# what a model predicts → (path, what answers, shape of the answer, what else is answered)
KINDS: dict[str, tuple[tuple[str, Any, Any, dict[Any, Any]], ...]] = {
    "label": (
        ("/v1/classify", routes.classify, shapes.ClassifyResponse, {}),
        ("/classify", routes.classify, shapes.ClassifyResponse, {}),
        ("/predict", routes.predict, _LISTED, {}),
    ),
    "text": (
        ("/v1/chat/completions", completions.chat, None, {200: _EVENTS}),
        ("/v1/completions", completions.complete, None, {200: _EVENTS}),
    ),
}
_TOLD = {"content": {"text/plain": {}}}
HOT = (
    ("/v1/load_lora_adapter", hot.load, None, {200: _TOLD, 409: {"model": shapes.ErrorResponse}}),
    ("/v1/unload_lora_adapter", hot.unload, None, {200: _TOLD, 409: {"model": shapes.ErrorResponse}}),
)


def create_app(
    models: Model | Sequence[Model],
    *,
    token: str = "",
    hosts: Sequence[str] = (),
    bound: str = "",
    limits: Limits | None = None,
    opener: Opener | None = None,
) -> FastAPI:
    """The application of some models; `app.state.shelf` holds them.

    token: what callers must bring ('' = nothing).  bound: the address that the server listens on.
    hosts: names besides loopback's and `bound` that a Host header may give.  opener: finds registered models that are
    put on the server while it runs; None: there are no routes for that.
    """
    given = [models] if isinstance(models, Model) else list(models)
    shelf = Shelf(given, limits or Limits(), opener)
    app = FastAPI(
        title=f"tunesmith: {', '.join(model.name for model in given)}",
        version=given[0].digest[:12] or "0",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.shelf, app.state.service, app.state.token_needed = shelf, shelf.first, bool(token)
    _add_routes(app, shelf.kinds, hot_loading=opener is not None)
    app.add_exception_handler(HTTPException, routes.no_such_route)
    app.add_exception_handler(RequestValidationError, routes.wrong_shape)
    _add_guard(app, shelf, token, allowed_hosts(bound, hosts))
    return app


def _add_guard(app: FastAPI, shelf: Shelf, token: str, hosts: frozenset[str]) -> None:
    known = {getattr(route, "path", "") for route in app.routes}
    app.add_middleware(
        Guard,
        name=lambda: shelf.first.about,
        token=token,
        hosts=hosts,
        limits=shelf.widest(),
        metrics=shelf.metrics,
        retry_after=shelf.retry_after,
        route_of=lambda path: _route_of(path, known),
    )


def _route_of(path: str, known: set[str]) -> str:
    if path.startswith(MODEL_PREFIX):
        return MODEL_PREFIX + "{model_id}"
    return path if path in known else "other"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    shelf: Shelf = app.state.shelf
    warming = asyncio.create_task(shelf.warm())
    yield
    warming.cancel()
    await asyncio.to_thread(shelf.close)


def _add_routes(app: FastAPI, kinds: Sequence[str] = tuple(KINDS), *, hot_loading: bool = True) -> None:
    asked = {
        code: {"model": shapes.ErrorResponse}
        for code in (400, 401, 403, 404, 408, 413, 415, 429, 431, 500, 503)
    }
    told: dict[int | str, dict[str, Any]] = {
        code: {"model": shapes.ErrorResponse} for code in (401, 403, 431, 500)
    }
    for kind in kinds:
        for path, answer, shape, more in KINDS[kind]:
            _post(app, path, answer, shape, asked | more)
    for path, answer, shape, more in HOT if hot_loading else ():
        _post(app, path, answer, shape, asked | more)
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
