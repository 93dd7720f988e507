"""The endpoint over real sockets on loopback: shapes, parity, refusals, load, hostile requests."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import random
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

import numpy as np
import pytest

from serving import GOLDEN, LABELS, ask, label_of, make_model
from tunesmith.http.server import Server
from tunesmith.serve import shapes


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(url, model, oracle) of one server that most tests share; they leave it as they found it."""
    model, oracle = make_model(tmp_path_factory.mktemp("bundle"), max_batch=16, max_queue=40)
    with Server(model, port=0) as server:
        yield server.url, model, oracle


@contextlib.contextmanager
def busy(url, oracle):
    """The model computes one request and does not come to its end before the block does."""
    oracle.gate.clear()
    oracle.entered.clear()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ask, url, "POST", "/v1/classify", {"input": "busy"})
        try:
            assert oracle.entered.wait(5)
            yield
        finally:
            oracle.gate.set()
        assert running.result(10)[0] == 200


def assert_error(answer, status, code):
    found, body, headers = answer
    assert (found, body["error"]["code"]) == (status, code), body
    shapes.ErrorResponse.model_validate(body)
    assert set(body["error"]) == {"message", "type", "param", "code", "hint"}
    assert headers["x-request-id"]


@pytest.mark.parametrize("path", ["/v1/classify", "/classify"])
def test_classify_has_the_shape_of_vllm_and_more(served, path):
    url, model, _ = served
    texts = ["first", "second", "größer ✓", ""]
    status, body, headers = ask(url, "POST", path, {"model": "tickets@3", "input": texts})
    assert status == 200
    shapes.ClassifyResponse.model_validate(body)
    assert body["object"] == "list"
    assert body["model"] == "tickets@3"
    assert abs(body["created"] - time.time()) < 60
    assert body["id"] == f"classify-{headers['x-request-id']}"
    assert body["usage"] == {"prompt_tokens": 0, "total_tokens": 0, "completion_tokens": 0}
    for index, (text, answer) in enumerate(zip(texts, body["data"], strict=True)):
        assert answer["index"] == index
        assert answer["label"] == label_of(text) == LABELS[int(np.argmax(answer["probs"]))]
        assert answer["labels"] == list(LABELS)
        assert answer["num_classes"] == 4
        assert answer["confidence"] == max(answer["probs"])
        assert answer["abstain"] == (answer["confidence"] < 0.9)
        assert math.isclose(sum(answer["probs"]), 1)
    assert headers["x-tunesmith-model"] == f"tickets@3; digest={model.digest}"


def test_one_string_is_one_answer_and_the_version_may_be_left_out(served):
    url, *_ = served
    status, body, _ = ask(url, "POST", "/v1/classify", {"model": "tickets", "input": "alone", "user": "me"})
    assert status == 200
    assert [answer["label"] for answer in body["data"]] == [label_of("alone")]


def test_numbers_survive_json_to_the_last_bit_at_equal_batch_composition(served):
    url, model, oracle = served
    texts = [f"row {n}" for n in range(11)]
    _, body, _ = ask(url, "POST", "/v1/classify", {"input": texts})
    assert oracle.calls[-1] == texts
    for answer, prediction in zip(body["data"], model.predict_texts(texts), strict=True):
        assert {key: answer[key] for key in prediction.to_json()} == prediction.to_json()


def test_predict_has_the_shape_of_text_embeddings_inference(served):
    url, model, _ = served
    status, scores, _ = ask(url, "POST", "/predict", {"inputs": "a text"})
    assert status == 200
    assert sorted(score["label"] for score in scores) == sorted(LABELS)
    assert scores[0]["label"] == label_of("a text")
    assert [s["score"] for s in scores] == sorted((s["score"] for s in scores), reverse=True)
    assert {s["score"] for s in scores} == set(model.predict_texts(["a text"])[0].probs.tolist())
    for batch in (["a text", "b"], [["a text"], ["b"]]):
        _, both, _ = ask(url, "POST", "/predict", {"inputs": batch, "raw_scores": False})
        assert [answer[0]["label"] for answer in both] == [label_of("a text"), label_of("b")]


