"""Encoder classifiers as users of transformers build them, and their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers import AutoModel, AutoModelForSequenceClassification

TARGETS = r".*encoder\.layer\..*\.(query|key|value|dense)"  # not the pooler


class Rows(torch.utils.data.Dataset):
    """Rows as the Trainer reads them."""

    def __init__(self, ids: Sequence[Any], labels: Any) -> None:
        self.rows = [
            {"input_ids": torch.from_numpy(row), "labels": int(label)}
            for row, label in zip(ids, labels, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> dict[str, Any]:
        return self.rows[at]


def collate(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Padded on the right to the longest."""
    ids = [row["input_ids"] for row in rows]
    lengths = torch.tensor([len(each) for each in ids])
    padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
    mask = (torch.arange(padded.shape[1])[None] < lengths[:, None]).long()
    return {
        "input_ids": padded,
        "attention_mask": mask,
        "labels": torch.tensor([row["labels"] for row in rows]),
    }


class MeanClassifier(torch.nn.Module):
    """A linear layer on the mean of the last states, the way the base was trained to be read."""

    def __init__(self, encoder: Any, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = torch.nn.Linear(encoder.config.hidden_size, classes)

    def forward(self, input_ids: Any, attention_mask: Any, labels: Any) -> dict[str, Any]:
        """{loss, logits} as the Trainer wants them."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask[..., None].to(states.dtype)
        logits = self.head((states * weights).sum(1) / weights.sum(1))
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def network(weights: str, classes: int, options: Mapping[str, Any]) -> Any:
    """The classifier that the options describe, on the base's weights in float32."""
    kind = {"attn_implementation": options.get("attention", "sdpa"), "dtype": torch.float32}
    if options.get("pooling"):
        encoder = AutoModel.from_pretrained(weights, add_pooling_layer=False, **kind)
        net: Any = MeanClassifier(encoder, classes)
    else:
        net = AutoModelForSequenceClassification.from_pretrained(weights, num_labels=classes, **kind)
        encoder = net.base_model
    if "layers" in options:
        _freeze(encoder, int(options["layers"]))
    return net


def _freeze(encoder: Any, layers: int) -> None:
    """Only so many layers from the top move, and what stands above the encoder; what stays draws no dropout."""
    encoder.requires_grad_(False)
    stay = len(encoder.encoder.layer) - layers
    encoder.encoder.layer[stay:].requires_grad_(True)
    for part in (encoder.embeddings, *encoder.encoder.layer[:stay]):
        for module in part.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0


def with_lora(net: Any, rank: int, alpha: int) -> Any:
    """The classifier with peft's LoRA on every matrix of its layers; its head moves whole."""
    from peft import LoraConfig, get_peft_model

    head = "head" if isinstance(net, MeanClassifier) else "classifier"
    config = LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=TARGETS, modules_to_save=[head]
    )
    return get_peft_model(net, config)


def parts(net: Any) -> tuple[str, dict[str, Any], Any, Any]:
    """(form, backbone, head's weight, head's bias) of a network; updates of LoRA are folded in, in a copy."""
    if hasattr(net, "merge_and_unload"):
        import copy

        net = copy.deepcopy(net).merge_and_unload()
    if isinstance(net, MeanClassifier):
        return "mean", net.encoder.state_dict(), net.head.weight, net.head.bias
    return "pooler", net.base_model.state_dict(), net.classifier.weight, net.classifier.bias
