"""A server of OpenAI's chat protocol for tests: answers by rule, on this machine alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Rule = Callable[[Sequence[Mapping[str, str]]], str]


@contextmanager
def serving(
    rule: Rule, *, fail: int = 0, code: int = 503, counts: bool = False
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(url up to /v1, the requests that came); the first `fail` requests are refused with `code`.

    counts: tell how many words were read and written, as tokens.
    """
    seen: list[dict[str, Any]] = []
    left, lock = [fail], threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                seen.append({"path": self.path, "key": self.headers.get("Authorization"), **body})
                refused = left[0] > 0
                left[0] -= 1
            if refused:
                self._send(code, {"error": {"message": "busy"}})
                return
            content = rule(body["messages"])
            if body.get("stream"):
                self._stream(content)
                return
            said = {"choices": [{"index": 0, "message": {"role": "assistant", "content": content}}]}
            self._send(200, {**said, **(_usage(body["messages"], content) if counts else {})})

        def _stream(self, content: str) -> None:
            """A word an event; an answer that begins with 'break' ends before its end is told."""
            self.send_response(200)
            self.end_headers()
            words = content.split(" ")
            deltas = [{"role": "assistant"}, *({"content": w + " " * (w is not words[-1])} for w in words)]
            ends = [None] * len(deltas) + ([] if content.startswith("break") else ["stop"])
            for delta, end in zip([*deltas, {}], ends, strict=False):
                event = {"choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

        def _send(self, status: int, value: dict[str, Any]) -> None:
            answer = json.dumps(value).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/v1/elsewhere")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _usage(messages: Sequence[Mapping[str, str]], content: str) -> dict[str, Any]:
    read = sum(len(each["content"].split()) for each in messages)
    return {"usage": {"prompt_tokens": read, "completion_tokens": len(content.split())}}