def test_raw_scores_are_what_the_softmax_takes(served):
    url, *_ = served
    _, scores, _ = ask(url, "POST", "/predict", {"inputs": "a text"})
    _, raw, _ = ask(url, "POST", "/predict", {"inputs": "a text", "raw_scores": True})
    assert [s["label"] for s in raw] == [s["label"] for s in scores]
    exponents = np.exp([s["score"] for s in raw])
    assert np.allclose(exponents / exponents.sum(), [s["score"] for s in scores])


def test_truncate_cuts_what_is_refused_without_it(served):
    url, _, oracle = served
    long = "a" + "b" * 100_000
    assert_error(ask(url, "POST", "/predict", {"inputs": long}), 413, "V105")
    for direction, kept in (("right", long[:-1]), ("left", long[1:])):
        sent = {"inputs": long, "truncate": True, "truncation_direction": direction}
        assert ask(url, "POST", "/predict", sent)[0] == 200
        assert oracle.calls[-1] == [kept]


def test_models_are_listed_as_openai_does(served):
    url, model, _ = served
    _, listed, _ = ask(url, "GET", "/v1/models")
    shapes.ModelList.model_validate(listed)
    entry = listed["data"][0]
    assert (entry["id"], entry["object"], entry["owned_by"]) == ("tickets@3", "model", "tunesmith")
    assert (entry["labels"], entry["digest"], entry["root"]) == (list(LABELS), model.digest, "linear")
    for name in ("tickets@3", "tickets%403", "tickets"):
        assert ask(url, "GET", f"/v1/models/{name}")[1] == entry
    assert_error(ask(url, "GET", "/v1/models/other"), 404, "V107")
    assert_error(ask(url, "POST", "/v1/classify", {"model": "tickets@4", "input": "a"}), 404, "V107")


def test_health_readiness_and_request_ids(served):
    url, *_ = served
    assert ask(url, "GET", "/healthz")[:2] == (200, {"status": "ok"})
    assert ask(url, "GET", "/readyz")[:2] == (200, {"status": "ready"})
    assert ask(url, "GET", "/healthz", x_request_id="mine-1")[2]["x-request-id"] == "mine-1"
    assert ask(url, "GET", "/healthz", x_request_id="<script>")[2]["x-request-id"] != "<script>"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "param"),
    [
        ("POST", "/v1/classify", {}, 400, "V102", "input"),
        ("POST", "/v1/classify", {"input": []}, 400, "V102", "input"),
        ("POST", "/v1/classify", {"input": 5}, 400, "V102", "input.str"),
        ("POST", "/v1/classify", {"input": ["a", None]}, 400, "V102", None),
        ("POST", "/v1/classify", {"input": [[1, 2, 3]]}, 400, "V102", None),
        ("POST", "/v1/classify", {"input": "a", "temperature": 1}, 400, "V102", "temperature"),
        ("POST", "/v1/classify", [], 400, "V102", None),
        ("POST", "/v1/classify", "text", 400, "V102", None),
        ("POST", "/v1/classify", {"input": ["a"] * 257}, 413, "V104", None),
        ("POST", "/v1/classify", {"input": ["a", "b" * 100_001]}, 413, "V105", "input[1]"),
        ("POST", "/v1/classify", {"input": "b" * (1 << 20)}, 413, "V103", None),
        ("POST", "/predict", {"inputs": [["a", "b"]]}, 400, "V102", "inputs"),
        ("POST", "/predict", {"inputs": []}, 400, "V102", "inputs"),
        ("POST", "/predict", {"inputs": "a", "raw_scores": "yes"}, 400, "V102", "raw_scores"),
        ("GET", "/v1/classify", None, 405, "V109", None),
        ("POST", "/healthz", {}, 405, "V109", None),
        ("DELETE", "/v1/models/tickets", None, 405, "V109", None),
        ("OPTIONS", "/v1/classify", None, 405, "V109", None),
        ("GET", "/nothing", None, 404, "V108", None),
        ("GET", "/v1/models/", None, 404, "V108", None),
        ("GET", "/redoc", None, 404, "V108", None),
    ],
)
def test_what_is_wrong_is_refused_in_one_shape(served, method, path, body, status, code, param):
    answer = ask(served[0], method, path, body)
    assert_error(answer, status, code)
    if param:
        assert answer[1]["error"]["param"] == param
    if status == 405:
        assert answer[2]["allow"]


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "", "a" * 999],
)
def test_only_json_is_read(served, kind):
    assert_error(ask(served[0], "POST", "/v1/classify", {"input": "a"}, content_type=kind), 415, "V106")


