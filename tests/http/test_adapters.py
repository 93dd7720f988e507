"""Several adapters of one base on one server: nobody gets another's answer, and they come and go while it answers."""

from __future__ import annotations

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapters import make_base, register
from serving import ask
from tunesmith import lifecycle
from tunesmith.http.server import Server
from tunesmith.lifecycle import serving
from tunesmith.parts import Wish
from tunesmith.serve import asking

pytestmark = pytest.mark.neural
CHAT, LOAD, UNLOAD = "/v1/chat/completions", "/v1/load_lora_adapter", "/v1/unload_lora_adapter"
COUNT, REQUESTS = 8, 200


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(home, names of eight registered adapters of one base)"""
    home = tmp_path_factory.mktemp("home")
    base = make_base(tmp_path_factory.mktemp("base"))
    names = [register(home, base, 0)]
    held = lifecycle.open_model(names[0], home)  # whoever is loaded while it is open shares its base
    names += [register(home, base, seed) for seed in range(1, COUNT)]
    assert held.predictor.base is not None
    return home, names


@pytest.fixture(scope="module")
def alone(made):
    """What each adapter says by itself, with no server and no other adapter in its network."""
    home, names = made
    models = {name: lifecycle.open_model(name, home) for name in names}

    def say(name, text, wish):
        prompt = [{"role": "user", "content": text}]
        return asking.spoken(list(asking.speaker(models[name]).stream(prompt, wish)))

    return say


def asked(name, text, seed, **more):
    return {"model": name, "messages": [{"role": "user", "content": text}], "max_tokens": 6, "seed": seed,
            "temperature": float(seed % 2), "logprobs": True, **more}  # fmt: skip


def said(body):
    choice = body["choices"][0]
    logprobs = [each["logprob"] for each in choice["logprobs"]["content"]]
    return {
        "text": choice["message"]["content"],
        "tokens": body["usage"]["completion_tokens"],
        "stopped": choice["finish_reason"] == "stop",
        "logprob": sum(logprobs),
    }


def test_adapters_of_one_base_share_it_and_differ(made, alone):
    home, names = made
    models = [lifecycle.open_model(name, home) for name in names]
    assert len({id(model.predictor.base) for model in models}) == 1
    assert models[0].predictor.base is not None
    assert len({alone(name, "Who are you?", Wish(max_tokens=6))["text"] for name in names}) == COUNT


def test_interleaved_requests_never_cross(made, alone):
    home, names = made
    rng = random.Random(7)
    print("seed 7")
    plan = [(rng.choice(names), f"question {rng.randrange(40)}", rng.randrange(6)) for _ in range(REQUESTS)]
    with (
        Server([lifecycle.open_model(name, home) for name in names], port=0) as server,
        ThreadPoolExecutor(16) as pool,
    ):
        answers = list(pool.map(lambda each: ask(server.url, "POST", CHAT, asked(*each)), plan))
        assert server.prove() == []
    for (name, text, seed), (status, body, headers) in zip(plan, answers, strict=True):
        assert status == 200, body
        assert body["model"] == name
        assert headers["x-tunesmith-model"].startswith(f"{name}; digest=")
        assert said(body) == alone(name, text, Wish(max_tokens=6, temperature=float(seed % 2), seed=seed))


def test_adapters_come_and_go_under_load_and_no_request_fails(made, alone):
    home, names = made
    expected = alone(names[0], "steady", Wish(max_tokens=6))
    done, failures = threading.Event(), []

    def steady():
        count = 0
        while not done.is_set() or not count:
            status, body, _ = ask(server.url, "POST", CHAT, asked(names[0], "steady", 0))
            count += 1
            if status != 200 or said(body) != expected:
                failures.append(body)
        return count

    with (
        Server(lifecycle.open_model(names[0], home), port=0, opener=serving.opener(home)) as server,
        ThreadPoolExecutor(3) as pool,
    ):
        try:
            load = [pool.submit(steady) for _ in range(3)]
            for name in names[1:4]:
                status, text, _ = ask(server.url, "POST", LOAD, {"lora_name": "extra", "lora_path": name})
                assert (status, text) == (200, "Success: LoRA adapter 'extra' added successfully.")
                body = ask(server.url, "POST", CHAT, asked("extra", "hello", 0))[1]
                assert said(body) == alone(name, "hello", Wish(max_tokens=6))
                assert [m["id"] for m in ask(server.url, "GET", "/v1/models")[1]["data"]] == [
                    names[0],
                    "extra",
                ]
                assert ask(server.url, "POST", UNLOAD, {"lora_name": "extra"})[0] == 200
                assert ask(server.url, "POST", CHAT, asked("extra", "hello", 0))[0] == 404
        finally:
            done.set()
        assert sum(each.result(30) for each in load) > 3
    assert failures == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (LOAD, {"lora_name": "nobody"}, 404, "V120"),
        (LOAD, {"lora_name": "adapter-0"}, 409, "V121"),
        (LOAD, {"lora_name": "x", "lora_path": "/etc/passwd"}, 400, "V102"),
        (LOAD, {"lora_name": "x", "lora_path": "../made/lora-1"}, 400, "V102"),
        (LOAD, {"lora_name": "x", "lora_path": "nobody@9"}, 404, "V120"),
        (LOAD, {}, 400, "V102"),
        (UNLOAD, {"lora_name": "nobody"}, 404, "V107"),
        (UNLOAD, {"lora_name": "adapter-0@1"}, 409, "V121"),
    ],
)
def test_what_can_not_be_loaded_is_refused(made, path, body, status, code):
    home, names = made
    with Server(lifecycle.open_model(names[0], home), port=0, opener=serving.opener(home)) as server:
        found, answer, _ = ask(server.url, "POST", path, body)
    assert (found, answer["error"]["code"]) == (status, code)


def test_without_hot_loading_there_are_no_such_routes(made):
    home, names = made
    with Server(lifecycle.open_model(names[0], home), port=0) as server:
        assert ask(server.url, "POST", LOAD, {"lora_name": names[1]})[0] == 404


def test_json_that_fits_a_schema(made):
    pytest.importorskip("llguidance")
    home, names = made
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "blue"]}, "count": {"type": "integer"}},
        "required": ["colour", "count"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    bad = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"not": {}}}}
    with Server(lifecycle.open_model(names[0], home), port=0) as server:
        for seed in range(4):
            body = asked(names[0], "Which?", seed, response_format=wanted) | {"max_tokens": 60}
            value = json.loads(ask(server.url, "POST", CHAT, body)[1]["choices"][0]["message"]["content"])
            assert set(value) == {"colour", "count"} and value["colour"] in ("red", "blue")
        body = asked(names[0], "Any?", 1, response_format={"type": "json_object"}) | {"max_tokens": 60}
        said = ask(server.url, "POST", CHAT, body)[1]["choices"][0]["message"]["content"]
        assert isinstance(json.loads(said), dict)
        status, refused, _ = ask(server.url, "POST", CHAT, asked(names[0], "a", 0, response_format=bad))
        assert (status, refused["error"]["code"]) == (400, "V131")
