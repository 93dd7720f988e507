"""What tasks of language share: codecs from a base, batches of tokens, likelihoods, answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, final

import numpy as np
from pydantic import Field as Knob

from tunesmith import doors
from tunesmith.bases import Base
from tunesmith.errors import UsageError
from tunesmith.events import Event, Found, Note
from tunesmith.fields import Record, row_key
from tunesmith.findings import Place
from tunesmith.inputs import chat, learning, schemas, speaking, terms
from tunesmith.inputs.text import TOKENIZER, byte_tokenizer
from tunesmith.outcomes import Answer, Answers, Likelihood, group_ids
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
    Tokens,
    Wish,
)

# what suits small language models that are tuned on a CPU; who has more sets more
ADVICE = {
    "train.dropout": 0.0,
    "train.epochs": 3.0,
    "train.batch_size": 16,
    "train.weight_decay": 0.0,
    "train.micro_tokens": 4096,
    "train.patience": 0,
}
TINY_WINDOW = 128
METRICS = (
    *("chrf", "rouge_l", "token_f1", "exact_match", "final_number", "bleu", "loss", "perplexity"),
    *("token_accuracy", "stops", "refusal_rate", "length_drift", "distinct_2", "json_valid"),
    *("schema_valid", "terminology"),
)


class LanguageTask(NeuralTask, ABC):
    """A task whose network says how likely tokens are and, where it is asked, goes on from them."""

    predicts: ClassVar[str] = "text"
    early: ClassVar[tuple[str, ...]] = ("loss", "token_accuracy")
    advice: ClassVar[Mapping[str, Any]] = ADVICE
    evidence: ClassVar[frozenset[str]] = frozenset({"template"})
    decoder: ClassVar[bool | None] = True
    frame: ClassVar[str]  # what stands around turns: 'chat' (the base's template) or 'lines' (nothing)

    max_length: int = Knob(0, ge=0, description="tokens of a row that are seen; 0: the base's window")
    measured_rows: int = Knob(200, ge=0, description="rows on which models are compared; 0: all")

    @abstractmethod
    def windows(self, record: Record, codec: Codec) -> list[Tokens]:
        """A record as the model sees it."""

    @abstractmethod
    def prompt(self, record: Record) -> Prompt | None:
        """What the model is asked, None where no answer is wanted."""

    @abstractmethod
    def answered(self, record: Record, text: str) -> Record:
        """The record with this text in the place of its answer."""

    @abstractmethod
    def manner(self) -> dict[str, Any]:
        """Settings of the codec: truncation (see `Answering`), answer_tokens."""

    @abstractmethod
    def demands(self, records: Sequence[Record], answers: Answers) -> dict[str, np.ndarray]:
        """What was demanded of the answers to these records, and kept (`Answers.demands`)."""

    @final
    def codec(self, base: Base | None, profile: Profile) -> Codec:
        settings, files = chat.about(base) if base else ({"window": 0}, {})
        window = min(filter(None, (settings["window"], self.max_length)), default=0)
        return Codec({**settings, **self.manner(), "frame": self.frame, "window": window}, files)

    @final
    def tiny_codec(self, profile: Profile) -> Codec:
        window = min(TINY_WINDOW, self.max_length or TINY_WINDOW)
        settings = {"template": "", "template_tools": "", "unknown": None, "pad_id": 0, "window": window}
        settings |= {"words": {"bos_token": "[CLS]", "eos_token": "[SEP]"}, "stops": ["[SEP]"]}
        settings |= {"specials": ["[CLS]", "[SEP]", "[PAD]"]}
        return Codec({**self.codec(None, profile).settings, **settings}, {TOKENIZER: byte_tokenizer()})

    @final
    def encode(self, record: Record, codec: Codec, draw: Draw | None) -> list[Example]:
        """One example a window; the first one carries what an answer is asked with.

        A row that the window has no room for is still asked.
        """
        prompt = self.prompt(record) if draw is None else None
        wish = Wish(max_tokens=codec.settings["answer_tokens"], tools=record.fields.get("tools"))
        asked = None if prompt is None else speaking.asked(codec, prompt, wish)
        windows = self.windows(record, codec) or ([] if asked is None else [Tokens((), ())])
        told = [
            {"ids": w.ids, "weights": w.weights, "cut": w.cut, "cut_learnt": w.cut_learnt} for w in windows
        ]
        return [
            Example(record.key, {**values, "asked": None if number else asked}, len(values["ids"]))
            for number, values in enumerate(told)
        ]

    @final
    def decode(self, record: Record, outputs: Sequence[Output], codec: Codec) -> Answer:
        return joined(outputs)

    @final
    def outcomes(
        self, records: Sequence[Record], decoded: Sequence[Any], groups: Sequence[str | int]
    ) -> Answers:
        wanted = [self.target(record) for record in records]
        found = Answers(
            tuple(decoded),
            tuple(() if each is None else (each,) for each in wanted),
            tuple(self.text(record) for record in records),
            group_ids(groups),
            tuple(record.key for record in records),
        )
        return replace(found, demands=self.demands(records, found))

    @final
    def measured(self, rows: Sequence[Record]) -> list[Record]:
        some = {row.key for row in sorted(rows, key=lambda row: row.key)[: self.measured_rows or len(rows)]}
        return [row for row in rows if row.key in some]

    @final
    def build(self, base: Base, codec: Codec) -> Net:
        from tunesmith.nn.decoder import structure

        return structure(base.config)

    @final
    def tiny(self, codec: Codec) -> Net:
        from tunesmith.nn.decoder import tiny

        return tiny(speaking.vocabulary(codec))

    @final
    def collate(self, examples: Sequence[Example], codec: Codec) -> Batch:
        return collate(examples, codec)

    @final
    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        return {"token": net.nll_sum(batch.tensors)}

    @final
    def predict(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        return likelihoods(net, batch, codec)

    @final
    def reply(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        known = likelihoods(net, batch, codec)
        asked = [(row, ids) for row, ids in enumerate(batch.tensors["asked"]) if ids is not None]
        wish = Wish(max_tokens=codec.settings["answer_tokens"])
        answers = speaking.answers(net, codec, [ids for _, ids in asked], wish)
        for (row, _), said in zip(asked, answers, strict=True):
            known[row] = replace(said, likelihood=known[row].likelihood)
        return known

    @final
    def survey(self, rows: Iterable[Sequence[Example]], codec: Codec) -> Iterator[Event]:
        found = learning.of_examples(rows)
        yield from map(Found, found.findings())
        yield Note(found.sentence())

    @final
    def embed(self, net: Net, batch: Batch, codec: Codec) -> list[np.ndarray]:
        mask = batch.tensors["mask"][..., None].float()
        states = net.hidden(batch.tensors["ids"], batch.tensors["mask"]).float()
        return list(((states * mask).sum(1) / mask.sum(1).clamp(min=1)).cpu().numpy())


class Answering(LanguageTask, ABC):
    """A task of language whose rows end with an answer."""

    truncation: Literal["drop", "left", "right", "split"] = Knob(
        "left", description="what happens to a longer row: left out, cut at its start or end, or divided"
    )
    answer_tokens: int = Knob(128, ge=1, description="tokens of an answer when it is measured")
    glossary: str = Knob(
        "",
        description="a table of terms that answers must use or avoid (source, target, language, forbidden)",
    )
    answer_schema: str = Knob(
        "", description="a file with the JSON Schema that answers must fit; a row may bring its own"
    )
    constrained: bool = Knob(
        False, description="answers are written so that they fit answer_schema, here and on the server"
    )

    @final
    def manner(self) -> dict[str, Any]:
        forced = {"forced": schemas.of_file(Path(self.answer_schema))} if self._forces() else {}
        return {"truncation": self.truncation, "answer_tokens": self.answer_tokens, **forced}

    def _forces(self) -> bool:
        """Whether answers are forced into the schema.  Raises UsageError C163 without one."""
        if self.constrained and not self.answer_schema:
            raise UsageError(
                "C163",
                "answers are to be constrained, and nothing says to what",
                expected="a JSON Schema",
                fixes=("--set task.answer_schema=FILE", "--set task.constrained=false"),
                where="task.constrained",
            )
        return self.constrained

    @final
    def demands(self, records: Sequence[Record], answers: Answers) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        if self.glossary:
            found["terms"] = terms.kept(terms.glossary(Path(self.glossary)), answers)
        usual = schemas.of_file(Path(self.answer_schema)) if self.answer_schema else None
        wanted = [(row.fields.get(schemas.FIELD) or usual, str(row.place)) for row in records]
        if any(schema is not None for schema, _ in wanted):
            found["schema"] = schemas.kept(wanted, answers)
        return found

    @final
    def answered(self, record: Record, text: str) -> Record:
        turns = before_answer(record.fields.get("messages") or ())
        fields = {**record.fields, "messages": [*turns, {"role": "assistant", "content": text}]}
        return replace(record, fields=fields, key=row_key(fields))


def last_answer(turns: Sequence[Mapping[str, Any]]) -> str | None:
    """What the assistant says at the end; None where it does not have the last word."""
    return str(turns[-1]["content"]) if turns and turns[-1]["role"] == "assistant" else None


def before_answer(turns: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The turns that the last answer is given to."""
    return list(turns if last_answer(turns) is None else turns[:-1])


