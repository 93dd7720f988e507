"""The page at /docs: every endpoint with examples that run, in one file that needs no network."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from html import escape

from tunesmith.model import Model
from tunesmith.serve.limits import Limits

_SHOWN = 160  # characters of an example text
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
body{color:#1b1f24;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
pre{background:#f4f5f7;padding:.75rem 1rem;border-radius:6px;overflow-x:auto;font-size:.85rem}
code{font-family:ui-monospace,monospace}table{border-collapse:collapse}
td,th{text-align:left;padding:.25rem 1rem .25rem 0;vertical-align:top}
.labels span{display:inline-block;background:#e8eef7;border-radius:4px;padding:0 .5rem;margin:.1rem}
@media(prefers-color-scheme:dark){body{background:#14171a;color:#e4e7ea}pre{background:#1f242a}
.labels span{background:#2a3644}a{color:#8ab4f8}}
"""
_ENDPOINTS = (
    ("POST /v1/classify", "label, calibrated confidence, abstain (vLLM's shape); also at /classify"),
    ("POST /predict", "scores of all labels, best first (text-embeddings-inference's shape)"),
    ("GET /v1/models", "the served model"),
    ("GET /v1/models/{id}", "the same, by name"),
    ("GET /healthz", "200 while the process lives"),
    ("GET /readyz", "200 once the golden rows came out as the library computed them, else 503"),
    ("GET /metrics", "counters for Prometheus"),
    ("GET /openapi.json", "this interface for machines"),
)


def docs(model: Model, golden: Sequence[str], address: str, limits: Limits, *, token_needed: bool) -> str:
    """HTML; the examples use the model's own labels and golden texts, and this server's address."""
    texts = [text[:_SHOWN] for text in golden[:2]]
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(what)}</td></tr>" for name, what in _ENDPOINTS
    )
    labels = " ".join(f"<span>{escape(label)}</span>" for label in model.labels)
    classify = {"model": model.name, "input": texts}
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(model.name)}</title>
<style>{_STYLE}</style></head><body>
<h1>{escape(model.name)}</h1>
<p>{escape(model.recipe.approach.name)} · {len(model.labels)} labels ·
bundle <code>{escape(model.digest[:12])}</code> · <a href="/openapi.json">openapi.json</a></p>
<h2>Endpoints</h2><table>{rows}</table>
<h2>Classify</h2>
<pre><code>{escape(_curl(address, "/v1/classify", classify, token_needed))}</code></pre>
<pre><code>{escape(_python(address, classify, token_needed))}</code></pre>
<p>Each answer has <code>label</code>, <code>confidence</code> (calibrated: of the answers with 0.9,
nine in ten are right) and <code>abstain</code> (under the threshold: better ask a person).</p>
<h2>Score every label</h2>
<pre><code>{escape(_curl(address, "/predict", {"inputs": texts[0]}, token_needed))}</code></pre>
<h2>Labels</h2><p class="labels">{labels}</p>
<h2>Limits and errors</h2>
<p>At most {limits.texts} texts in a request, {limits.chars:,} characters in a text,
{limits.body_bytes:,} bytes in a body. An error is
<code>{{"error": {{"message", "type", "param", "code", "hint"}}}}</code>; 429 and 503 name the
seconds to wait in <code>Retry-After</code>. <code>tunesmith explain CODE</code> tells more of a code.</p>
</body></html>
"""


def _curl(address: str, path: str, body: dict[str, object], token_needed: bool) -> str:
    token = ' -H "Authorization: Bearer $TUNESMITH_API_KEY"' if token_needed else ""
    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    return f'curl -s {shlex.quote(address + path)} -H "content-type: application/json"{token} \\\n  -d {data}'


def _python(address: str, body: dict[str, object], token_needed: bool) -> str:
    token = ', "authorization": "Bearer " + os.environ["TUNESMITH_API_KEY"]' if token_needed else ""
    return f"""import json{", os" if token_needed else ""}, urllib.request

body = json.dumps({body!r}).encode()
headers = {{"content-type": "application/json"{token}}}
request = urllib.request.Request({address + "/v1/classify"!r}, body, headers)
for answer in json.load(urllib.request.urlopen(request))["data"]:
    print(answer["label"], round(answer["confidence"], 3), "abstains" if answer["abstain"] else "")
"""
