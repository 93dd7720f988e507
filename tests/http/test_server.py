"""A server says its address only when it has proven itself; ports, tokens, stopping, slow callers."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from serving import GOLDEN, ask, make_model
from tunesmith.errors import AccessError, CapacityError, IntegrityError, UsageError
from tunesmith.fields import Record
from tunesmith.http import connection
from tunesmith.http.app import create_app
from tunesmith.http.server import Server
from tunesmith.parts import Profile
from tunesmith.serve.limits import Limits
from tunesmith.serve.parity import prove
from tunesmith.store import files


@pytest.fixture(autouse=True)
def no_token(monkeypatch):
    monkeypatch.delenv("TUNESMITH_API_KEY", raising=False)


@pytest.mark.parametrize("max_batch", [1, 4, 32])
def test_a_server_proves_itself_whatever_its_batches_hold(tmp_path, max_batch):
    model, oracle = make_model(tmp_path, max_batch=max_batch, max_queue=2)
    with Server(model, port=0) as server:
        assert oracle.calls == [list(GOLDEN)]  # readiness
        assert prove(server.url, model) == [] == server.prove()
    assert oracle.calls[1:] == 2 * [list(GOLDEN), *([text] for text in GOLDEN)]


def test_golden_rows_beyond_the_usual_limits_fit_all_the_same(tmp_path):
    model, _ = make_model(tmp_path, golden=["long " * 30_000 + str(n) for n in range(12)])
    with Server(model, port=0) as server:
        assert server.prove() == []


def test_the_proof_sees_a_changed_model_and_another_model(tmp_path):
    model, oracle = make_model(tmp_path)
    with Server(model, port=0) as server:
        oracle.shift = 1e-6  # within tolerance alone, but not equal to the last bit
        problems = prove(server.url, model)
        assert problems
        assert not any("alone" in problem for problem in problems)
        oracle.shift = 5.0
        assert any("alone" in problem for problem in prove(server.url, model))
        assert "not tickets@3" in prove(server.url, replace(model, digest="cd" * 32))[0]
    assert "did not answer" in prove(server.url, model)[0]


def test_a_model_that_does_not_repeat_its_golden_rows_is_not_served(tmp_path):
    model, oracle = make_model(tmp_path)
    oracle.shift = 1e-6
    with pytest.raises(IntegrityError) as refused:
        Server(model, port=0).start()
    assert refused.value.code == "V404"
    assert not [t for t in threading.enumerate() if t.name == "tunesmith-http"]


@pytest.mark.parametrize("rows", [None, []])
def test_a_bundle_without_golden_rows_is_not_served(tmp_path, rows):
    model, _ = make_model(tmp_path)
    files.remove(tmp_path / "golden.json")
    if rows is not None:
        files.write_json(tmp_path / "golden.json", {"rows": rows})
    with pytest.raises(IntegrityError, match="V404"):
        Server(model, port=0).start()


def test_until_it_is_ready_it_says_so_and_answers_nobody(tmp_path):
    model, oracle = make_model(tmp_path)
    oracle.gate.clear()
    server = Server(model, port=0)
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(server.start)
        assert oracle.entered.wait(10)
        assert ask(server.url, "GET", "/healthz")[0] == 200
        for method, path, body in (("GET", "/readyz", None), ("POST", "/v1/classify", {"input": "a"})):
            status, answer, headers = ask(server.url, method, path, body)
            assert (status, answer["error"]["code"]) == (503, "V115")
            assert int(headers["retry-after"]) >= 1
        assert not starting.done()
        oracle.gate.set()
        assert starting.result(10) == server.url
    assert ask(server.url, "GET", "/readyz")[0] == 200
    server.stop()


def test_a_server_that_is_not_ready_in_time_is_stopped(tmp_path):
    model, oracle = make_model(tmp_path)
    oracle.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        server = Server(model, port=0)
        starting = pool.submit(server.start, 0.3)
        threading.Timer(3, oracle.gate.set).start()  # long after the patience, however late the start
        with pytest.raises(CapacityError, match="V405"):
            starting.result(10)
    assert not server.running


def test_a_taken_port_is_an_error_that_names_a_free_one(tmp_path):
    model, _ = make_model(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as refused:
            Server(model, port=port).start()
    error = refused.value
    assert (error.code, error.exit_code, error.where) == ("V401", 2, f"127.0.0.1:{port}")
    free = int(error.fixes[0].removeprefix("--port "))
    with Server(model, port=free) as server:
        assert server.url == f"http://127.0.0.1:{free}"


@pytest.mark.parametrize(
    ("host", "port"), [("203.0.113.7", 0), ("no.such.host.invalid", 0), ("127.0.0.1", 70_000)]
)
def test_an_impossible_address_is_an_error(tmp_path, host, port):
    model, _ = make_model(tmp_path)
    with pytest.raises(UsageError, match="V403"):
        Server(model, host=host, port=port, token="sesame").start()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_beyond_loopback_a_token_is_needed(tmp_path, host):
    model, _ = make_model(tmp_path)
    with pytest.raises(AccessError) as refused:
        Server(model, host=host, port=0).start()
    assert (refused.value.code, refused.value.exit_code) == ("V402", 4)


@pytest.mark.parametrize("given", ["argument", "environment"])
def test_the_token_guards_every_route_but_two_and_is_never_shown(tmp_path, monkeypatch, given):
    model, oracle = make_model(tmp_path)
    if given == "environment":
        monkeypatch.setenv("TUNESMITH_API_KEY", "sesame-open")
    with Server(model, host="0.0.0.0", port=0, token="sesame-open" if given == "argument" else "") as server:
        assert "sesame" not in repr(server)
        document = ask(server.url, "GET", "/openapi.json", authorization="Bearer sesame-open")[1]
        routes = {(verb.upper(), path) for path, verbs in document["paths"].items() for verb in verbs}
        calls = len(oracle.calls)
        for method, path in sorted(routes | {("GET", "/openapi.json"), ("GET", "/none"), ("PUT", "/docs")}):
            for authorization in ("", "Bearer sesame", "Basic sesame-open"):
                status, body, headers = ask(server.url, method, path, authorization=authorization)
                if path in {"/healthz", "/readyz"}:
                    assert status == 200
                else:
                    assert (status, body["error"]["code"]) == (401, "V112"), path
                    assert headers["www-authenticate"] == "Bearer"
                assert "sesame" not in str(body) + str(headers)
        assert len(oracle.calls) == calls
        allowed = {"authorization": "Bearer sesame-open"}
        assert ask(server.url, "POST", "/v1/classify", {"input": "a"}, **allowed)[0] == 200
        assert "$TUNESMITH_API_KEY" in ask(server.url, "GET", "/docs", **allowed)[1]
        assert ask(server.url, "GET", "/docs", host="evil.example", **allowed)[0] == 403
        assert ask(server.url, "GET", "/docs", host="10.9.8.7:80", **allowed)[0] == 200
        assert server.prove() == []
        assert "401" in prove(server.url, model)[0]


@pytest.mark.neural
def test_usage_counts_the_tokens_that_were_read(tmp_path):
    pytest.importorskip("tokenizers")
    model, _ = make_model(tmp_path)
    codec = model.task.tiny_codec(Profile(4, dict.fromkeys(model.labels, 1)))
    model = replace(model, codec=codec.with_settings(temperature=1.3, threshold=0.9))
    texts = ["short", "x" * 9999]
    read = [model.task.encode(Record({"text": text}), model.codec, None)[0].length for text in texts]
    with Server(model, port=0) as server:
        _, body, _ = ask(server.url, "POST", "/v1/classify", {"input": texts})
    assert body["usage"] == {"prompt_tokens": sum(read), "total_tokens": sum(read), "completion_tokens": 0}
    assert 0 < read[0] < read[1] <= 128


def test_further_host_names_can_be_allowed(tmp_path):
    model, _ = make_model(tmp_path)
    with Server(model, port=0, hosts=["models.example"]) as server:
        assert ask(server.url, "GET", "/v1/models", host="models.example")[0] == 200
        assert ask(server.url, "GET", "/v1/models", host="other.example")[0] == 403


def test_ipv6_loopback(tmp_path):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    model, _ = make_model(tmp_path)
    with Server(model, host="::1", port=0) as server:
        assert server.url.startswith("http://[::1]:")
        assert server.prove() == []


def test_stopping_finishes_what_has_begun_and_frees_the_port(tmp_path):
    model, oracle = make_model(tmp_path)
    server = Server(model, port=0)
    url = server.start()
    assert server.start() == url
    oracle.gate.clear()
    oracle.entered.clear()
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(ask, url, "POST", "/v1/classify", {"input": "begun"})
        assert oracle.entered.wait(5)
        stopping = pool.submit(server.stop)
        time.sleep(0.3)
        oracle.gate.set()
        assert running.result(10)[0] == 200
        stopping.result(10)
    server.stop()
    assert not server.running
    with Server(model, port=server.port) as again:
        assert again.url == url


def test_a_stuck_model_does_not_keep_the_server_from_stopping(tmp_path, monkeypatch):
    from tunesmith.http import server as module
    from tunesmith.serve.batching import Batcher

    monkeypatch.setattr(module, "DRAIN_SECONDS", 1)
    close = Batcher.close
    monkeypatch.setattr(Batcher, "close", lambda self: close(self, 0.5))
    model, oracle = make_model(tmp_path)
    server = Server(model, port=0)
    url = server.start()
    oracle.gate.clear()
    oracle.entered.clear()
    with ThreadPoolExecutor(1) as pool:
        stuck = pool.submit(ask, url, "POST", "/v1/classify", {"input": "stuck"})
        assert oracle.entered.wait(5)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 15
        oracle.gate.set()
        assert stuck.exception(10) is not None or stuck.result()[0] >= 500


def test_serve_forever_ends_when_stopped(tmp_path):
    model, _ = make_model(tmp_path)
    server = Server(model, port=0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    while not server.running or ask_ready(server) != 200:
        time.sleep(0.02)
    server.stop()
    thread.join(10)
    assert not thread.is_alive()


def ask_ready(server):
    try:
        return ask(server.url, "GET", "/readyz")[0]
    except OSError:
        return 0


def test_a_slow_header_is_cut_off_and_does_no_harm(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.3)
    model, _ = make_model(tmp_path)
    with Server(model, port=0) as server:
        address = ("127.0.0.1", server.port)
        slow = [socket.create_connection(address, timeout=5) for _ in range(30)]
        for one in slow[:15]:
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
        kept = slow.pop()
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        heard = b""
        while not heard.endswith(b'{"status":"ok"}'):
            heard += kept.recv(999)
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHos")
        assert ask(server.url, "POST", "/v1/classify", {"input": "a"})[0] == 200
        assert all(one.recv(999) == b"" for one in [*slow, kept])


def test_a_slow_body_is_refused(tmp_path, monkeypatch):
    model, _ = make_model(tmp_path)
    app = create_app(model, limits=Limits(body_seconds=0.2))
    assert app.state.service.limits.body_seconds == 0.2
    original = Limits.covering
    monkeypatch.setattr(Limits, "covering", lambda self, t: original(Limits(body_seconds=0.2), t))
    with (
        Server(model, port=0) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as slow,
    ):
        slow.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n")
        slow.sendall(b"Content-Type: application/json\r\n\r\n{")
        assert slow.recv(999).startswith(b"HTTP/1.1 408 ")


def test_a_huge_body_hears_the_refusal(tmp_path):
    model, _ = make_model(tmp_path)
    with Server(model, port=0) as server:
        for size in (2 << 20, 12 << 20):
            status, body, _ = ask(server.url, "POST", "/v1/classify", raw=b"a" * size)
            assert (status, body["error"]["code"]) == (413, "V103")
