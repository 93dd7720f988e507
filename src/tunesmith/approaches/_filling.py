"""Speakers over masked models: the answer to a text is the text with its hidden places filled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunesmith.fields import Record, row_key
from tunesmith.inputs import masking, speaking
from tunesmith.parts import Answer, Codec, Output, Piece, Prompt, Speaker, Task, Wish
from tunesmith.tasks.masked_language_model import MaskedLanguageModel


class Filling(Speaker):
    """Fills what the text hides by the mask token; of a text that hides nothing, places that depend on the text."""

    def __init__(self, inner: Speaker, task: MaskedLanguageModel, codec: Codec) -> None:
        self.inner, self._task, self._codec = inner, task, codec
        self.held = inner.held

    def outputs(self, records: Sequence[Record]) -> list[list[Output]]:
        return self.inner.outputs(records)

    def stream(self, prompt: Prompt, wish: Wish) -> Iterator[Piece]:
        """One piece: a masked model fills all places at once."""
        fields = {"text": _text(prompt)}
        record = Record(fields, key=row_key(fields))
        said: Answer = self._task.decode(record, self.outputs([record])[0], self._codec)
        yield Piece(said.text, end="stop")

    def length(self, prompt: Prompt, wish: Wish) -> int:
        return sum(len(window.ids) for window in masking.windows(self._codec, _text(prompt)))


def _text(prompt: Prompt) -> str:
    return prompt if isinstance(prompt, str) else speaking.lines(prompt)


def spoken(found: Speaker, task: Task, codec: Codec) -> Speaker:
    """A network as it answers in words: a masked one fills places, any other goes on from the text."""
    return Filling(found, task, codec) if isinstance(task, MaskedLanguageModel) else found
