"""`serve`: models behind HTTP until Ctrl-C."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Sequence
from json import dumps as json_text
from typing import Annotated, Any

import typer

from tunesmith.cli import interrupt, options
from tunesmith.cli.console import put, put_json

LOOK = 0.25  # seconds between looks at what should end the server


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL…",
            help="Models by name, or folders of bundles; requests choose by `model`.",
            autocompletion=options.complete.models,
        ),
    ],
    host: Annotated[
        str, typer.Option("--host", help="Address; beyond loopback a token is needed.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0: a free one.")] = 8080,
    hot: Annotated[
        bool, typer.Option("--hot", help="Let requests load and unload registered models by name.")
    ] = False,
    home: options.Home = None,
    json: options.Json = False,
    until_stdin_closes: Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)] = False,
) -> int:
    """Serve models over HTTP until Ctrl-C.

    \b
    tunesmith serve tickets
    tunesmith serve tickets@3 --port 9000
    tunesmith serve helper@1 helper@2 --hot
    """
    from tunesmith import lifecycle
    from tunesmith.http.server import Server
    from tunesmith.lifecycle import serving

    opened = [lifecycle.open_model(model, home) for model in models]
    server = Server(opened, host=host, port=port, opener=serving.opener(home) if hot else None)
    with interrupt.handled(_interrupt):
        try:
            address = server.start()
            _announce(address, opened, json)
            _wait(server, until_stdin_closes)
        except KeyboardInterrupt:
            if not server.running:
                raise
        finally:
            server.stop()
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


# what a model predicts → (route, what to send)
TRIES: dict[str, tuple[str, dict[str, Any]]] = {
    "label": ("/v1/classify", {"input": "…"}),
    "text": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "…"}]}),
}


def _announce(address: str, models: Sequence[Any], as_json: bool) -> None:
    names = [model.name for model in models]
    if as_json:
        put_json({"endpoint": address, "model": names[0], "models": names})
        return
    put(f"Serving   {', '.join(names)} at {address}")
    put(f"          docs: {address}/docs")
    for kind in dict.fromkeys(model.task.predicts for model in models):
        path, body = TRIES[kind]
        sent = json_text(body, ensure_ascii=False)
        put(f"          try: curl -s {address}{path} -H 'Content-Type: application/json' -d '{sent}'")
    put("          stop: Ctrl-C")
    sys.stdout.flush()


def _wait(server: Any, until_stdin_closes: bool) -> None:
    """Until the server ends, or (where asked) standard input does."""
    while server.running:
        if not until_stdin_closes:
            time.sleep(LOOK)
        elif select.select([0], [], [], LOOK)[0] and not os.read(0, 65536):
            return
