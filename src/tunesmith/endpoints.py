"""A client of servers that speak OpenAI's chat protocol: answers whole or piece by piece, patient with busy servers.

Nothing is asked unless the user names the server; its key comes from the environment alone and is never kept.
"""

from __future__ import annotations

import json
import os
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tunesmith.errors import NetworkError, UsageError
from tunesmith.parts import Piece, Wish

TRIES = 4
BUSY = (408, 429, 500, 502, 503, 504)
LARGEST = 8_000_000  # bytes of an answer that are read


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: it would carry the key to a server that the user did not name."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Straight)


HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer.  tokens, asked: written and read by the server, 0 where it does not say.  stopped: by itself."""

    text: str
    tokens: int = 0
    stopped: bool = True
    asked: int = 0


@dataclass(frozen=True)
class Endpoint:
    """url: up to and with /v1.  model: the name that the server knows.  at_once: questions that are open together."""

    url: str
    model: str
    timeout: float = 60.0
    at_once: int = 4
    wait: float = 1.0  # seconds before the second try; doubled for each further one

    def answers(
        self, questions: Sequence[Sequence[Mapping[str, str]]], *, temperature: float = 0.8, seed: int = 0
    ) -> list[str]:
        """The answer to each conversation, in order; the seed of question i is seed + i.

        Raises NetworkError N521 (not reachable), N522 (refuses), N523 (answers in another shape).
        """
        bodies = [
            self._body(question) | {"temperature": temperature, "seed": seed + index}
            for index, question in enumerate(questions)
        ]
        return [said.text for said in self._together(bodies)]

    def said(self, asked: Sequence[tuple[Sequence[Mapping[str, Any]], Wish]]) -> list[Said]:
        """The answer to each conversation as it is wished for, in order.  Raises as `answers`."""
        return self._together([self._body(question) | wished(wish) for question, wish in asked])

    def stream(self, question: Sequence[Mapping[str, Any]], wish: Wish) -> Iterator[Piece]:
        """The answer piece by piece; closing the iterator closes the connection.

        Raises as `answers`, and NetworkError N526 where the server stops before the end.
        """
        body = self._body(question) | wished(wish) | {"stream": True}
        with self._opened("/chat/completions", body) as response:
            try:
                for line in response:
                    if line.startswith(b"data:") and (event := _event(line[5:])):
                        yield from self._pieces(event)
                        if _choice(event).get("finish_reason"):
                            return
            except (OSError, ValueError) as failure:
                raise self._broken(str(failure)) from None
        raise self._broken("no reason for its end was told")

    def _body(self, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"model": self.model, "messages": list(messages)}

    def _together(self, bodies: Sequence[Mapping[str, Any]]) -> list[Said]:
        with ThreadPoolExecutor(self.at_once) as pool:
            return list(pool.map(self._answer, bodies))

    def _answer(self, body: Mapping[str, Any]) -> Said:
        answer = self._post("/chat/completions", body)
        try:
            choice = answer["choices"][0]
            text = str(choice["message"]["content"] or "")
            used = answer.get("usage") or {}
            tokens, asked = (int(used.get(key) or 0) for key in ("completion_tokens", "prompt_tokens"))
            return Said(text, tokens, choice.get("finish_reason") != "length", asked)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):
            raise self._odd("choices[0].message.content") from None

    def _pieces(self, event: Any) -> Iterator[Piece]:
        """What one event of a stream says; the last one says how it ended."""
        try:
            choice = _choice(event)
            text = str((choice.get("delta") or {}).get("content") or "")
            told = ((choice.get("logprobs") or {}).get("content") or [{}])[0]
            rivals = tuple((str(e["token"]), float(e["logprob"])) for e in told.get("top_logprobs") or ())
            end = {None: "", "length": "length"}.get(choice.get("finish_reason"), "stop")
            logprob = float(told.get("logprob") or 0.0)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise self._odd("choices[0].delta.content") from None
        if text or end:
            yield Piece(text, logprob=logprob, rivals=rivals, end=end)

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        try:
            with self._opened(path, body) as response:
                return json.loads(response.read(LARGEST))
        except ValueError as garbled:
            raise self._refused(str(garbled)) from None
        except OSError as failure:
            raise self._unreachable(failure) from None

    def _opened(self, path: str, body: Mapping[str, Any]) -> Any:
        """The response to one request; a busy server is asked again."""
        for number in range(TRIES):
            try:
                return _OPENER.open(self._request(path, body), timeout=self.timeout)
            except urllib.error.HTTPError as refusal:
                if refusal.code not in BUSY or number == TRIES - 1:
                    raise self._refused(refusal.code) from None
            except ValueError as garbled:
                raise self._refused(str(garbled)) from None
            except OSError as failure:
                if number == TRIES - 1:
                    raise self._unreachable(failure) from None
            time.sleep(self.wait * 2**number * (0.5 + random.random()))  # noqa: S311 (spreads tries, no secret)
        raise AssertionError("unreachable")

    def _request(self, path: str, body: Mapping[str, Any]) -> urllib.request.Request:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get("OPENAI_API_KEY"):
            headers["Authorization"] = f"Bearer {key}"
        address = self.url.rstrip("/") + path  # `endpoint` lets http and https through alone
        return urllib.request.Request(address, json.dumps(body).encode(), headers)  # noqa: S310

    def _refused(self, why: int | str) -> NetworkError:
        return NetworkError(
            "N522",
            f"{self.url} refuses: {why}",
            expected="an answer",
            fixes=("export OPENAI_API_KEY=…", "--model NAME   (one that the server lists under /v1/models)"),
            where=self.url,
        )

    def _odd(self, expected: str) -> NetworkError:
        return NetworkError(
            "N523",
            f"{self.url} answers in another shape than chat completions",
            expected=expected,
            fixes=("--endpoint URL   (up to and with /v1)",),
            where=self.url,
        )

    def _broken(self, why: str) -> NetworkError:
        return NetworkError(
            "N526",
            f"the answer of {self.url} broke off: {why}",
            expected="a stream that says how it ends",
            fixes=("ask again", f"curl {self.url}/models"),
            where=self.url,
        )

    def _unreachable(self, failure: OSError) -> NetworkError:
        return NetworkError(
            "N521",
            f"{self.url} can't be reached: {getattr(failure, 'reason', failure)}",
            expected="a server that speaks OpenAI's chat protocol",
            fixes=(f"curl {self.url}/models", "--endpoint URL"),
            where=self.url,
        )


def wished(wish: Wish) -> dict[str, Any]:
    """A wish in the words of the protocol; what is as usual is left to the server."""
    found: dict[str, Any] = {
        "max_tokens": wish.max_tokens,
        "temperature": wish.temperature,
        "seed": wish.seed,
    }
    if wish.top_p < 1:
        found["top_p"] = wish.top_p
    if wish.stop:
        found["stop"] = list(wish.stop)
    if wish.tools:
        found["tools"] = wish.tools
    if wish.alternatives:
        found |= {"logprobs": True, "top_logprobs": wish.alternatives}
    if wish.schema is not None:
        shape = {"name": "answer", "schema": dict(wish.schema), "strict": True}
        found["response_format"] = {"type": "json_schema", "json_schema": shape}
    return found


def _event(data: bytes) -> Any:
    """The value of one line of a stream; None for its last word."""
    text = data.strip()
    return None if text in (b"", b"[DONE]") else json.loads(text)


def _choice(event: Any) -> Any:
    """The first choice of an event; an event about usage has none."""
    return (event.get("choices") or [{}])[0]


def endpoint(url: str, model: str, *, offline: bool = False) -> Endpoint:
    """The endpoint that the user named, or OPENAI_BASE_URL.

    Raises UsageError C130 (none named, or no http address), NetworkError N524 (off, and not on this machine).
    """
    url = url or os.environ.get("OPENAI_BASE_URL", "")
    if not url.startswith(("http://", "https://")) or not model:
        raise UsageError(
            "C130",
            f"no endpoint is given ('{url}', model '{model}')"
            if not url
            else f"'{url}' with model '{model}'",
            expected="the address of a server and the name of a model",
            fixes=("--endpoint http://127.0.0.1:8000/v1 --model NAME",),
            where="--endpoint",
        )
    host = urllib.parse.urlparse(url).hostname or ""
    if offline and host not in HERE:
        raise NetworkError(
            "N524",
            f"{host} is another machine, and the network is off",
            expected="a server on this machine",
            fixes=("leave --offline out", "--endpoint http://127.0.0.1:PORT/v1"),
            where=url,
        )
    return Endpoint(url, model)
