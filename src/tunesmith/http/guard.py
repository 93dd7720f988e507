"""The gate that every request passes: who asks, how much, in what form; every failure leaves as one shape."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunesmith.errors import TunesmithError
from tunesmith.http.metrics import Metrics
from tunesmith.serve import shapes
from tunesmith.serve.limits import (
    Limits,
    host_allowed,
    origin_allowed,
    parse_json,
    refusal,
    request_id,
    status_of,
    token_matches,
)

OPEN = frozenset({"/healthz", "/readyz"})  # answered without a token: they say nothing about the model
DRAIN = 16  # a body this many times too large is still read to its end, so that its sender hears the refusal
LOG = logging.getLogger("tunesmith.http")
_HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


class Json(JSONResponse):
    """JSON whose numbers survive a round trip; a lone surrogate leaves as its escape instead of failing."""

    def render(self, content: Any) -> bytes:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace")


def error_response(error: TunesmithError, headers: dict[str, str] | None = None) -> Json:
    """An error in the shape of all errors."""
    return Json(shapes.problem(error), status_of(error)[0], headers)


class Guard:
    """ASGI middleware around the whole application.

    name: says which model answers where the request does not (its name and digest).
    retry_after: seconds to name with 429 and 503.
    route_of: path → a name out of a closed set, for the metrics.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        name: Callable[[], str],
        token: str,
        hosts: frozenset[str],
        limits: Limits,
        metrics: Metrics,
        retry_after: Callable[[], int],
        route_of: Callable[[str], str],
    ) -> None:
        self.app, self.name, self.token, self.hosts = app, name, token, hosts
        self.limits, self.metrics, self.retry_after, self.route_of = limits, metrics, retry_after, route_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # no WebSockets here
            await send({"type": "websocket.close", "code": 1008, "reason": ""})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        about = scope.setdefault("state", {})
        answer = _Answer(send, lambda: about.get("about", ""))
        given = Headers(scope=scope)
        about["request_id"] = request_id(given.get("x-request-id", ""))
        answer.headers = _HEADERS | {"x-request-id": about["request_id"]}
        try:
            self._admit(scope, given)
            about["about"] = self.name()
            await self.app(scope, await self._body(scope, given, receive), answer)
        except TunesmithError as error:
            await self._refuse(error, scope, receive, answer)
        except Exception:  # the traceback is for the log, not for the client
            LOG.exception("request %s failed", scope["state"]["request_id"])
            broken = refusal(
                "V116", "the server failed on this request", fixes=("tunesmith serve … 2> server.log",)
            )
            await self._refuse(broken, scope, receive, answer)
        finally:
            self.metrics.observe(self.route_of(scope["path"]), answer.status or 499, time.monotonic() - began)

    def _admit(self, scope: Scope, given: Headers) -> None:
        size = (
            len(scope["raw_path"]) + len(scope["query_string"]) + sum(len(k) + len(v) for k, v in given.raw)
        )
        if size > self.limits.header_bytes:  # uvicorn bounds only a header that arrives in pieces
            raise refusal(
                "V118", f"address and header have {size} bytes", expected=f"{self.limits.header_bytes}"
            )
        host = given.get("host", "")
        if not host_allowed(host, self.hosts):
            raise refusal(
                "V110", "this server does not answer to that Host", expected="the address it is bound to"
            )
        fetch_site = given.get("sec-fetch-site", "") if scope["method"] not in {"GET", "HEAD"} else ""
        if not origin_allowed(given.get("origin", ""), fetch_site, host):
            raise refusal(
                "V111", "a page of another origin may not ask", expected="no Origin, or the server's own"
            )
        if scope["path"] not in OPEN and not token_matches(given.get("authorization", ""), self.token):
            raise refusal(
                "V112",
                "the token is missing or wrong",
                expected="Authorization: Bearer TOKEN",
                fixes=('curl -H "Authorization: Bearer $TUNESMITH_API_KEY" …',),
                where="authorization",
            )

    async def _body(self, scope: Scope, given: Headers, receive: Receive) -> Receive:
        """The whole body, checked, as a `receive` of its own."""
        try:
            body = await asyncio.wait_for(self._read(receive), self.limits.body_seconds)
        except TimeoutError:
            raise refusal("V117", f"the body took longer than {self.limits.body_seconds:g} s") from None
        if scope["method"] == "POST":
            _check_type(given.get("content-type", ""), given.get("content-encoding", ""))
            parse_json(body, self.limits)
        return _replay(body, receive)

    async def _read(self, receive: Receive) -> bytes:
        body, size, more = bytearray(), 0, True
        while more and size <= DRAIN * self.limits.body_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise refusal("V101", "the client left before its body was complete")
            size += len(message.get("body", b""))
            if size <= self.limits.body_bytes:
                body += message.get("body", b"")
            more = message.get("more_body", False)
        if size > self.limits.body_bytes:
            raise refusal(
                "V103",
                f"the body has more than {self.limits.body_bytes} bytes",
                expected=f"at most {self.limits.body_bytes} bytes",
                fixes=("send fewer texts at a time",),
            )
        return bytes(body)

    async def _refuse(self, error: TunesmithError, scope: Scope, receive: Receive, answer: _Answer) -> None:
        if answer.status:
            return  # too late: the answer has begun
        status = status_of(error)[0]
        headers = {"retry-after": str(self.retry_after())} if status in {429, 503} else {}
        headers |= {"www-authenticate": "Bearer"} if status == 401 else {}
        headers |= {"connection": "close"} if status in {408, 413, 431} else {}
        await error_response(error, headers)(scope, receive, answer)


class _Answer:
    """A `send` that adds headers and remembers the status.  about: which model answers, as far as it is known."""

    def __init__(self, send: Send, about: Callable[[], str]) -> None:
        self.send, self.about, self.status, self.headers = send, about, 0, dict[str, str]()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.update(self.headers)
            if about := self.about():
                headers["x-tunesmith-model"] = quote(about, safe="@/._- ;=")
        await self.send(message)


def _check_type(content_type: str, encoding: str) -> None:
    kind, _, parameters = content_type.lower().partition(";")
    charset = parameters.replace(" ", "").replace('"', "")
    if (
        kind.strip() != "application/json"
        or charset not in {"", "charset=utf-8"}
        or encoding not in {"", "identity"}
    ):
        raise refusal(
            "V106",
            "the body is not announced as plain JSON",
            expected="content-type: application/json",
            fixes=('curl -H "content-type: application/json" …',),
            where="content-type",
        )


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
