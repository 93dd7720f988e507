"""Which of two answers is the better one: a reward model, learnt from pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field as Knob

from tunesmith import catalog, doors
from tunesmith.bases import Base
from tunesmith.data.contents.preference import Preference as Content
from tunesmith.events import Event
from tunesmith.fields import Record, row_key
from tunesmith.inputs import chat, speaking
from tunesmith.outcomes import Prediction, Predictions, calibrated, predictions_of
from tunesmith.parts import (
    Batch,
    Codec,
    Draw,
    Example,
    Net,
    NeuralTask,
    Output,
    Profile,
    Tensor,
    Tokens,
)
from tunesmith.tasks import _language, _samples

LABELS = ("first", "second")
_CONTENT = Content()


class Reward(NeuralTask):
    """A Bradley-Terry model (Bradley & Terry 1952; Ouyang et al. 2022, arXiv 2203.02155): the odds that an answer is
    the better one are the exponent of the difference of rewards.

    Of each pair one answer stands first, by the row's key alone, and the model says which is better; guessing is right
    half of the time.  A conversation without a rejected answer is scored against a reward of zero, to which `centre`
    draws the mean of each pair: its probability of 'first' is that of being better than an ordinary answer.
    """

    content: ClassVar = "preference"
    fields: ClassVar = Content.fields
    metrics: ClassVar = ("accuracy", "log_loss", "ece")
    predicts: ClassVar = "label"
    usual: ClassVar[bool] = False
    decoder: ClassVar[bool | None] = True
    early: ClassVar = ("accuracy", "log_loss")
    evidence: ClassVar[frozenset[str]] = frozenset({"template"})
    advice: ClassVar[Mapping[str, Any]] = {**_language.ADVICE, "train.epochs": 1.0}

    max_length: int = Knob(
        0, ge=0, description="tokens of a conversation that are seen; 0: the base's window"
    )
    truncation: Literal["left", "right"] = Knob(
        "left", description="where a longer conversation is cut: at its start or its end"
    )
    centre: float = Knob(
        0.01, ge=0, description="pull of each pair's mean reward towards zero (Eisenstein et al. 2023)"
    )

    def codec(self, base: Base | None, profile: Profile) -> Codec:
        settings, files = chat.about(base) if base else ({"window": 0}, {})
        return Codec({**settings, **self._own(settings["window"])}, files)

    def tiny_codec(self, profile: Profile) -> Codec:
        spoken: _language.LanguageTask = catalog.part("task", "chat")()
        known = spoken.tiny_codec(profile)
        return Codec({**known.settings, **self._own(known.settings["window"])}, known.files)

    def _own(self, window: int) -> dict[str, Any]:
        shortest = min(filter(None, (window, self.max_length)), default=0)
        judged = {"labels": list(LABELS), "temperature": 1.0, "threshold": 0.0, "balance": "none"}
        return {**judged, "frame": "chat", "truncation": self.truncation, "window": shortest}

    def text(self, record: Record) -> str:
        return _CONTENT.text(record)

    def target(self, record: Record) -> str | None:
        """Where the chosen answer stands; None where there is nothing to compare it with."""
        return LABELS[_place(record)] if record.fields.get("rejected") else None

    def encode(self, record: Record, codec: Codec, draw: Draw | None) -> list[Example]:
        """Both conversations in one example, the chosen one first; only one where there is no rejected answer."""
        sides = [record.fields.get(name) or () for name in ("chosen", "rejected")]
        talks = [_tokens(record, said, codec) for said in sides if said or not any(sides)]
        longest = max((len(talk.ids) for talk in talks), default=0)
        known = {"talks": [list(talk.ids) for talk in talks], "flip": bool(_place(record))}
        return [Example(record.key, known, max(1, longest) * len(talks))] if talks else []

    def decode(self, record: Record, outputs: Sequence[Output], codec: Codec) -> Prediction:
        known = codec.settings
        return calibrated(outputs[0], LABELS, temperature=known["temperature"], threshold=known["threshold"])

    def outcomes(
        self, records: Sequence[Record], decoded: Sequence[Any], groups: Sequence[str | int]
    ) -> Predictions:
        truths = [self.target(record) for record in records]
        return predictions_of(decoded, truths, [record.key for record in records], groups)

    def measured(self, rows: Sequence[Record]) -> list[Record]:
        return list(rows)

    def samples(self) -> list[Record]:
        return _language.records(_samples.preferences())

    def build(self, base: Base, codec: Codec) -> Net:
        from tunesmith.nn.decoder import reward_structure

        return reward_structure(base.config)

    def tiny(self, codec: Codec) -> Net:
        from tunesmith.nn.decoder import reward_tiny

        return reward_tiny(speaking.vocabulary(codec))

    def collate(self, examples: Sequence[Example], codec: Codec) -> Batch:
        """ids, mask [R, T], a conversation each; chosen, rejected [B] their rows, −1 where there is none; flip [B]:
        whether the chosen answer stands second."""
        torch = doors.open("torch")
        talks = [talk for example in examples for talk in example.values["talks"]]
        shape = (len(talks), max(1, *(len(talk) for talk in talks), 1))
        ids, mask = np.full(shape, codec.settings["pad_id"], np.int64), np.zeros(shape, np.int64)
        for row, talk in enumerate(talks):
            ids[row, : len(talk)], mask[row, : len(talk)] = talk, 1
        ends = np.cumsum([len(example.values["talks"]) for example in examples])
        paired = np.array([len(example.values["talks"]) == 2 for example in examples])
        places = {"chosen": ends - 1 - paired, "rejected": np.where(paired, ends - 1, -1)}
        flip = np.array([example.values["flip"] for example in examples], bool)
        tensors = {"ids": ids, "mask": mask, **places, "flip": flip}
        return Batch(
            {name: torch.from_numpy(np.ascontiguousarray(each)) for name, each in tensors.items()},
            tuple(example.row for example in examples),
            {"pair": float(paired.sum())},
        )

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        from tunesmith.nn.preference_losses import bradley_terry_sum

        pairs = _rewards(net, batch)[batch.tensors["rejected"] >= 0]
        return {"pair": bradley_terry_sum(pairs) + self.centre * pairs.mean(1).square().sum()}

    def predict(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        """Rewards float32 [2] in the order of the labels."""
        pairs = _rewards(net, batch)
        flipped = doors.open("torch").where(batch.tensors["flip"][:, None], pairs.flip(1), pairs)
        return list(flipped.float().cpu().numpy())

    def reply(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        return self.predict(net, batch, codec)

    def survey(self, rows: Iterable[Sequence[Example]], codec: Codec) -> Iterator[Event]:
        yield from ()

    def embed(self, net: Net, batch: Batch, codec: Codec) -> list[np.ndarray]:
        """The state of the chosen conversation's last token."""
        ids, mask = batch.tensors["ids"], batch.tensors["mask"]
        torch, last = doors.open("torch"), mask.sum(1).clamp(min=1) - 1
        states = net.hidden(ids, mask)[torch.arange(len(ids)), last]
        return list(states[batch.tensors["chosen"]].float().cpu().numpy())


def _place(record: Record) -> int:
    """0 where the chosen answer stands first, 1 where it stands second: a function of the row's content."""
    if not record.fields.get("rejected"):
        return 0
    return int((record.key or row_key(record.fields))[-1], 16) % 2


def _tokens(record: Record, said: Sequence[Mapping[str, Any]], codec: Codec) -> Tokens:
    turns = [*(record.fields.get("prompt") or ()), *said]
    policy = {"truncation": codec.settings["truncation"], "window": codec.settings["window"]}
    found = chat.tokens(chat.template(codec), turns, tools=record.fields.get("tools"), **policy)
    return found[0] if found else Tokens((), ())


def _rewards(net: Net, batch: Batch) -> Tensor:
    """[B, 2]: of the chosen and of the rejected answer; 0 where there is no rejected one."""
    torch, tensors = doors.open("torch"), batch.tensors
    rewards = net(tensors["ids"], tensors["mask"])
    rejected = torch.where(tensors["rejected"] >= 0, rewards[tensors["rejected"]], 0.0)
    return torch.stack([rewards[tensors["chosen"]], rejected], dim=1)
