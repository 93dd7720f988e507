"""What /v1/chat/completions and /v1/completions answer: whole, or as server-sent events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tunesmith.errors import TunesmithError
from tunesmith.http import finding
from tunesmith.http.answering import Answering, Talks
from tunesmith.http.guard import LOG, Json
from tunesmith.serve import asking, order, said, shapes
from tunesmith.serve.limits import refusal
from tunesmith.serve.talk import ChatRequest, CompletionRequest

CLIENT_LEFT = 499  # nginx's number for it; nobody is there to read it


async def chat(body: ChatRequest, request: Request) -> Response:
    """An answer to a conversation, with its tokens' log-probabilities where they are wanted."""
    return await _answered(body.model, order.of_chat(body), said.ChatForm, request)


async def complete(body: CompletionRequest, request: Request) -> Response:
    """How texts go on."""
    return await _answered(body.model, order.of_completion(body), said.TextForm, request)


async def _answered(name: str | None, wanted: order.Order, form: said.Form, request: Request) -> Response:
    service = finding.answering(request, name)
    head = said.Head(
        form.prefix + request.state.request_id,
        int(time.time()),
        service.model.name,
        f"fp_{service.model.digest[:12]}",
    )
    talks = await service.begin(wanted)
    try:
        answer = _Answer(service, wanted, form, head, talks)
        return await (_streamed(answer) if wanted.stream else _whole(answer, request))
    except BaseException:
        talks.leave()
        raise


@dataclass
class _Answer:
    """One response in the making."""

    service: Answering
    wanted: order.Order
    form: said.Form
    head: said.Head
    talks: Talks

    def __post_init__(self) -> None:
        spell = partial(asking.spelled, self.service.model)
        self.told = [said.Told(spell, self.wanted.calls) for _ in range(len(self.talks))]

    def usage(self) -> dict[str, int]:
        """Token counts; those written go to the metrics too."""
        written = sum(told.tokens for told in self.told)
        self.service.metrics.written.inc(written)
        return said.usage(self.talks.prompt_tokens, written)

    async def collect(self) -> dict[str, Any]:
        """The whole response."""
        async for index, piece in self.talks.pieces():
            self.told[index].add(piece)
        choices = [self.form.choice(at, told, self.wanted.logprobs) for at, told in enumerate(self.told)]
        return {**self.head.to_json(self.form.whole), "choices": choices, "usage": self.usage()}

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """The objects of a stream."""
        more = {"usage": None} if self.wanted.tells_usage else {}
        start = self.head.to_json(self.form.part)
        opened: set[int] = set()
        async for index, piece in self.talks.pieces():
            told = self.told[index]
            text = told.add(piece)
            choices = [] if index in opened else self.form.opening(index)
            opened.add(index)
            for choice in [*choices, *self.form.events(index, told, piece, text, self.wanted.logprobs)]:
                yield {**start, "choices": [choice], **more}
        usage = self.usage()
        if self.wanted.tells_usage:
            yield {**start, "choices": [], "usage": usage}


async def _whole(answer: _Answer, request: Request) -> Response:
    """The answer, unless whoever asked leaves before it is complete."""
    working, leaving = asyncio.ensure_future(answer.collect()), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        return Json(working.result()) if working.done() else Response(status_code=CLIENT_LEFT)
    finally:
        answer.talks.leave()
        working.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _streamed(answer: _Answer) -> Response:
    """Events; what goes wrong before the first of them still has a status of its own."""
    events = answer.events()
    first = await anext(events)
    return _Events(_lines(first, events), answer.talks)


async def _lines(first: dict[str, Any], rest: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    yield _line(first)
    try:
        async for event in rest:
            yield _line(event)
    except TunesmithError as error:
        yield _line(shapes.problem(error))
    except Exception:  # noqa: BLE001 - the traceback is for the log, not for the client
        LOG.exception("a stream failed")
        yield _line(shapes.problem(refusal("V116", "the server failed on this request")))
    yield b"data: [DONE]\n\n"


def _line(value: dict[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return b"data: " + text.encode("utf-8", "backslashreplace") + b"\n\n"


class _Events(StreamingResponse):
    """Server-sent events; when it ends, however it ends, the work behind it ends too."""

    def __init__(self, content: AsyncIterator[bytes], talks: Talks) -> None:
        super().__init__(content, media_type="text/event-stream")
        self._talks = talks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._talks.leave()
