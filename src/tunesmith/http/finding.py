"""Which of a server's models a request means."""

from __future__ import annotations

from fastapi import Request

from tunesmith.http.answering import Answering
from tunesmith.http.service import Classifying, Service
from tunesmith.http.shelf import Shelf
from tunesmith.serve.limits import refusal


def shelf(request: Request) -> Shelf:
    """The models of the server."""
    return request.app.state.shelf


def service(request: Request, name: str | None) -> Service:
    """The model of a name; the answer's header tells which.  Raises V107."""
    found = shelf(request).find(name)
    request.scope["state"]["about"] = found.about
    return found


def classifying(request: Request, name: str | None) -> Classifying:
    """The model of a name, which must say labels.  Raises V107, V109."""
    found = service(request, name)
    if not isinstance(found, Classifying):
        raise _wrong_kind(found)
    return found


def answering(request: Request, name: str | None) -> Answering:
    """The model of a name, which must answer in words.  Raises V107, V109."""
    found = service(request, name)
    if not isinstance(found, Answering):
        raise _wrong_kind(found)
    return found


def _wrong_kind(found: Service) -> Exception:
    return refusal(
        "V102",
        f"{found.model.name} does not answer here: it predicts a {found.model.task.predicts}",
        expected="a model of the other kind in `model`",
        fixes=("GET /v1/models",),
        where="model",
    )
