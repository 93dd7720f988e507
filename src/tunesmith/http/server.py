"""A server that has proven itself before it says its address: bind, answer in a thread, drain, stop."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import threading
import time
from collections.abc import Sequence
from types import TracebackType

import uvicorn

from tunesmith.errors import AccessError, CapacityError, UsageError
from tunesmith.http.app import Opener, create_app
from tunesmith.http.connection import PromptProtocol
from tunesmith.model import Model
from tunesmith.serve.limits import Limits
from tunesmith.serve.parity import prove, require_golden

TOKEN_VARIABLE = "TUNESMITH_API_KEY"  # noqa: S105 - the name of a variable
DRAIN_SECONDS = 5
MAX_CONNECTIONS = 1024
KEEP_ALIVE_SECONDS = 60


class Server:
    """One or several models behind HTTP/1.1, in a thread of this process.

    opener: finds registered models that are put on the server while it runs; None: that can't be asked of it.
    host: loopback by default; another address needs a token.  port: 0 takes a free one.
    token: what callers must bring; '' takes the variable TUNESMITH_API_KEY, where that is empty too, nothing.
    hosts: further names that a Host header may give (the public name when a proxy stands in front).
    """

    def __init__(
        self,
        model: Model | Sequence[Model],
        *,
        host: str = "127.0.0.1",
        port: int = 8080,
        token: str = "",
        hosts: Sequence[str] = (),
        opener: Opener | None = None,
    ) -> None:
        self.models = (model,) if isinstance(model, Model) else tuple(model)
        self.host, self.port, self.hosts, self._opener = host.strip("[]"), port, tuple(hosts), opener
        self._token = (token or os.environ.get(TOKEN_VARIABLE, "")).strip()
        self._uvicorn: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"Server({', '.join(model.name for model in self.models)!r}, {self.url!r})"

    @property
    def url(self) -> str:
        """The address to call; of every address bound at once, loopback."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it answers, or is about to."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, timeout: float = 120.0) -> str:
        """Bind, answer, and return the address once the golden rows came out right.

        Raises UsageError V401 (port taken), V403 (no such address); AccessError V402 (no token beyond loopback),
        V406 (may not bind); IntegrityError V404 (golden rows disagree); CapacityError V405 (too slow).
        """
        if self.running:
            return self.url
        self._check_token()
        for model in self.models:
            require_golden(model)
        listener = self._bind()
        app = create_app(
            self.models, token=self._token, hosts=self.hosts, bound=self.host, opener=self._opener
        )
        self._shelf, self._uvicorn = app.state.shelf, uvicorn.Server(_config(app))
        self._thread = threading.Thread(
            target=self._uvicorn.run, args=([listener],), name="tunesmith-http", daemon=True
        )
        self._thread.start()
        try:
            self._wait_until_ready(time.monotonic() + timeout)
        except BaseException:
            self.stop()
            raise
        return self.url

    def prove(self) -> list[str]:
        """What this running server gets wrong of the golden rows; empty when nothing (see `prove`)."""
        return [line for model in self.models for line in prove(self.url, model, token=self._token)]

    def stop(self) -> None:
        """Take no more requests, finish those that are here (in 5 s), close the port; twice is harmless."""
        running, thread = self._uvicorn, self._thread  # two threads may stop it at once
        if running is None or thread is None:
            return
        running.should_exit = True
        thread.join(2 * DRAIN_SECONDS + 2)
        running.force_exit = True
        self._uvicorn = self._thread = None

    def serve_forever(self) -> None:
        """Start if need be and answer until `stop()` or Ctrl-C (which passes on after draining)."""
        self.start()
        try:
            while self.running:
                time.sleep(0.1)
        finally:
            self.stop()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_ready(self, deadline: float) -> None:
        while not (self._uvicorn and self._uvicorn.started and self._shelf.checked):
            if time.monotonic() > deadline or not self.running:
                raise CapacityError(
                    "V405",
                    "the server was not ready in time",
                    expected="the golden rows answered",
                    fixes=("tunesmith doctor",),
                    where=self.url,
                )
            time.sleep(0.005)
        self._shelf.check_ready()

    def _check_token(self) -> None:
        if not _is_loopback(self.host) and not self._token:
            raise AccessError(
                "V402",
                f"{self.host} can be reached from other machines, and no token is set",
                expected=f"a token in {TOKEN_VARIABLE}, or a loopback address",
                fixes=("--host 127.0.0.1", f"export {TOKEN_VARIABLE}=$(openssl rand -hex 24)"),
                where=self.host,
            )

    def _bind(self) -> socket.socket:
        listener = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
            listener.listen(128)
        except (OSError, OverflowError) as refused:
            listener.close()
            raise self._not_bound(refused) from None
        self.port = listener.getsockname()[1]
        return listener

    def _not_bound(self, refused: OSError | OverflowError) -> UsageError | AccessError:
        where = f"{self.host}:{self.port}"
        number = refused.errno if isinstance(refused, OSError) else None
        if number == errno.EADDRINUSE:
            free = _free_port(self.host, self.port)
            return UsageError(
                "V401",
                f"port {self.port} is taken",
                expected="a free port",
                fixes=(f"--port {free}",),
                where=where,
            )
        if number in {errno.EACCES, errno.EPERM}:
            return AccessError(
                "V406", f"you may not bind port {self.port}", expected="a port from 1024 on",
                fixes=("--port 8080",), where=where,
            )  # fmt: skip
        return UsageError(
            "V403",
            f"can't listen on {where}: {refused}",
            expected="an address of this machine and a port from 0 to 65535",
            fixes=("--host 127.0.0.1", "--port 8080"),
            where=where,
        )


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=PromptProtocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        h11_max_incomplete_event_size=Limits.header_bytes,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _free_port(host: str, taken: int) -> int:
    """A free port: the next ones first, which are easiest to remember."""
    for port in (*range(taken + 1, min(taken + 20, 65536)), 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
            try:
                trial.bind((host, port))
            except OSError:
                continue
            return trial.getsockname()[1]
    return 0