def test_a_compressed_body_is_not_unpacked(served):
    answer = ask(served[0], "POST", "/v1/classify", {"input": "a"}, content_encoding="gzip")
    assert_error(answer, 415, "V106")
    assert (
        ask(served[0], "POST", "/predict", {"inputs": "a"}, content_type='application/json; charset="UTF-8"')[
            0
        ]
        == 200
    )


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"host": "evil.example"}, "V110"),
        ({"host": "127.0.0.1.nip.io:8080"}, "V110"),
        ({"host": "10.1.2.3"}, "V110"),
        ({"origin": "https://evil.example"}, "V111"),
        ({"origin": "null"}, "V111"),
        ({"origin": "http://localhost:1"}, "V111"),
        ({"sec_fetch_site": "cross-site"}, "V111"),
    ],
)
def test_rebinding_and_cross_site_requests_are_refused_and_reach_no_model(served, headers, code):
    url, _, oracle = served
    before = len(oracle.calls)
    answer = ask(url, "POST", "/v1/classify", {"input": "a"}, **headers)
    assert_error(answer, 403, code)
    assert "x-tunesmith-model" not in answer[2]
    assert "access-control-allow-origin" not in answer[2]
    assert len(oracle.calls) == before


def test_the_servers_own_page_may_ask_and_a_link_from_elsewhere_may_open_docs(served):
    url, *_ = served
    assert (
        ask(url, "POST", "/v1/classify", {"input": "a"}, origin=url, sec_fetch_site="same-origin")[0] == 200
    )
    assert ask(url, "GET", "/docs", sec_fetch_site="cross-site")[0] == 200


def test_a_full_queue_answers_429_with_retry_after_and_recovers(served):
    url, _, oracle = served
    texts = [f"t{n}" for n in range(20)]
    with ThreadPoolExecutor(8) as pool, busy(url, oracle):
        waiting = [pool.submit(ask, url, "POST", "/v1/classify", {"input": texts}) for _ in range(8)]
        refused = [done.result() for done in islice(as_completed(waiting, 20), 6)]
        time.sleep(0.2)
        assert sum(answer.done() for answer in waiting) == 6  # two of twenty texts fit into a queue of forty
        for answer in refused:
            assert_error(answer, 429, "V113")
            assert 1 <= int(answer[2]["retry-after"]) <= 60
        oracle.gate.set()
        answers = [answer.result(10) for answer in waiting]
    assert sorted(answer[0] for answer in answers) == [200] * 2 + [429] * 6
    assert ask(url, "POST", "/v1/classify", {"input": texts})[0] == 200


