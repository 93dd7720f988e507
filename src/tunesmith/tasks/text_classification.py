"""One label out of several for a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field as Knob

from tunesmith import doors
from tunesmith.bases import Base
from tunesmith.data.contents.labelled import Labelled
from tunesmith.events import Event
from tunesmith.fields import Record, row_key
from tunesmith.findings import Place
from tunesmith.inputs import text as inputs
from tunesmith.outcomes import calibrated, predictions_of
from tunesmith.parts import (
    Batch,
    Codec,
    Draw,
    Example,
    Net,
    NeuralTask,
    Output,
    Prediction,
    Predictions,
    Profile,
    Tensor,
)

IMBALANCED = 5.0  # largest ÷ smallest class from which 'auto' weighs classes
HARD_LIMIT = 512  # tokens; what the usual encoders were trained on


class TextClassification(NeuralTask):
    """Reads a text, says one of C labels with a calibrated probability each."""

    content: ClassVar = "labelled"
    fields: ClassVar = Labelled.fields
    metrics: ClassVar = (
        *("macro_f1", "accuracy", "micro_f1", "weighted_f1", "macro_precision", "micro_precision"),
        *("weighted_precision", "macro_recall", "micro_recall", "weighted_recall", "mcc", "log_loss", "ece"),
    )
    predicts: ClassVar = "label"
    classifies: ClassVar = True
    early: ClassVar = ("macro_f1", "log_loss")

    max_length: int = Knob(
        128, ge=4, le=HARD_LIMIT, description="tokens of a text that are read; the rest is cut"
    )
    label_smoothing: float = Knob(
        0.1, ge=0, lt=1, description="share of probability spread over all labels in training"
    )
    balance: Literal["auto", "none", "weights", "oversample"] = Knob(
        "auto", description="what unequal classes get in training; auto: weights from a ratio of 5"
    )
    pooling: Literal["mean", "first"] = Knob(
        "mean", description="how token vectors become one: mean, or the first"
    )

    def codec(self, base: Base | None, profile: Profile) -> Codec:
        labels = sorted(profile.labels)
        settings: dict[str, Any] = {"labels": labels, "temperature": 1.0, "threshold": 0.0}
        settings |= {"balance": self._balance(profile), "class_weights": _class_weights(profile)}
        if base is None:
            return Codec(settings)
        limit = int(base.config.get("max_position_embeddings") or HARD_LIMIT)
        settings |= {"max_length": min(self.max_length, limit), "pad_id": inputs.pad_id(base.config)}
        return Codec(settings, {inputs.TOKENIZER: (base.folder / "tokenizer.json").read_bytes()})

    def _balance(self, profile: Profile) -> str:
        if self.balance != "auto":
            return self.balance
        counts = profile.labels.values()
        return "weights" if counts and max(counts) > IMBALANCED * min(counts) else "none"

    def text(self, record: Record) -> str:
        return record.fields.get("text") or ""

    def target(self, record: Record) -> str | None:
        return record.fields.get("label") or None

    def encode(self, record: Record, codec: Codec, draw: Draw | None) -> list[Example]:
        ids = inputs.token_ids(self.text(record), codec)
        label = self.target(record)
        index = _index(tuple(codec.settings["labels"])).get(label, -1) if label is not None else -1
        weight, copies = 1.0, 1
        if draw is not None and index >= 0:
            weight, copies = _share(codec, index, draw, record.key)
        example = Example(record.key, {"ids": ids, "label": index, "weight": weight}, len(ids))
        return [example] * copies

    def decode(self, record: Record, outputs: Sequence[Output], codec: Codec) -> Prediction:
        known = codec.settings
        return calibrated(
            outputs[0], tuple(known["labels"]), temperature=known["temperature"], threshold=known["threshold"]
        )

    def outcomes(
        self, records: Sequence[Record], decoded: Sequence[Any], groups: Sequence[str | int]
    ) -> Predictions:
        truths = [self.target(record) for record in records]
        return predictions_of(decoded, truths, [record.key for record in records], groups)

    def measured(self, rows: Sequence[Record]) -> list[Record]:
        return list(rows)

    def samples(self) -> list[Record]:
        return list(_samples())

    def build(self, base: Base, codec: Codec) -> Net:
        from tunesmith.nn.encoder import EncoderClassifier, backbone

        return EncoderClassifier(backbone(base.config), len(codec.settings["labels"]), self.pooling)

    def tiny(self, codec: Codec) -> Net:
        from tunesmith.nn.encoder import EncoderClassifier, tiny_backbone

        return EncoderClassifier(tiny_backbone(256), len(codec.settings["labels"]), self.pooling)

    def tiny_codec(self, profile: Profile) -> Codec:
        settings = {"max_length": min(self.max_length, 128), "pad_id": 0}
        return Codec(
            {**self.codec(None, profile).settings, **settings}, {inputs.TOKENIZER: inputs.byte_tokenizer()}
        )

    def collate(self, examples: Sequence[Example], codec: Codec) -> Batch:
        torch = doors.open("torch")
        longest = max(example.length for example in examples)
        ids = np.full((len(examples), longest), codec.settings["pad_id"], np.int64)
        mask = np.zeros((len(examples), longest), np.int64)
        for row, example in enumerate(examples):
            ids[row, : example.length] = example.values["ids"]
            mask[row, : example.length] = 1
        weights = np.array([e.values["weight"] for e in examples], np.float32)
        labels = np.array([e.values["label"] for e in examples], np.int64)
        tensors = {"ids": ids, "mask": mask, "labels": labels, "weights": weights}
        return Batch(
            {name: torch.from_numpy(array) for name, array in tensors.items()},
            tuple(example.row for example in examples),
            {"label": float(weights[labels >= 0].sum())},
        )

    def loss(self, net: Net, batch: Batch) -> dict[str, Tensor]:
        from tunesmith.nn.losses import weighted_cross_entropy_sum

        logits_BC = net(batch.tensors["ids"], batch.tensors["mask"])
        return {
            "label": weighted_cross_entropy_sum(
                logits_BC, batch.tensors["labels"], batch.tensors["weights"], self.label_smoothing
            )
        }

    def predict(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        logits_BC = net(batch.tensors["ids"], batch.tensors["mask"])
        return list(logits_BC.float().cpu().numpy())

    def reply(self, net: Net, batch: Batch, codec: Codec) -> list[Output]:
        return self.predict(net, batch, codec)

    def survey(self, rows: Iterable[Sequence[Example]], codec: Codec) -> Iterator[Event]:
        yield from ()

    def embed(self, net: Net, batch: Batch, codec: Codec) -> list[np.ndarray]:
        return list(net.features(batch.tensors["ids"], batch.tensors["mask"]).cpu().numpy())


@cache
def _index(labels: tuple[str, ...]) -> Mapping[str, int]:
    return {label: index for index, label in enumerate(labels)}


def _class_weights(profile: Profile) -> list[float]:
    """The square root of the inverse frequency: full inverse weights make rare, noisy classes rule the gradient.

    Scaled so that the mean over training rows is 1.
    """
    counts = np.array([profile.labels[label] for label in sorted(profile.labels)], float)
    weights = 1 / np.sqrt(np.maximum(counts, 1))
    return [float(w) for w in weights * counts.sum() / max((weights * counts).sum(), 1e-12)]


def _share(codec: Codec, index: int, draw: Draw, row: str) -> tuple[float, int]:
    """(weight, copies) of a training row: oversampling draws copies so that their expected number is the weight."""
    weight = codec.settings["class_weights"][index]
    if codec.settings["balance"] == "weights":
        return weight, 1
    if codec.settings["balance"] == "oversample":
        scaled = weight / min(codec.settings["class_weights"])
        return 1.0, int(scaled) + int(draw.of(row).random() < scaled % 1)
    return 1.0, 1


@cache
def _samples() -> tuple[Record, ...]:
    lines = (
        (resources.files("tunesmith.tasks") / "text_classification.samples.tsv")
        .read_text("utf-8")
        .splitlines()
    )
    pairs = [line.split("\t", 1) for line in lines if line]
    rows: list[dict[str, Any]] = [{"text": text, "label": label} for label, text in pairs]
    return tuple(Record(row, Place("samples", n + 1), row_key(row)) for n, row in enumerate(rows))
