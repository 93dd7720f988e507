"""A client of servers that speak OpenAI's chat protocol: one question, one answer, patient with busy servers.

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
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tunesmith.errors import NetworkError, UsageError

TRIES = 4
BUSY = (408, 429, 500, 502, 503, 504)
LARGEST = 8_000_000  # bytes of an answer that are read


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: it would carry the key to a server that the user did not name."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Straight)


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
        with ThreadPoolExecutor(self.at_once) as pool:
            asked = [
                pool.submit(self._answer, question, temperature, seed + index)
                for index, question in enumerate(questions)
            ]
            return [each.result() for each in asked]

    def _answer(self, messages: Sequence[Mapping[str, str]], temperature: float, seed: int) -> str:
        body = {"model": self.model, "messages": list(messages), "temperature": temperature, "seed": seed}
        answer = self._post("/chat/completions", body)
        try:
            return str(answer["choices"][0]["message"]["content"])
        except (KeyError, IndexError, TypeError):
            raise NetworkError(
                "N523",
                f"{self.url} answers in another shape than chat completions",
                expected="choices[0].message.content",
                fixes=("--endpoint URL   (up to and with /v1)",),
                where=self.url,
            ) from None

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        for number in range(TRIES):
            try:
                with _OPENER.open(self._request(path, body), timeout=self.timeout) as response:
                    return json.loads(response.read(LARGEST))
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

    def _unreachable(self, failure: OSError) -> NetworkError:
        return NetworkError(
            "N521",
            f"{self.url} can't be reached: {getattr(failure, 'reason', failure)}",
            expected="a server that speaks OpenAI's chat protocol",
            fixes=(f"curl {self.url}/models", "--endpoint URL"),
            where=self.url,
        )


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
    if offline and host not in ("localhost", "127.0.0.1", "::1"):
        raise NetworkError(
            "N524",
            f"{host} is another machine, and the network is off",
            expected="a server on this machine",
            fixes=("leave --offline out", "--endpoint http://127.0.0.1:PORT/v1"),
            where=url,
        )
    return Endpoint(url, model)