def test_a_poisoned_text_fails_alone_and_tells_nothing(served, caplog):
    url, _, oracle = served
    inputs = ["good 1", "poison", "good 2", "good 3"]
    caplog.set_level(logging.ERROR, "tunesmith.http")
    with ThreadPoolExecutor(6) as pool, busy(url, oracle):
        jobs = [pool.submit(ask, url, "POST", "/v1/classify", {"input": text}) for text in inputs]
        time.sleep(0.3)
        oracle.gate.set()
        answers = [job.result(10) for job in jobs]
    assert any(len(call) > 1 and "poison" in call for call in oracle.calls)
    assert [answer[0] for answer in answers] == [200, 500, 200, 200]
    assert_error(answers[1], 500, "V116")
    assert "secret" not in json.dumps(answers[1][1])
    assert answers[1][2]["x-request-id"] in caplog.text
    for text, answer in zip(inputs, answers, strict=True):
        assert text == "poison" or answer[1]["data"][0]["label"] == label_of(text)


def test_twenty_clients_get_the_answers_to_their_own_texts(served):
    url, *_ = served

    def client(number):
        rng = random.Random(number)
        for _ in range(8):
            texts = [f"{number} {rng.random()}" for _ in range(rng.randrange(1, 3))]
            status, body, _ = ask(url, "POST", "/v1/classify", {"input": texts})
            assert status == 200
            assert [answer["label"] for answer in body["data"]] == [label_of(text) for text in texts]
        return number

    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(client, range(20))) == list(range(20))


def hostile(rng):
    """A mutated request: (method, path, body, headers)."""
    good = json.dumps({"input": ["a text", "another"], "model": "tickets"}).encode()
    body = bytearray(good)
    kind = rng.randrange(8)
    if kind == 0:
        body = body[: rng.randrange(len(body))]
    elif kind == 1:
        for _ in range(rng.randrange(1, 6)):
            body[rng.randrange(len(body))] = rng.randrange(256)
    elif kind == 2:
        opening = rng.choice([b"[", b'{"input":', b'[{"a":'])
        body = opening * rng.choice([5, 50, 5000, 50_000])
    elif kind == 3:
        body = b'{"input": %s}' % rng.choice(
            [
                b"9" * 9000,
                b"1e999",
                b"-1e-999",
                b"NaN",
                b"0x10",
                b"1" * 400,
                b'"\\ud800"',
                b'["\\udfff", "a"]',
                b'"\\u0000"',
            ]
        )
    elif kind == 4:
        body = json.dumps(
            {rng.choice(["input", "inputs", "model", "x"]): rng.choice(ODD) for _ in range(2)}
        ).encode()
    elif kind == 5:
        body = rng.randbytes(rng.randrange(300))
    elif kind == 6:
        body = json.dumps(rng.choice(ODD)).encode()
    headers = {
        "content_type": rng.choice(["application/json"] * 5 + ["text/plain", "multipart/form-data", ";;;"])
    }
    method = rng.choice(["POST"] * 8 + ["GET", "PUT", "PATCH", "DELETE", "BREW"])
    path = rng.choice(
        ["/v1/classify", "/predict", "/classify", "/v1/models/%00%ff", "/metrics", "/%2e%2e/etc?x=%ff"]
    )
    return method, path, bytes(body), headers


ODD = [
    None,
    True,
    -1,
    2**80,
    1.5,
    "",
    "\x00",
    "a" * 3000,
    [],
    [[]],
    [[[]]],
    [None],
    ["a", 1],
    [["a"], "b"],
    {},
    {"a": {}},
]
ODD += [
    ["\ud83d"],
    {"\ud83d": 1},
    [0] * 300,
    {str(n): n for n in range(500)},
    "🙂" * 500,
    [["a"] * 3],
    {"input": "a"},
]


