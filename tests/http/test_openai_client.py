"""The official `openai` client against the server, as anyone would use it: nothing in it is told of tunesmith."""

from __future__ import annotations

import asyncio

import pytest

from talking import make_speaker, said_by
from tunesmith.http.server import Server

openai = pytest.importorskip("openai", reason="the client is absent: pip install openai")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(client, parrot, server)"""
    model, parrot = make_speaker(tmp_path_factory.mktemp("bundle"), max_batch=2, max_queue=2)
    with Server(model, port=0) as server:
        yield openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0), parrot, server


def user(content):
    return [{"role": "user", "content": content}]


def test_chat(served):
    client, parrot, _ = served
    answer = client.chat.completions.create(model="helper@1", messages=user("How are you?"))
    assert answer.choices[0].message.content == said_by(parrot, "How are you?")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.system_fingerprint.startswith("fp_")


def test_chat_as_a_stream(served):
    client, parrot, _ = served
    stream = client.chat.completions.create(
        model="helper", messages=user("How?"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == said_by(parrot, "How?")
    assert chunks[-1].usage.completion_tokens == len(said.split())
    assert chunks[0].choices[0].delta.role == "assistant"


def _with_passages(turns):
    """What a model that looks passages up is told: none where nobody asks."""
    if "page" not in turns[-1]["content"]:
        return turns, ()
    return [{"role": "system", "content": "Page two: tyres."}, *turns], ("manual.md:2", "tyres.txt:1")


def test_sources_come_with_a_whole_answer_and_with_the_end_of_a_stream(tmp_path):
    model, _ = make_speaker(tmp_path, add=_with_passages)
    sources = ["manual.md:2", "tyres.txt:1"]
    with Server(model, port=0) as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)

        def ask(content, **more):
            return client.chat.completions.create(model="helper", messages=user(content), **more)

        whole, chunks = ask("Which page?"), list(ask("Which page?", stream=True))
        said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert said == whole.choices[0].message.content
        assert whole.choices[0].sources == chunks[-1].choices[0].sources == sources
        assert chunks[-1].choices[0].finish_reason == "stop"
        assert not any("sources" in (chunk.choices[0].model_extra or {}) for chunk in chunks[:-1])
        assert "sources" not in (ask("Which?").choices[0].model_extra or {})
        texts = list(client.completions.create(model="helper", prompt="page", stream=True, n=2))
        ends = [each.choices[0] for each in texts if each.choices[0].finish_reason]
        assert [each.sources for each in ends] == [sources, sources]
        with client.chat.completions.stream(model="helper", messages=user("Which page?")) as stream:
            assert stream.get_final_completion().choices[0].message.content == said


def test_the_stream_helper_puts_an_answer_together(served):
    client, parrot, _ = served
    with client.chat.completions.stream(model="helper", messages=user("How?"), logprobs=True) as stream:
        for _ in stream:
            pass
        whole = stream.get_final_completion()
    assert whole.choices[0].message.content == said_by(parrot, "How?")
    assert len(whole.choices[0].logprobs.content) == len(said_by(parrot, "How?").split())


def test_every_setting_that_counts(served):
    client, *_ = served
    answer = client.chat.completions.create(
        model="helper",
        messages=[{"role": "system", "content": "Be brief."}, *user("Which?")],
        n=2,
        seed=11,
        temperature=0.7,
        top_p=0.9,
        max_completion_tokens=2,
        logprobs=True,
        top_logprobs=3,
        stop=["never"],
        user="me",
    )
    assert [choice.finish_reason for choice in answer.choices] == ["length", "length"]
    assert len(answer.choices[0].logprobs.content[0].top_logprobs) == 3
    again = client.chat.completions.create(
        model="helper",
        messages=[{"role": "system", "content": "Be brief."}, *user("Which?")],
        seed=11,
        temperature=0.7,
        max_tokens=2,
    )
    assert again.choices[0].message.content == answer.choices[0].message.content


def test_tools(served):
    client, *_ = served
    tools = [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}]
    said = '<tool_call>{"name": "find", "arguments": {"what": "sun"}}</tool_call>'
    asked = {"model": "helper", "messages": user(f"say:{said}"), "tools": tools, "max_tokens": 200}
    answer = client.chat.completions.create(**asked).choices[0]
    assert answer.finish_reason == "tool_calls"
    assert answer.message.tool_calls[0].function.name == "find"
    turns = [
        *asked["messages"],
        answer.message,
        {"role": "tool", "tool_call_id": "call_0_0", "content": "say:hot"},
    ]
    after = client.chat.completions.create(**{**asked, "messages": turns})
    assert after.choices[0].message.content.endswith("hot")
    with client.chat.completions.stream(**asked) as stream:
        assert stream.get_final_completion().choices[0].message.tool_calls[0].function.arguments == (
            answer.message.tool_calls[0].function.arguments
        )


def test_completions(served):
    client, *_ = served
    answer = client.completions.create(model="helper", prompt=["say:ab", "say:c"], logprobs=2, max_tokens=9)
    assert [choice.text for choice in answer.choices] == ["ab", "c"]
    assert answer.choices[0].logprobs.tokens == ["a", "b"]
    stream = client.completions.create(model="helper", prompt="say:abc", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == "abc"


def test_models(served):
    client, *_ = served
    assert [model.id for model in client.models.list()] == ["helper@1"]
    assert client.models.retrieve("helper@1").owned_by == "tunesmith"


def test_an_async_client_runs_many_at_once(served):
    _, parrot, server = served

    async def all_of_them():
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=9) as client:
            asked = (
                client.chat.completions.create(model="helper", messages=user(f"q{n}")) for n in range(12)
            )
            return [answer.choices[0].message.content for answer in await asyncio.gather(*asked)]

    assert asyncio.run(all_of_them()) == [said_by(parrot, f"q{n}") for n in range(12)]


def test_errors_raise_what_the_client_has_for_them(served, tmp_path):
    client, parrot, _ = served
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="nobody", messages=user("a"))
    assert (unknown.value.code, unknown.value.param) == ("V107", "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model="helper", messages=user("a"), temperature=7)
    assert wrong.value.param == "temperature"
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="helper", messages=user("poison"))
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="helper", input="a")
    _full(client, parrot)
    model, _ = make_speaker(tmp_path)
    with Server(model, port=0, token="sesame") as guarded:
        with pytest.raises(openai.AuthenticationError):
            openai.OpenAI(base_url=f"{guarded.url}/v1", api_key="wrong", max_retries=0).models.list()
        assert openai.OpenAI(base_url=f"{guarded.url}/v1", api_key="sesame").models.list().data


def _full(client, parrot):
    from concurrent.futures import ThreadPoolExecutor

    parrot.gate.clear()
    with ThreadPoolExecutor(12) as pool:
        ask = client.chat.completions.create
        running = [pool.submit(ask, model="helper", messages=user(f"{n}")) for n in range(12)]
        while sum(each.done() for each in running) < 12 - 2 - 2:
            pass
        parrot.gate.set()
    refused = [each.exception() for each in running if each.exception()]
    assert refused
    assert all(isinstance(each, openai.RateLimitError) for each in refused)


def test_a_stream_that_is_closed_early_ends_the_work(served):
    import time

    client, parrot, _ = served
    stream = client.chat.completions.create(
        model="helper", messages=user("endless"), stream=True, max_tokens=90_000
    )
    next(iter(stream))
    stream.close()
    end = time.monotonic() + 5
    while parrot.open:
        assert time.monotonic() < end
        time.sleep(0.01)
