"""The chat client: order, patience, refusals, and what it must not do with a key."""

from __future__ import annotations

from dataclasses import replace

import pytest

import chat_endpoint
from tunesmith.endpoints import Endpoint, endpoint
from tunesmith.errors import NetworkError, UsageError


def say(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def echo(messages):
    return messages[-1]["content"].upper()


def quick(url: str) -> Endpoint:
    return replace(endpoint(url, "tiny"), wait=0.01)


def test_answers_come_in_the_order_of_the_questions() -> None:
    with chat_endpoint.serving(echo) as (url, seen):
        answers = quick(url).answers([say(f"number {n}") for n in range(9)], temperature=0.2, seed=40)
    assert answers == [f"NUMBER {n}" for n in range(9)]
    assert {each["path"] for each in seen} == {"/v1/chat/completions"}
    assert sorted(each["seed"] for each in seen) == list(range(40, 49))
    assert {(each["model"], each["temperature"]) for each in seen} == {("tiny", 0.2)}


def test_a_busy_server_is_asked_again() -> None:
    with chat_endpoint.serving(echo, fail=2) as (url, seen):
        assert replace(quick(url), at_once=1).answers([say("hello")]) == ["HELLO"]
    assert len(seen) == 3


@pytest.mark.parametrize("code", [401, 404, 302])
def test_a_refusal_is_told_at_once_and_no_redirection_is_followed(code: int) -> None:
    with chat_endpoint.serving(echo, fail=9, code=code) as (url, seen), pytest.raises(NetworkError) as caught:
        quick(url).answers([say("hello")])
    assert (caught.value.code, caught.value.exit_code, len(seen)) == ("N522", 7, 1)


def test_the_key_comes_from_the_environment_and_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-real-key")
    with chat_endpoint.serving(echo, fail=1, code=401) as (url, seen), pytest.raises(NetworkError) as caught:
        quick(url).answers([say("hello")])
    assert seen[0]["key"] == "Bearer not-a-real-key"
    assert "not-a-real-key" not in f"{caught.value} {caught.value.fixes}"


def test_nobody_there_and_another_shape() -> None:
    with pytest.raises(NetworkError) as caught:
        quick("http://127.0.0.1:9/v1").answers([say("hello")])
    assert caught.value.code == "N521"
    with chat_endpoint.serving(echo, fail=1, code=200) as (url, _), pytest.raises(NetworkError) as caught:
        quick(url).answers([say("hello")])
    assert caught.value.code == "N523"


@pytest.mark.parametrize(
    ("url", "model"), [("", "m"), ("file:///etc/passwd", "m"), ("http://127.0.0.1/v1", "")]
)
def test_an_endpoint_must_be_named(url: str, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UsageError) as caught:
        endpoint(url, model)
    assert caught.value.code == "C130"


def test_offline_asks_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert endpoint("", "m", offline=True).url == "http://127.0.0.1:1/v1"
    with pytest.raises(NetworkError) as caught:
        endpoint("https://example.org/v1", "m", offline=True)
    assert caught.value.code == "N524"