def test_two_hundred_hostile_requests_never_break_it(served):
    url, *_ = served
    seed = random.randrange(10**9)
    print("seed", seed)
    rng = random.Random(seed)
    statuses = []
    for _ in range(200):
        method, path, body, headers = hostile(rng)
        status, answer, found = ask(url, method, path, raw=body, **headers)
        assert status < 500, (seed, method, path, body[:200])
        assert status < 400 or (
            found["content-type"] == "application/json" and answer["error"]["code"][0] == "V"
        )
        statuses.append(status)
    assert statuses.count(400) > 40
    assert ask(url, "POST", "/v1/classify", {"input": "still well"})[0] == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n{}",
        b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\nContent-Length: 0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"\r\n" * 5000 + b"x\r\n\r\n",
    ],
)
def test_broken_http_is_refused(served, sent):
    host, port = served[0].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(sent)
        with contextlib.suppress(ConnectionResetError):
            answer = raw.recv(4096)
            assert re.match(rb"HTTP/1.1 4\d\d ", answer), answer
    assert ask(served[0], "GET", "/healthz")[0] == 200


def test_a_large_header_is_refused(served):
    assert_error(ask(served[0], "GET", "/healthz", x_more="a" * 20_000), 431, "V118")
    assert_error(ask(served[0], "GET", "/v1/models/" + "a" * 20_000), 431, "V118")


def test_metrics_count(served):
    url, *_ = served

    def value(line):
        found = re.search(rf"^{re.escape(line)} (\S+)$", ask(url, "GET", "/metrics")[1], re.M)
        return float(found[1]) if found else 0.0

    names = [
        'tunesmith_requests_total{route="/v1/classify",status="200"}',
        'tunesmith_requests_total{route="other",status="404"}',
        'tunesmith_request_seconds_count{route="/v1/classify"}',
        "tunesmith_texts_total",
        "tunesmith_abstained_total",
    ]
    before = [value(name) for name in names]
    texts = [f"metric {n}" for n in range(7)]
    body = ask(url, "POST", "/v1/classify", {"input": texts})[1]
    ask(url, "GET", "/some/random/path")
    abstained = sum(answer["abstain"] for answer in body["data"])
    assert abstained > 0
    assert [value(name) - old for name, old in zip(names, before, strict=True)] == [1, 1, 1, 7, abstained]
    assert value("tunesmith_queue_depth") == 0
    text = ask(url, "GET", "/metrics")[1]
    assert "tunesmith_model_info{" in text
    assert "random" not in text


def test_docs_need_no_network_and_show_this_model(served):
    url, *_ = served
    status, page, headers = ask(url, "GET", "/docs")
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert not re.findall(r"(?:src|href)=\"(?!/)[^\"]*\"|@import|<script|<link|//cdn", page)
    assert set(re.findall(r"https?://[^\s\"'&<)]+", page)) <= {f"{url}/v1/classify", f"{url}/predict"}
    assert "Billing &amp; tax" in page
    assert "größe" in page
    assert "golden text number 0" in page
    assert "<b>ÄÖ" not in page
    assert "default-src 'none'" in headers["content-security-policy"]


def test_the_python_example_of_the_docs_runs(served):
    import html
    import subprocess
    import sys

    page = ask(served[0], "GET", "/docs")[1]
    program = html.unescape(
        next(p for p in re.findall(r"<code>(.*?)</code></pre>", page, re.S) if "urllib" in p)
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert [line.split(" 0.")[0] for line in done.stdout.splitlines()] == [label_of(t) for t in GOLDEN[:2]]


def test_openapi_documents_every_status(served):
    document = ask(served[0], "GET", "/openapi.json")[1]
    assert set(document["paths"]) == {
        *("/v1/classify", "/classify", "/predict", "/v1/models", "/v1/models/{model_id}"),
        *("/healthz", "/readyz", "/metrics", "/docs"),
    }
    for path in ("/v1/classify", "/predict"):
        operation = document["paths"][path]["post"]
        assert set(operation["responses"]) == {
            *("200", "400", "401", "403", "404", "408", "413", "415", "429", "431", "500", "503"),
        }
        assert operation["requestBody"]["required"]
    assert "422" not in json.dumps(document["paths"])
    schema = document["components"]["schemas"]["Classified"]["properties"]
    assert set(schema) == {"index", "label", "probs", "num_classes", "labels", "confidence", "abstain"}
