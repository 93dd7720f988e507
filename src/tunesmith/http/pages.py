"""The page at /docs: every endpoint with examples that run, in one file that needs no network."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from tunesmith.http.service import Service
from tunesmith.http.shelf import Shelf

_SHOWN = 160  # characters of an example text
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
body{color:#1b1f24;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}h3{font-size:1rem}
pre{background:#f4f5f7;padding:.75rem 1rem;border-radius:6px;overflow-x:auto;font-size:.85rem}
code{font-family:ui-monospace,monospace}table{border-collapse:collapse}
td,th{text-align:left;padding:.25rem 1rem .25rem 0;vertical-align:top}
.labels span{display:inline-block;background:#e8eef7;border-radius:4px;padding:0 .5rem;margin:.1rem}
@media(prefers-color-scheme:dark){body{background:#14171a;color:#e4e7ea}pre{background:#1f242a}
.labels span{background:#2a3644}a{color:#8ab4f8}}
"""
_COMMON = (
    ("GET /v1/models", "the served models"),
    ("GET /v1/models/{id}", "one of them, by name"),
    ("GET /healthz", "200 while the process lives"),
    ("GET /readyz", "200 once the golden rows came out as the library computed them, else 503"),
    ("GET /metrics", "counters for Prometheus"),
    ("GET /openapi.json", "this interface for machines"),
)
_HOT = (
    (
        "POST /v1/load_lora_adapter",
        "put a registered model here: {lora_name, lora_path: name@3} (vLLM's shape)",
    ),
    ("POST /v1/unload_lora_adapter", "take one away: {lora_name}"),
)


@dataclass(frozen=True)
class Kind:
    """What a page says of models that predict one kind of thing.  part: HTML on one model."""

    endpoints: tuple[tuple[str, str], ...]
    part: Callable[[Service, str, bool], str]


def docs(shelf: Shelf, address: str, *, token_needed: bool) -> str:
    """HTML; the examples use the models' own names, labels and golden rows, and this server's address."""
    known = [row for kind in shelf.kinds for row in KINDS[kind].endpoints]
    known += [*(_HOT if shelf.opener else ()), *_COMMON]
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(what)}</td></tr>" for name, what in known
    )
    limits = shelf.widest()
    title = ", ".join(service.names[0] for service in shelf)
    parts = "".join(
        KINDS[service.model.task.predicts].part(service, address, token_needed) for service in shelf
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<p><a href="/openapi.json">openapi.json</a></p>
<h2>Endpoints</h2><table>{rows}</table>
{parts}
<h2>Limits and errors</h2>
<p>At most {limits.texts} texts in a request, {limits.chars:,} characters in a text,
{limits.body_bytes:,} bytes in a body. An error is
<code>{{"error": {{"message", "type", "param", "code", "hint"}}}}</code>; 429 and 503 name the
seconds to wait in <code>Retry-After</code>. <code>tunesmith explain CODE</code> tells more of a code.</p>
</body></html>
"""


def _head(service: Service, what: str) -> str:
    model = service.model
    return f"""<h2>{escape(service.names[0])}</h2>
<p>{escape(model.recipe.approach.name)} · {escape(what)} · bundle <code>{escape(model.digest[:12])}</code></p>"""


def _label(service: Service, address: str, token_needed: bool) -> str:
    model, texts = service.model, [text[:_SHOWN] for text in service.examples()[:2]]
    labels = " ".join(f"<span>{escape(label)}</span>" for label in model.labels)
    classify = {"model": service.names[0], "input": texts}
    return f"""{_head(service, f"{len(model.labels)} labels")}
<h3>Classify</h3>
<pre><code>{escape(_curl(address, "/v1/classify", classify, token_needed))}</code></pre>
<pre><code>{escape(_python(address, classify, token_needed))}</code></pre>
<p>Each answer has <code>label</code>, <code>confidence</code> (calibrated: of the answers with 0.9,
nine in ten are right) and <code>abstain</code> (under the threshold: better ask a person).</p>
<h3>Score every label</h3>
<pre><code>{escape(_curl(address, "/predict", {"inputs": texts[0]}, token_needed))}</code></pre>
<h3>Labels</h3><p class="labels">{labels}</p>"""


def _text(service: Service, address: str, token_needed: bool) -> str:
    asked = next((text[:_SHOWN] for text in service.examples() if text.strip()), "Hello")
    name = service.names[0]
    chat = {"model": name, "messages": [{"role": "user", "content": asked}], "max_tokens": 64}
    return f"""{_head(service, "answers in words")}
<h3>Chat</h3>
<pre><code>{escape(_curl(address, "/v1/chat/completions", chat, token_needed))}</code></pre>
<pre><code>{escape(_client(address, chat, token_needed))}</code></pre>
<h3>Go on from a text</h3>
<pre><code>{escape(_curl(address, "/v1/completions", {"model": name, "prompt": asked}, token_needed))}</code></pre>
<p>Without <code>temperature</code> the likeliest token is taken at each place, as when the model was measured.
<code>stream</code>, <code>stop</code>, <code>seed</code>, <code>n</code>, <code>logprobs</code>,
<code>response_format</code> and <code>tools</code> mean what they mean at OpenAI.</p>"""


KINDS = {
    "label": Kind(
        (
            ("POST /v1/classify", "label, calibrated confidence, abstain (vLLM's shape); also at /classify"),
            ("POST /predict", "scores of all labels, best first (text-embeddings-inference's shape)"),
        ),
        _label,
    ),
    "text": Kind(
        (
            ("POST /v1/chat/completions", "answers to a conversation (OpenAI's shape), also as a stream"),
            ("POST /v1/completions", "how a text goes on (OpenAI's shape), also as a stream"),
        ),
        _text,
    ),
}


def _client(address: str, chat: dict[str, Any], token_needed: bool) -> str:
    key = 'os.environ["TUNESMITH_API_KEY"]' if token_needed else '"none"'
    return f"""{"import os" + chr(10) if token_needed else ""}from openai import OpenAI

client = OpenAI(base_url={address + "/v1"!r}, api_key={key})
answer = client.chat.completions.create(**{chat!r})
print(answer.choices[0].message.content)
"""


def _curl(address: str, path: str, body: dict[str, Any], token_needed: bool) -> str:
    token = ' -H "Authorization: Bearer $TUNESMITH_API_KEY"' if token_needed else ""
    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    return f'curl -s {shlex.quote(address + path)} -H "content-type: application/json"{token} \\\n  -d {data}'


def _python(address: str, body: dict[str, Any], token_needed: bool) -> str:
    token = ', "authorization": "Bearer " + os.environ["TUNESMITH_API_KEY"]' if token_needed else ""
    return f"""import json{", os" if token_needed else ""}, urllib.request

body = json.dumps({body!r}).encode()
headers = {{"content-type": "application/json"{token}}}
request = urllib.request.Request({address + "/v1/classify"!r}, body, headers)
for answer in json.load(urllib.request.urlopen(request))["data"]:
    print(answer["label"], round(answer["confidence"], 3), "abstains" if answer["abstain"] else "")
"""
