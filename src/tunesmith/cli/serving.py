"""`serve`: one model behind HTTP until Ctrl-C."""

from __future__ import annotations

import os
import select
import sys
import time
from typing import Annotated, Any

import typer

from tunesmith.cli import interrupt, options
from tunesmith.cli.console import put, put_json

LOOK = 0.25  # seconds between looks at what should end the server


def serve(
    model: options.Model,
    host: Annotated[
        str, typer.Option("--host", help="Address; beyond loopback a token is needed.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0: a free one.")] = 8080,
    home: options.Home = None,
    json: options.Json = False,
    until_stdin_closes: Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)] = False,
) -> int:
    """Serve a model over HTTP until Ctrl-C.

    \b
    tunesmith serve tickets
    tunesmith serve tickets@3 --port 9000
    """
    from tunesmith import lifecycle
    from tunesmith.http.server import Server

    opened = lifecycle.open_model(model, home)
    server = Server(opened, host=host, port=port)
    with interrupt.handled(_interrupt):
        try:
            address = server.start()
            _announce(address, opened.name, json)
            _wait(server, until_stdin_closes)
        except KeyboardInterrupt:
            if not server.running:
                raise
        finally:
            server.stop()
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _announce(address: str, name: str, as_json: bool) -> None:
    if as_json:
        put_json({"endpoint": address, "model": name})
        return
    put(f"Serving   {name} at {address}")
    put(f"          POST {address}/v1/classify   POST {address}/predict   docs: {address}/docs")
    put(
        f"""          try: curl -s {address}/v1/classify -H 'Content-Type: application/json' -d '{{"input": "…"}}'"""
    )
    put("          stop: Ctrl-C")
    sys.stdout.flush()


def _wait(server: Any, until_stdin_closes: bool) -> None:
    """Until the server ends, or (where asked) standard input does."""
    while server.running:
        if not until_stdin_closes:
            time.sleep(LOOK)
        elif select.select([0], [], [], LOOK)[0] and not os.read(0, 65536):
            return
