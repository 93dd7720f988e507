"""Plain texts for encoders: the words at hidden places, from what stands on both sides of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from pydantic import Field as Knob

from tunesmith import doors
from tunesmith.bases import Base
from tunesmith.data.contents.document import Document as Content
from tunesmith.errors import UsageError
from tunesmith.events import Event, Found, Note
from tunesmith.fields import Record, row_key
from tunesmith.inputs import chat, learning, masking
from tunesmith.inputs.text import TOKENIZER
from tunesmith.outcomes import Answer, Answers, group_ids
from tunesmith.parts import (
    Batch,
    Codec,
    Draw,
    Example,
    Net,
    NeuralTask,
    Output,
    Profile,
    Prompt,
    Tensor,
)
from tunesmith.tasks import _language, _samples

_CONTENT = Content()
FIXED = 15  # keeps the draw of what is hidden when models are compared apart from that of training
USUAL_WINDOW = 512  # tokens, where neither base nor recipe says


class MaskedLanguageModel(NeuralTask):
    """Hides a share of a text's tokens, other ones in each epoch, and learns what stood there.

    Models are compared at places that depend on the row alone, so base and tuned model are asked the same.
    """

    content: ClassVar = "document"
    fields: ClassVar = Content.fields
    metrics: ClassVar = ("loss", "perplexity", "token_accuracy")
    predicts: ClassVar = "text"
    early: ClassVar = ("loss", "token_accuracy")
    advice: ClassVar[Mapping[str, Any]] = _language.ADVICE
    usual: ClassVar = False
    decoder: ClassVar = False
    at_once: ClassVar = True

    mask: float = Knob(0.15, gt=0, lt=1, description="share of a text's tokens that are hidden")
    whole_words: bool = Knob(False, description="hide all tokens of a word, or none")
    max_length: int = Knob(128, ge=0, description="tokens of a window; 0: the base's window")
    measured_rows: int = Knob(200, ge=0, description="rows on which models are compared; 0: all")

    def codec(self, base: Base | None, profile: Profile) -> Codec:
        settings: dict[str, Any] = {"mask": self.mask, "whole_words": self.whole_words}
        settings |= {"truncation": "split", **self._room(0)}
        if base is None:
            return Codec(settings)
        about, files = chat.about(base)
        settings |= {**about, **self._room(about["window"]), "new_head": not masking.has_head(base.config)}
        settings["mask_id"] = masking.mask_id(files[TOKENIZER], about["words"])
        if settings["mask_id"] is None:
            raise _no_mask(base)
        return Codec(settings, files)

    def _room(self, known: int) -> dict[str, int]:
        """Tokens of a window, and how many places of it may be filled."""
        window = min(filter(None, (known, self.max_length)), default=USUAL_WINDOW)
        return {"window": window, "answer_tokens": window}

    def tiny_codec(self, profile: Profile) -> Codec:
        files = {TOKENIZER: masking.byte_tokenizer()}
        settings = {"pad_id": 0, "new_head": False, "mask_id": masking.mask_id(files[TOKENIZER], {})}
        settings |= self._room(_language.TINY_WINDOW)
        return Codec({**self.codec(None, profile).settings, **settings}, files)

    def text(self, record: Record) -> str:
        return _CONTENT.text(record)

    def target(self, record: Record) -> str | None:
        return None

    def prompt(self, record: Record) -> Prompt | None:
        """Rows ask for no answer of their own."""
        return None

    def encode(self, record: Record, codec: Codec, draw: Draw | None) -> list[Example]:
        """One example a window.  A text that has hidden places itself is asked about these."""
        text = self.text(record)
        # what a face is asked has no key: outside training the text alone says which places are hidden
        rng = draw.of(record.key) if draw else Draw(FIXED, 0).of(row_key({"text": text}))
        found = masking.windows(codec, text)
        return [_example(record.key, window, codec, rng, taught=draw is not None) for window in found]

    def decode(self, record: Record, outputs: Sequence[Output], codec: Codec) -> Answer:
        said = " ".join(each.text for each in outputs)
        filled = sum(each.tokens for each in outputs)
        return replace(_language.joined(outputs), text=said, tokens=filled, stopped=True)

    def outcomes(
        self, records: Sequence[Record], decoded: Sequence[Any], groups: Sequence[str | int]
    ) -> Answers:
        texts, keys = (self.text(record) for record in records), (record.key for record in records)
        wanted = tuple(() for _ in records)
        return Answers(tuple(decoded), wanted, tuple(texts), group_ids(groups), tuple(keys))

    def measured(self, rows: Sequence[Record]) -> list[Record]:
        some = {row.key for row in sorted(rows, key=lambda row: row.key)[: self.measured_rows or len(rows)]}
        return [row for row in rows if row.key in some]

    def samples(self) -> list[Record]:
        return _language.records(_samples.documents())

    def build(self, base: Base, codec: Codec) -> Net:
        from tunesmith.nn.masked_lm import structure

        return structure(base.config, new_head=codec.settings["new_head"])

    def tiny(self, codec: Codec) -> Net:
        from tunesmith.nn.masked_lm import tiny

        return tiny(masking.vocabulary(codec.files[TOKENIZER]).tokenizer.get_vocab_size())

    def collate(self, examples: Sequence[Example], codec: Codec) -> Batch:
        torch = doors.open("torch")
        shape = (len(examples), max(example.length for example in examples))
        arrays = {"ids": np.full(shape, codec.settings["pad_id"], np.int64)}
        arrays |= {"seen": arrays["ids"].copy(), "mask": np.zeros(shape, np.int64)}
        arrays |= {"hidden": np.zeros(shape, bool), "weights": np.zeros(shape, np.float32)}
        for row, example in enumerate(examples):
            arrays["mask"][row, : example.length] = 1
            for name in ("ids", "seen", "hidden", "weights"):
                arrays[name][row, : example.length] = example.values[name]
        return Batch(
            {name: torch.from_numpy(array) for name, array in arrays.items()},
            tuple(example.row for example in examples),
            {"token": float(arrays["weights"].sum())},
        )

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        return {"token": net.nll_sum(batch.tensors)}

    def predict(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        return _language.likelihoods(net, batch, codec)

    def reply(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        """The text with the likeliest word at each hidden place."""
        known, places = _language.likelihoods(net, batch, codec), batch.tensors["hidden"]
        filled = batch.tensors["seen"].masked_scatter(places, net.likeliest(batch.tensors, places))
        rows = zip(known, filled.tolist(), places.sum(1).tolist(), strict=True)
        return [replace(each, text=masking.text(codec, ids), tokens=count) for each, ids, count in rows]

    def survey(self, rows: Iterable[Sequence[Example]], codec: Codec) -> Iterator[Event]:
        found = learning.of_examples(rows)
        yield from map(Found, found.findings())
        yield Note(found.sentence())
        if codec.settings["new_head"]:
            yield Note(
                "the base brings no head that says words, so a new one begins: what the base scores "
                "without it says little of what the base knows",
                "warning",
            )

    def embed(self, net: Net, batch: Batch, codec: Codec) -> list[np.ndarray]:
        mask = batch.tensors["mask"][..., None].float()
        states = net.hidden(batch.tensors["seen"], batch.tensors["mask"]).float()
        return list(((states * mask).sum(1) / mask.sum(1)).cpu().numpy())


def _example(
    row: str, window: masking.Window, codec: Codec, rng: np.random.Generator, *, taught: bool
) -> Example:
    asked = (window.ids == codec.settings["mask_id"]) & (not taught)
    weights = np.zeros(len(window.ids), np.float32)
    if asked.any():  # nobody says what stands there
        values = {"ids": window.ids, "seen": window.ids, "hidden": asked, "weights": weights}
        return Example(row, {name: each.tolist() for name, each in values.items()}, len(window.ids))
    share, whole = codec.settings["mask"], codec.settings["whole_words"]
    places = masking.chosen(window, share, whole_words=whole, rng=rng)
    weights[places] = 1.0
    seen = masking.disguised(window, places, codec, rng) if taught else masking.covered(window, places, codec)
    values = {"ids": window.ids, "seen": seen, "hidden": places, "weights": weights}
    return Example(row, {name: each.tolist() for name, each in values.items()}, len(window.ids))


def _no_mask(base: Base) -> UsageError:
    return UsageError(
        "B206",
        f"the base '{base.name}' has no token that hides another",
        expected="an encoder with a mask token, such as [MASK] or <mask>",
        fixes=("--set task.name=language-model", "--base minilm"),
        where=str(base.folder),
    )
