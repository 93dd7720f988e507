"""A model that answers in words, made up for serving tests: what it says is a function of prompt and wish."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tunesmith.approaches._speakers import Add, Informed
from tunesmith.fields import Record
from tunesmith.model import Model
from tunesmith.parts import Answer, Codec, Piece, Prompt, Speaker, Wish
from tunesmith.recipe.sections import Data, Part, Recipe, Serve
from tunesmith.store import files
from tunesmith.tasks.chat import Chat

WORDS = ("red ", "green ", "blue ", "sun ", "moon ", "größe ", "yes ", "no ")
ASKED = tuple(f"What about number {n}? <b>ÄÖ</b>" for n in range(4))


class Parrot(Speaker):
    """Says words chosen by a hash.

    A prompt with 'say:' is answered by what follows the last of these, a letter at a time; 'poison' is an error;
    'endless' never ends by itself.  Waits before each piece while `gate` is closed.
    """

    def __init__(self, voice: str = "") -> None:
        self.voice, self.open, self.written = voice, 0, 0
        self.gate = threading.Event()
        self.gate.set()
        self.shift = 0.0

    def outputs(self, records: Sequence[Record]) -> list[list[Answer]]:
        wish = Wish(max_tokens=8)
        return [[self._answer(Chat().prompt(record) or "", wish)] for record in records]

    def _answer(self, prompt: Prompt, wish: Wish) -> Answer:
        pieces = list(self.stream(prompt, wish))
        text, logprob = "".join(p.text for p in pieces), sum(p.logprob for p in pieces)
        return Answer(text, len(pieces), pieces[-1].end == "stop", logprob)

    def stream(self, prompt: Prompt, wish: Wish) -> Iterator[Piece]:
        said = text_of(prompt)
        if "poison" in said:
            raise RuntimeError("the secret of the poisoned prompt")
        self.open += 1
        try:
            yield from self._pieces(said, wish)
        finally:
            self.open -= 1

    def _pieces(self, said: str, wish: Wish) -> Iterator[Piece]:
        parts = list(said.rpartition("say:")[2]) if "say:" in said else self._words(said, wish)
        most = wish.max_tokens
        for number, part in enumerate(parts[:most]):
            if not self.gate.wait(20):
                raise TimeoutError("the gate stayed closed")
            self.written += 1
            last = number == min(most, len(parts)) - 1
            end = "" if not last else "stop" if len(parts) <= most else "length"
            if any(stop in part for stop in wish.stop):
                yield Piece(part.partition(wish.stop[0])[0], number, -0.25, (), "stop")
                return
            rivals = tuple((word, -1.0 - at) for at, word in enumerate(WORDS[: wish.alternatives]))
            yield Piece(part, number, -0.5 + self.shift, rivals, end)

    def _words(self, said: str, wish: Wish) -> list[str]:
        seed = wish.seed if wish.temperature else 0
        digest = hashlib.sha256(f"{self.voice}|{seed}|{said}".encode()).digest()
        count = 100_000 if "endless" in said else 3 + digest[0] % 10
        return [WORDS[digest[at % 32] % len(WORDS)] for at in range(count)]

    def length(self, prompt: Prompt, wish: Wish) -> int:
        return len(text_of(prompt).split())


def text_of(prompt: Prompt) -> str:
    """A prompt as one text."""
    return prompt if isinstance(prompt, str) else "\n".join(f"{t['role']}: {t['content']}" for t in prompt)


def make_speaker(
    folder: Path, *, name: str = "helper@1", voice: str = "", add: Add | None = None, **serve: Any
) -> tuple[Model, Parrot]:
    """A model whose golden rows are written as a bundle writes them.  add: what it is told beside the question."""
    parrot = Parrot(voice)
    speaker = Informed(parrot, add, folder) if add else parrot
    recipe = Recipe(
        task=Part(name="chat"),
        data=Data(source="chats.jsonl"),
        approach=Part(name="prompt"),
        serve=Serve(**serve),
    )
    codec = Codec({"window": 64, "answer_tokens": 8, "frame": "chat"})
    digest = hashlib.sha256(name.encode()).hexdigest()
    model = Model(Chat(), codec, speaker, recipe, name, folder, digest)
    turns = [[{"role": "user", "content": each}, {"role": "assistant", "content": "…"}] for each in ASKED]
    records = [Record({"messages": each}) for each in turns]
    rows = [
        {"fields": dict(r.fields), **a.to_json()}
        for r, a in zip(records, model.predict(records), strict=True)
    ]
    files.write_json(folder / "golden.json", {"rows": rows})
    return model, parrot


def said_by(parrot: Parrot, content: str, **wish: Any) -> str:
    """What the model says to one question, asked without a server."""
    prompt = [{"role": "user", "content": content}]
    return "".join(piece.text for piece in parrot.stream(prompt, Wish(**wish)))


def events(text: str) -> list[Any]:
    """The objects of a stream of server-sent events; its end is 'DONE'."""
    lines = [line for line in text.split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    return ["DONE" if line == "data: [DONE]" else json.loads(line[6:]) for line in lines]
