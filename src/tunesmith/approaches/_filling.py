"""Speakers whose network answers a text at once: hidden places filled, say, in place of a text that goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunesmith.fields import Record, row_key
from tunesmith.inputs import speaking
from tunesmith.parts import Answer, Codec, NeuralTask, Output, Piece, Prompt, Speaker, Task, Wish


class Filling(Speaker):
    """Answers a text by the outputs of the one record that holds it."""

    def __init__(self, inner: Speaker, task: NeuralTask, codec: Codec) -> None:
        self.inner, self._task, self._codec = inner, task, codec
        self.held = inner.held

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        return self.inner.outputs(records)

    def stream(self, prompt: Prompt, wish: Wish) -> Iterator[Piece]:
        """One piece."""
        record = self._record(prompt)
        said = self._task.decode(record, self.outputs([record])[0], self._codec)
        assert isinstance(said, Answer)
        yield Piece(said.text, end="stop")

    def length(self, prompt: Prompt, wish: Wish) -> int:
        found = self._task.encode(self._record(prompt), self._codec, None)
        return sum(example.length for example in found)

    def _record(self, prompt: Prompt) -> Record:
        field = next(field.name for field in self._task.fields if field.role == "input")
        fields = {field: prompt if isinstance(prompt, str) else speaking.lines(prompt)}
        return Record(fields, key=row_key(fields))


def spoken(found: Speaker, task: Task, codec: Codec) -> Speaker:
    """A network as it answers in words, in the way of its task."""
    return Filling(found, task, codec) if isinstance(task, NeuralTask) and task.at_once else found
