"""The shape of a network: what memory and time depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Matrix:
    """A linear map of a layer.  attention: it belongs to the attention block, else to the feed-forward one."""

    name: str
    inputs: int
    outputs: int
    attention: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """What memory and time depend on.

    width, inner, head_width: of hidden states, of the feed-forward block, of a head.  matrices: the linear maps of one
    layer.  stack, embedding, output, rest: parameters of all layers, of the input tables, of an output matrix of its
    own (0 where it is tied or there is none), of what is left.  counted: 'meta' or 'formula'.
    """

    family: str
    decoder: bool
    gated: bool
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    inner: int
    vocabulary: int
    window: int
    matrices: tuple[Matrix, ...]
    stack: int
    embedding: int
    output: int
    rest: int
    counted: str

    @property
    def parameters(self) -> int:
        """All parameters of the base."""
        return self.stack + self.embedding + self.output + self.rest


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The sizes that a configuration names, whatever its family calls them."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    inner: int
    vocabulary: int
    window: int


def dimensions(config: Mapping[str, Any]) -> Dimensions:
    """Sizes under the names that the families use."""

    def first(*names: str, default: int = 0) -> int:
        return int(next((config[name] for name in names if config.get(name)), default))

    width = first("hidden_size", "n_embd", "d_model", "dim")
    heads = first("num_attention_heads", "n_head", "n_heads", default=1)
    return Dimensions(
        layers=first("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
        width=width,
        heads=heads,
        kv_heads=first("num_key_value_heads", "num_kv_heads", default=heads),
        head_width=first("head_dim", default=width // max(heads, 1)),
        inner=first("intermediate_size", "n_inner", "ffn_dim", "hidden_dim", default=4 * width),
        vocabulary=first("vocab_size"),
        window=first("max_position_embeddings", "n_positions"),
    )
