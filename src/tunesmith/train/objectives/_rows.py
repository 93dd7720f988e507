"""Prompts and judged answers as tokens: cut to the window so that every answer to a prompt sees the same prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.errors import UsageError
from tunesmith.fields import Record
from tunesmith.inputs import chat
from tunesmith.parts import Codec, Job, Task, Tokens
from tunesmith.tasks._language import LanguageTask

Turns = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as tokens.  weights: 1 for what is learnt, 0 for what is only read."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]

    @property
    def size(self) -> float:
        """How many of its tokens count."""
        return sum(self.weights)


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt with its answers.  cut: tokens of the prompt or of answers that the window left out."""

    prompt: tuple[int, ...]
    answers: tuple[Said, ...]
    cut: int = 0


def serves(task: Task) -> bool:
    """Whether a task's network can be asked how likely an answer in a conversation is."""
    return isinstance(task, LanguageTask) and task.content == "chat"


def shown(record: Record, turns: Turns) -> Record:
    """The row as a conversation."""
    tools = record.fields.get("tools")
    own = {"messages": list(turns), **({"tools": tools} if tools else {})}
    context = {name: record.fields[name] for name in ("group", "origin") if name in record.fields}
    return Record({**own, **context}, record.place, record.key)


def require_whole(job: Job) -> None:
    """Answers to one prompt are compared whole.  Raises UsageError C150 where rows are to be divided."""
    if job.codec.settings.get("truncation") == "split":
        raise UsageError(
            "C150",
            f"the objective '{job.recipe.objective.name}' can't divide rows into windows",
            expected="task.truncation left (cut the prompt's start), right (cut the answers' end) or drop",
            fixes=("--set task.truncation=left",),
            where="task.truncation",
        )


def asked(
    task: LanguageTask, codec: Codec, prompt: Turns, answers: Sequence[Turns], tools: Any
) -> Asked | None:
    """The prompt and its answers as tokens that fit the window; None where there is no room, or nothing to learn.

    Each answer is written in the conversation, as the model will see it, and what all have in common is the prompt.
    """
    whole = codec.with_settings(window=0)
    quiet = [{**turn, "weight": 0} for turn in prompt]
    talks = [task.windows(_talk([*quiet, *answer], tools), whole) for answer in answers]
    if any(len(windows) != 1 for windows in talks):
        return None
    divided = _divided([windows[0] for windows in talks])
    if divided is None or not all(said.size for said in divided.answers):
        return None
    return _fitted(divided, codec)


def _talk(turns: Turns, tools: Any) -> Record:
    return Record({"messages": list(turns), **({"tools": tools} if tools else {})})


def _divided(talks: Sequence[Tokens]) -> Asked | None:
    """What comes before the first token that differs or is learnt is the prompt; it has one token at least."""
    from tunesmith.nn import shared_prompt

    length = shared_prompt.common([talk.ids for talk in talks], [talk.weights for talk in talks])
    if not length:
        return None
    rests = [Said(tuple(talk.ids[length:]), tuple(talk.weights[length:])) for talk in talks]
    return Asked(tuple(talks[0].ids[:length]), tuple(rests))


def _fitted(row: Asked, codec: Codec) -> Asked | None:
    """The row within the window by the codec's policy; the token that begins a text stays in front."""
    window, policy = codec.settings["window"], codec.settings["truncation"]
    longest = max(len(said.ids) for said in row.answers)
    over = len(row.prompt) + longest - window
    if not window or over <= 0:
        return row
    if policy == "drop":
        return None
    if policy == "right":
        return _cut_answers(row, window - len(row.prompt))
    head = row.prompt[:1] if row.prompt[0] == _opening(codec) else ()
    room = window - longest - len(head)
    if room < 1:
        return None
    return Asked(head + row.prompt[len(row.prompt) - room :], row.answers, len(row.prompt) - room - len(head))


def _cut_answers(row: Asked, room: int) -> Asked | None:
    kept = tuple(Said(said.ids[: max(0, room)], said.weights[: max(0, room)]) for said in row.answers)
    cut = sum(len(said.ids) for said in row.answers) - sum(len(said.ids) for said in kept)
    return Asked(row.prompt, kept, cut) if all(said.size for said in kept) else None


def _opening(codec: Codec) -> int | None:
    """The token that begins every text, where there is one."""
    template = chat.template(codec)
    word = template.words.get("bos_token", "")
    ids = template.encode(word)[0] if word and template.encode else ()
    return ids[0] if len(ids) == 1 else None