def records(rows: Sequence[Mapping[str, Any]]) -> list[Record]:
    """Samples as records."""
    return [Record(row, Place("samples", n + 1), row_key(row)) for n, row in enumerate(rows)]


def collate(examples: Sequence[Example], codec: Codec) -> Batch:
    """Tensors ids, mask, weights [B, T], padded on the right; `asked`: per row the tokens to answer, or None."""
    torch = doors.open("torch")
    shape = (len(examples), max(1, *(example.length for example in examples), 1))
    ids = np.full(shape, codec.settings["pad_id"], np.int64)
    mask, weights = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    for row, example in enumerate(examples):
        ids[row, : example.length] = example.values["ids"]
        mask[row, : example.length] = 1
        weights[row, : example.length] = example.values["weights"]
    weights[:, 0] = 0.0  # nothing comes before the first token
    return Batch(
        {
            "ids": torch.from_numpy(ids),
            "mask": torch.from_numpy(mask),
            "weights": torch.from_numpy(weights),
            "asked": [example.values.get("asked") for example in examples],
        },
        tuple(example.row for example in examples),
        {"token": float(weights.sum())},
    )


def likelihoods(net: Net, batch: Batch, codec: Codec) -> list[Output]:
    """Per row an `Answer` without words: how likely its own supervised tokens are."""
    logprobs, right, rows = (each.float().cpu().numpy() for each in net.token_logprobs(batch.tensors))
    weights, ids = (batch.tensors[name].cpu().numpy() for name in ("weights", "ids"))
    learnt = weights != 0
    each = weights[learnt].astype(np.float64)
    return [
        Answer("", likelihood=_likelihood(codec, each[at], logprobs[at], right[at], ids[row][learnt[row]]))
        for row, at in enumerate(rows == np.arange(len(ids))[:, None])
    ]


def _likelihood(
    codec: Codec, weights: np.ndarray, logprobs: np.ndarray, right: np.ndarray, ids: np.ndarray
) -> Likelihood:
    told = speaking.text(codec, ids.tolist())
    return Likelihood(
        float(-(weights * logprobs).sum()),
        float(weights.sum()),
        float((weights * right).sum()),
        len(told.encode("utf-8", "replace")),
    )


def joined(outputs: Sequence[Answer]) -> Answer:
    """The answer of a row from those of its windows: the words of the first, the likelihoods of all."""
    whole = Likelihood(0.0, 0.0, 0.0)
    for each in outputs:
        whole = whole.plus(each.likelihood) if each.likelihood else whole
    if not outputs:
        return Answer("", stopped=False)
    return replace(outputs[0], likelihood=whole if whole.tokens else None)
