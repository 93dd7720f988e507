"""What is streamed is what is answered, whoever else speaks at the time."""

from __future__ import annotations

import pytest

from tunesmith.errors import DataError
from tunesmith.inputs import speaking
from tunesmith.parts import Codec, Piece, Profile, Wish
from tunesmith.tasks.chat import Chat

pytestmark = pytest.mark.neural
PROMPTS = [[{"role": "user", "content": text}] for text in ("Hello", "Where is it?", "größe ✓", "x")]


@pytest.fixture(scope="module")
def spoken():
    """(network, codec)"""
    import tokenizers
    import torch

    from tunesmith.nn.decoder import tiny

    known = Chat().tiny_codec(Profile(0))
    letters = tokenizers.Tokenizer.from_str(known.files["tokenizer.json"].decode())
    letters.decoder = tokenizers.decoders.ByteLevel()
    codec = Codec(known.settings, {"tokenizer.json": letters.to_str().encode()})
    torch.manual_seed(1)
    net = tiny(letters.get_vocab_size())
    for p in net.parameters():
        p.data.normal_(0.0, 0.2)
    return net.eval(), codec


def said(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_stream_says_what_answers_say(spoken, temperature):
    net, codec = spoken
    for prompt in PROMPTS:
        wish = Wish(max_tokens=20, temperature=temperature, seed=5)
        pieces = list(speaking.stream(net, codec, prompt, wish))
        (answer,) = speaking.answers(net, codec, [speaking.asked(codec, prompt, wish)], wish)
        assert said(pieces) == answer.text
        assert len(pieces) == answer.tokens
        assert (pieces[-1].end == "stop") == answer.stopped
        assert sum(piece.logprob for piece in pieces) == answer.logprob
        assert [piece.end for piece in pieces[:-1]] == [""] * (len(pieces) - 1)


def test_streams_in_turns_are_those_alone(spoken):
    net, codec = spoken
    wishes = [Wish(max_tokens=12, temperature=1.0, seed=seed) for seed in range(4)]
    alone = [list(speaking.stream(net, codec, p, w)) for p, w in zip(PROMPTS, wishes, strict=True)]
    going = [speaking.stream(net, codec, p, w) for p, w in zip(PROMPTS, wishes, strict=True)]
    turns: list[list[Piece]] = [[] for _ in going]
    for _ in range(12):
        for heard, stream in zip(turns, going, strict=True):
            heard += [piece for piece in [next(stream, None)] if piece]
    assert turns == alone


def test_a_stop_text_ends_it_and_is_not_told(spoken):
    net, codec = spoken
    whole = said(list(speaking.stream(net, codec, PROMPTS[1], Wish(max_tokens=20))))
    stop = whole[3:5]
    pieces = list(speaking.stream(net, codec, PROMPTS[1], Wish(max_tokens=20, stop=(stop,))))
    assert said(pieces) == whole[: whole.find(stop)]
    assert pieces[-1].end == "stop"


def test_rivals_are_told_as_they_are_written(spoken):
    net, codec = spoken
    (first, *_) = list(speaking.stream(net, codec, PROMPTS[0], Wish(max_tokens=3, alternatives=4)))
    assert len(first.rivals) == 4
    assert first.rivals[0] == (speaking.spelled(codec, first.token), first.logprob)
    assert list(first.rivals) == sorted(first.rivals, key=lambda rival: -rival[1])


def test_nothing_to_go_on_from_is_refused(spoken):
    net, codec = spoken
    bare = codec.with_settings(words={})
    with pytest.raises(DataError) as refused:
        list(speaking.stream(net, bare, "", Wish()))
    assert refused.value.code == "V133"


@pytest.mark.parametrize(("task", "own"), [("language-model", False), ("completion", True), ("chat", False)])
def test_a_text_is_gone_on_from_with_its_blanks(task: str, own: bool) -> None:
    """A completion is taught apart from its prompt, so it is a text of its own; elsewhere both are one text."""
    import torch

    from conftest import shared_folder
    from tunesmith import bases, catalog
    from tunesmith.nn.decoder import tiny

    if (folder := shared_folder()) is None:
        pytest.skip("the shared models are absent: set TUNESMITH_SHARED")
    base = bases.resolve(str(folder / "models" / "stories260k-llama"))
    codec = catalog.part("task", task)().codec(base, Profile(0))
    torch.manual_seed(1)
    net = tiny(speaking.vocabulary(codec)).eval()
    for p in net.parameters():
        p.data.normal_(0.0, 0.2)
    prompt, blanks = "Once upon", 0
    asked = speaking.asked(codec, prompt, Wish())
    for seed in range(40):
        pieces = list(speaking.stream(net, codec, prompt, Wish(max_tokens=2, temperature=1.0, seed=seed)))
        made = [piece.token for piece in pieces if piece.token >= 0]
        whole, rest = speaking.text(codec, [*asked, *made]), speaking.text(codec, made)
        if "\ufffd" in whole:  # bytes that form no letter
            continue
        assert said(pieces) == (rest if own else whole[len(prompt) :])
        blanks += whole[len(prompt) :] != rest
    assert blanks
