"""/v1/chat/completions and /v1/completions over real sockets: shapes, streams, refusals, callers that leave."""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from serving import ask
from serving import make_model as make_labels
from talking import ASKED, events, make_speaker, said_by
from tunesmith.errors import IntegrityError
from tunesmith.http.server import Server
from tunesmith.serve import shapes
from tunesmith.serve.parity import prove
from tunesmith.store import files

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(url, model, parrot) of one server that most tests share; they leave it as they found it."""
    model, parrot = make_speaker(tmp_path_factory.mktemp("bundle"), max_batch=4, max_queue=8)
    with Server(model, port=0) as server:
        yield server.url, model, parrot


def user(content, **more):
    return {"messages": [{"role": "user", "content": content}], **more}


def assert_error(answer, status, code, param=None):
    found, body, _ = answer
    assert (found, body["error"]["code"]) == (status, code), body
    shapes.ErrorResponse.model_validate(body)
    if param:
        assert body["error"]["param"].startswith(param)


def until(true, seconds=5.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_an_answer_has_the_shape_of_openai(served):
    url, model, parrot = served
    status, body, headers = ask(url, "POST", CHAT, user("Where is the sun?", model="helper@1"))
    assert status == 200
    text = said_by(parrot, "Where is the sun?")
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert (body["object"], body["model"]) == ("chat.completion", "helper@1")
    assert body["id"] == f"chatcmpl-{headers['x-request-id']}"
    assert body["system_fingerprint"] == f"fp_{model.digest[:12]}"
    assert abs(body["created"] - time.time()) < 60
    words = len(text.split())
    assert body["usage"] == {"prompt_tokens": 5, "completion_tokens": words, "total_tokens": 5 + words}
    assert headers["x-tunesmith-model"] == f"helper@1; digest={model.digest}"


def test_a_stream_says_what_the_whole_answer_says(served):
    url, *_ = served
    asked = user("Tell me, größer?", seed=4, temperature=1, n=3)
    whole = ask(url, "POST", CHAT, asked)[1]
    status, text, headers = ask(url, "POST", CHAT, {**asked, "stream": True})
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    *found, last = events(text)
    assert last == "DONE"
    said, ends = ["", "", ""], ["", "", ""]
    for event in found:
        assert event["object"] == "chat.completion.chunk"
        assert "usage" not in event
        for choice in event["choices"]:
            said[choice["index"]] += choice["delta"].get("content", "")
            ends[choice["index"]] += choice["finish_reason"] or ""
    assert said == [choice["message"]["content"] for choice in whole["choices"]]
    assert ends == ["stop"] * 3
    assert len(set(said)) > 1  # each choice has a seed of its own


def test_a_stream_tells_usage_where_it_is_wanted(served):
    url, *_ = served
    asked = user("Tell me", stream=True, stream_options={"include_usage": True}, max_tokens=2)
    *found, last, _ = events(ask(url, "POST", CHAT, asked)[1])
    assert all(event["usage"] is None for event in found)
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert [c["finish_reason"] for event in found for c in event["choices"]][-1] == "length"


def test_log_probabilities_of_a_conversation(served):
    url, *_ = served
    asked = user("say:aä", logprobs=True, top_logprobs=2)
    whole = ask(url, "POST", CHAT, asked)[1]["choices"][0]["logprobs"]["content"]
    assert [(each["token"], each["logprob"], each["bytes"]) for each in whole] == [
        ("a", -0.5, [97]),
        ("ä", -0.5, list("ä".encode())),
    ]
    assert [each["token"] for each in whole[0]["top_logprobs"]] == ["red ", "green "]
    found = events(ask(url, "POST", CHAT, {**asked, "stream": True})[1])[:-1]
    streamed = [c["logprobs"]["content"] for e in found for c in e["choices"] if c["logprobs"]]
    assert [token for part in streamed for token in part] == whole


def test_texts_are_gone_on_from(served):
    url, *_ = served
    status, body, _ = ask(url, "POST", TEXT, {"prompt": ["say:abc", "say:xy"], "n": 2, "logprobs": 1})
    assert status == 200
    assert [choice["text"] for choice in body["choices"]] == ["abc", "abc", "xy", "xy"]
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2, 3]
    assert body["choices"][0]["logprobs"] == {
        "tokens": ["a", "b", "c"],
        "token_logprobs": [-0.5, -0.5, -0.5],
        "top_logprobs": [{"red ": -1.0}] * 3,
        "text_offset": [0, 1, 2],
    }
    assert body["usage"]["completion_tokens"] == 10
    found = events(ask(url, "POST", TEXT, {"prompt": "say:abc", "stream": True})[1])[:-1]
    assert "".join(event["choices"][0]["text"] for event in found) == "abc"
    assert found[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("stop", ["c", ["x", "c"]])
def test_a_stop_text_ends_the_answer(served, stop):
    choice = ask(served[0], "POST", CHAT, user("say:abcde", stop=stop))[1]["choices"][0]
    assert choice["message"]["content"].startswith("ab")
    assert "c" not in choice["message"]["content"] or isinstance(stop, list)
    assert choice["finish_reason"] == "stop"


def test_parts_of_a_message_and_keys_that_clients_send_back(served):
    url, *_ = served
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    before = {"role": "assistant", "content": None, "refusal": None, "annotations": [], "audio": None}
    turns = [{"role": "user", "content": parts}, before, {"role": "user", "content": "say:yes"}]
    assert ask(url, "POST", CHAT, {"messages": turns})[1]["choices"][0]["message"]["content"] == "yes"


TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]
CALL = '<tool_call>\n{"name": "look_up", "arguments": {"city": "Ulm"}}\n</tool_call>'


@pytest.mark.parametrize(
    "said", [CALL, '{"name": "look_up", "parameters": {"city": "Ulm"}}', f"Wait. {CALL}"]
)
def test_calls_of_declared_tools_are_told_as_such(served, said):
    url, *_ = served
    asked = user(f"say:{said}", tools=TOOLS, max_tokens=200)
    choice = ask(url, "POST", CHAT, asked)[1]["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == ("Wait." if said.startswith("Wait") else None)
    call = choice["message"]["tool_calls"][0]
    assert (call["type"], call["function"]["name"]) == ("function", "look_up")
    assert json.loads(call["function"]["arguments"]) == {"city": "Ulm"}
    found = [
        c for e in events(ask(url, "POST", CHAT, {**asked, "stream": True})[1])[:-1] for c in e["choices"]
    ]
    assert "".join(c["delta"].get("content", "") for c in found).strip() == (
        choice["message"]["content"] or ""
    )
    assert [c["delta"]["tool_calls"] for c in found if "tool_calls" in c["delta"]] == [[{"index": 0, **call}]]
    assert found[-1]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("said", "more"),
    [
        (CALL, {"tools": TOOLS, "tool_choice": "none"}),
        (CALL, {}),
        (CALL.replace("look_up", "other"), {"tools": TOOLS}),
        ('{"name": "look_up", ', {"tools": TOOLS}),
        ("a < b <tool", {"tools": TOOLS}),
    ],
)
def test_what_is_no_call_stays_text(served, said, more):
    url, *_ = served
    asked = user(f"say:{said}", max_tokens=200, **more)
    choice = ask(url, "POST", CHAT, asked)[1]["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (said, "stop")
    found = [
        c for e in events(ask(url, "POST", CHAT, {**asked, "stream": True})[1])[:-1] for c in e["choices"]
    ]
    assert "".join(c["delta"].get("content", "") for c in found) == said


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "param"),
    [
        (CHAT, {}, 400, "V102", "messages"),
        (CHAT, {"messages": []}, 400, "V102", "messages"),
        (CHAT, {"messages": [{"role": "wizard", "content": "a"}]}, 400, "V102", "messages.0.role"),
        (CHAT, user([{"type": "image_url", "image_url": {"url": "x"}}]), 400, "V102", "messages.0"),
        (CHAT, user("a", model="other"), 404, "V107", "model"),
        (CHAT, user("a", temperature=3), 400, "V102", "temperature"),
        (CHAT, user("a", temperature="1"), 400, "V102", "temperature"),
        (CHAT, user("a", top_p=0), 400, "V102", "top_p"),
        (CHAT, user("a", n=0), 400, "V102", "n"),
        (CHAT, user("a", n=1000), 400, "V102", "n"),
        (CHAT, user("a", max_tokens=0), 400, "V102", "max_tokens"),
        (CHAT, user("a", max_tokens=1, max_completion_tokens=2), 400, "V102", "max_tokens"),
        (CHAT, user("a", top_logprobs=2), 400, "V102", "top_logprobs"),
        (CHAT, user("a", stream_options={}), 400, "V102", "stream_options"),
        (CHAT, user("a", stop=[""]), 400, "V102", "stop"),
        (CHAT, user("a", stop=["a"] * 17), 400, "V102", "stop"),
        (CHAT, user("a", frequency_penalty=0.5), 400, "V102", "frequency_penalty"),
        (CHAT, user("a", logit_bias={"1": 5}), 400, "V102", "logit_bias"),
        (CHAT, user("a", tool_choice="required"), 400, "V102", "tool_choice"),
        (CHAT, user("a", tools=[{"type": "function"}]), 400, "V102", "tools"),
        (CHAT, user("a", response_format={"type": "json_schema"}), 400, "V102", "response_format"),
        (CHAT, user("a", response_format={"type": "yaml"}), 400, "V102", "response_format"),
        (CHAT, user("a", best_of=3), 400, "V102", "best_of"),
        (CHAT, user("a" * 100_001), 413, "V105", "messages"),
        (TEXT, {"prompt": []}, 400, "V102", "prompt"),
        (TEXT, {"prompt": [1, 2]}, 400, "V102", "prompt"),
        (TEXT, {"prompt": "a", "echo": True}, 400, "V102", "echo"),
        (TEXT, {"prompt": ["a"] * 100, "n": 2}, 413, "V104", "n"),
        (TEXT, {"prompt": "poison"}, 500, "V116", None),
        (TEXT, {"prompt": "poison", "stream": True}, 500, "V116", None),
        ("/v1/classify", {"input": "a"}, 404, "V108", None),
    ],
)
def test_refusals_name_the_place(served, path, body, status, code, param):
    assert_error(ask(served[0], "POST", path, body), status, code, param)


def test_values_that_change_nothing_are_taken(served):
    neutral = {"presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "modalities": ["text"]}
    ignored = {"user": "me", "metadata": {"a": "b"}, "store": False, "parallel_tool_calls": True}
    nothing = {"stop": None, "seed": None, "tools": [], "response_format": {"type": "text"}, "functions": []}
    assert ask(served[0], "POST", CHAT, user("a", **neutral, **ignored, **nothing))[0] == 200


def test_the_secret_of_a_failure_stays_in_the_log(served, caplog):
    body = ask(served[0], "POST", CHAT, user("poison"))[1]
    assert "secret" not in json.dumps(body)


def test_a_caller_that_leaves_ends_the_work(served):
    url, _, parrot = served
    for streams in (True, False):
        before = parrot.open
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
        asked = user("endless", max_tokens=90_000, stream=streams)
        connection.request("POST", CHAT, json.dumps(asked), {"content-type": "application/json"})
        if streams:
            connection.getresponse().read(100)
        until(lambda: parrot.open > before)  # noqa: B023
        connection.close()
        until(lambda: parrot.open == before)  # noqa: B023
        written = parrot.written
        time.sleep(0.05)
        assert parrot.written == written


def test_a_full_queue_is_429_and_answers_under_load_are_those_alone(served):
    url, _, parrot = served
    texts = [f"question {n}" for n in range(40)]
    parrot.gate.clear()
    with ThreadPoolExecutor(40) as pool:
        running = [pool.submit(ask, url, "POST", CHAT, user(text)) for text in texts]
        until(lambda: sum(each.done() for each in running) >= 40 - 4 - 8)
        parrot.gate.set()
        answers = [each.result(20) for each in running]
    good = [(text, a[1]) for text, a in zip(texts, answers, strict=True) if a[0] == 200]
    assert 8 <= len(good) <= 12
    for text, body in good:
        assert body["choices"][0]["message"]["content"] == said_by(parrot, text)
    for answer in answers:
        if answer[0] != 200:
            assert_error(answer, 429, "V113")
            assert int(answer[2]["retry-after"]) >= 1


def test_what_takes_too_long_is_refused(tmp_path, monkeypatch):
    from tunesmith.serve.limits import Limits

    model, parrot = make_speaker(tmp_path)
    with Server(model, port=0) as server:
        server._shelf.first.limits = Limits(answer_seconds=0.2)
        parrot.gate.clear()
        assert_error(ask(server.url, "POST", CHAT, user("a")), 504, "V119")
        parrot.gate.set()
        assert ask(server.url, "POST", CHAT, user("a"))[0] == 200


def test_a_stream_that_fails_midway_says_so(tmp_path):
    model, _parrot = make_speaker(tmp_path)
    with Server(model, port=0) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        asked = json.dumps(user("endless", stream=True, max_tokens=90_000))
        connection.request("POST", CHAT, asked, {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read(10)
        server._shelf._scheduler.close(0)
        *_, failure, last = events(answer.read().decode().partition("\n\n")[2])
        assert (failure["error"]["code"], last) == ("V114", "DONE")


def test_a_server_repeats_its_golden_rows_or_does_not_start(tmp_path):
    model, parrot = make_speaker(tmp_path)
    with Server(model, port=0) as server:
        assert prove(server.url, model) == [] == server.prove()
        parrot.shift = 0.01
        assert any("logprob" in line for line in server.prove())
    parrot.shift, parrot.voice = 0.0, "another"
    with pytest.raises(IntegrityError) as wrong:
        Server(model, port=0).start()
    assert wrong.value.code == "V404"
    files.remove(tmp_path / "golden.json")
    with pytest.raises(IntegrityError) as lacking:
        Server(model, port=0).start()
    assert lacking.value.code == "V404"


def test_routes_follow_what_the_models_predict(tmp_path):
    text, _ = make_speaker(files.make_folder(tmp_path / "text"))
    label, _ = make_labels(files.make_folder(tmp_path / "label"))
    with Server([text, label], port=0) as server:
        url = server.url
        assert [each["id"] for each in ask(url, "GET", "/v1/models")[1]["data"]] == ["helper@1", "tickets@3"]
        assert ask(url, "POST", CHAT, user("a"))[0] == 200
        status, _, headers = ask(url, "POST", "/v1/classify", {"model": "tickets", "input": "a"})
        assert (status, headers["x-tunesmith-model"]) == (200, f"tickets@3; digest={label.digest}")
        assert_error(ask(url, "POST", "/v1/classify", {"input": "a"}), 400, "V102", "model")
        assert_error(ask(url, "POST", CHAT, user("a", model="tickets")), 400, "V102", "model")
        page = ask(url, "GET", "/docs")[1]
        assert "/v1/chat/completions" in page and "/v1/classify" in page
        assert server.prove() == []
    with Server(label, port=0) as server:
        assert_error(ask(server.url, "POST", CHAT, user("a")), 404, "V108")


def test_docs_show_this_model_and_nothing_is_executed(served):
    url, *_ = served
    page = ask(url, "GET", "/docs")[1]
    assert "number 0? &lt;b&gt;" in page
    assert "<b>" not in page
    assert "from openai import OpenAI" in page
    assert f"{url}/v1" in page


def test_openapi_describes_the_routes(served):
    document = ask(served[0], "GET", "/openapi.json")[1]
    assert {CHAT, TEXT} < set(document["paths"])
    assert "/v1/load_lora_adapter" not in document["paths"]
    assert set(document["paths"][CHAT]["post"]["responses"]) >= {"200", "400", "404", "429", "503"}


def test_tokens_are_counted(served):
    url, *_ = served
    before = ask(url, "GET", "/metrics")[1]
    ask(url, "POST", CHAT, user("say:abc"))
    after = ask(url, "GET", "/metrics")[1]

    def value(text, name):
        return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))

    for name, more in (("tunesmith_completion_tokens_total", 3), ("tunesmith_prompt_tokens_total", 2)):
        assert value(after, name) - value(before, name) == more


# ---- hostile bodies ----

json_values = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**70), 2**70) | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KEYS = (
    *(
        "model",
        "messages",
        "prompt",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "seed",
    ),
    *("n", "stream", "stream_options", "logprobs", "top_logprobs", "response_format", "tools", "tool_choice"),
    *("presence_penalty", "logit_bias", "user", "metadata", "functions", "echo", "suffix", "best_of", "odd"),
)
sound = some.fixed_dictionaries(
    {},
    optional={
        "max_tokens": some.integers(-1, 9),
        "temperature": some.floats(0, 2),
        "top_p": some.floats(0, 1),
        "seed": some.integers(-(2**64), 2**64),
        "n": some.integers(0, 4),
        "stop": some.text(max_size=3) | some.lists(some.text(max_size=3), max_size=3),
        "stream": some.booleans(),
        "logprobs": some.booleans() | some.integers(0, 5),
        "response_format": some.fixed_dictionaries({"type": some.sampled_from(["text", "json_object"])}),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=some.sampled_from([CHAT, TEXT]),
    odd=some.dictionaries(some.sampled_from(KEYS), json_values, max_size=4),
    good=sound,
    said=some.text(max_size=20).filter(lambda text: "poison" not in text and "endless" not in text),
)
def test_no_body_is_a_failure_of_the_server(served, path, odd, good, said):
    body = {"messages": [{"role": "user", "content": said}], "prompt": said} | good | odd
    body.pop("prompt" if path == CHAT else "messages")
    status, answer, _ = ask(served[0], "POST", path, body)
    assert status in {200, 400, 404, 413}, (body, answer)
    if status != 200:
        shapes.ErrorResponse.model_validate(answer)
    elif body.get("stream"):
        assert events(answer)[-1] == "DONE"
    else:
        assert answer["choices"]


def test_golden_questions_are_not_sent_with_their_answers():
    assert all("…" not in each for each in ASKED)
