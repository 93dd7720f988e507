"""Masked language models over every encoder that transformers knows: what stands at hidden places of a text.

Axes: B rows, T tokens, N tokens whose words are asked for, D features, V words.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import torch
import transformers
from torch import nn

from tunesmith.nn import attention, dropouts, encoder, token_loss

CLOSE = 1e-4  # relative: what float32 leaves of numbers that are equal
Matrix = tuple[torch.Tensor, torch.Tensor | None]  # (weight [V, D], bias [V])


def structure(config: Mapping[str, Any], *, new_head: bool) -> MaskedLM:
    """A model of the family that `config["model_type"]` names, with random weights (none on the meta device).

    new_head: the base has none that turns states into words.  Raises ValueError for a family that the installed
    transformers does not know as a masked model.
    """
    made = encoder.configuration(config)
    if type(made) not in transformers.MODEL_FOR_MASKED_LM_MAPPING:
        raise ValueError(f"a model of the family '{config['model_type']}' does not say what was hidden")
    if new_head:
        return MaskedLM(encoder.bare(made), NewHead)
    kind: Any = transformers.MODEL_FOR_MASKED_LM_MAPPING[type(made)]
    return MaskedLM(kind(made), OwnHead)


def tiny(vocabulary: int) -> MaskedLM:
    """A two-layer BERT of width 32 with a new head."""
    return MaskedLM(encoder.tiny_backbone(vocabulary), NewHead)


class OwnHead(nn.Module):
    """The head that belongs to the model: the model's own forward computes it, up to its output matrix."""

    def __init__(self, backbone: Any) -> None:
        super().__init__()

    def begin(self, backbone: Any) -> None:
        """Raises ValueError where the model's words are not its matrix times what the matrix is given."""
        ids, training = torch.tensor([[0, 1, 2]], device=backbone.device), backbone.training
        backbone.eval()
        with torch.no_grad():
            given, said = self.read(backbone, ids, torch.ones_like(ids)), backbone(input_ids=ids).logits
            weight, bias = self.matrix(backbone)
            found = nn.functional.linear(given, weight, bias)
        backbone.train(training)
        if said.shape != found.shape or not torch.allclose(said, found, rtol=CLOSE, atol=CLOSE):
            raise ValueError("the logits of this model are more than products with its output matrix")

    def read(self, backbone: Any, ids_BT: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
        """What the output matrix is given [B, T, D].  The matrix is given none of it, so no logits are made."""
        seen: list[torch.Tensor] = []
        mine = threading.get_ident()

        def caught(_: nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...] | None:
            if threading.get_ident() != mine:  # another thread asks the same model
                return None
            seen.append(given[0])
            return (given[0][..., :0, :],)

        hook = backbone.get_output_embeddings().register_forward_pre_hook(caught)
        try:
            backbone(input_ids=ids_BT, attention_mask=mask_BT)
        finally:
            hook.remove()
        if len(seen) != 1 or seen[0].shape[:2] != ids_BT.shape:
            raise ValueError(f"this model uses its output matrix {len(seen)} times for one text, not once")
        return seen[0]

    def matrix(self, backbone: Any) -> Matrix:
        """The output matrix."""
        known = backbone.get_output_embeddings()
        return known.weight, known.bias


class NewHead(nn.Module):
    """A head for a base that has none: dense layer, GELU, norm as BERT has them, below the table of input embeddings.

    It begins without chance (the dense layer hands on what it is given), so that a base is the same network for
    everybody who asks it.
    """

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        words, width = backbone.get_input_embeddings().weight.shape
        self.dense = nn.Linear(backbone.config.hidden_size, width)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(words))

    def begin(self, backbone: Any) -> None:
        """Values of the beginning."""
        with torch.no_grad():
            nn.init.eye_(self.dense.weight)
            self.dense.bias.zero_()
            self.norm.reset_parameters()
            self.bias.zero_()

    def read(self, backbone: Any, ids_BT: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
        """What the output matrix is given [B, T, D]."""
        states = backbone(input_ids=ids_BT, attention_mask=mask_BT).last_hidden_state
        return self.norm(nn.functional.gelu(self.dense(states.to(self.dense.weight.dtype))))

    def matrix(self, backbone: Any) -> Matrix:
        """The table of input embeddings with a bias of its own."""
        return backbone.get_input_embeddings().weight, self.bias


class MaskedLM(nn.Module):
    """An encoder that says which words stand at hidden places.

    Batches are mappings of tensors [B, T]: seen (the tokens with some hidden), ids (those that stand there), mask (0 at
    padding), weights.  A token is asked for where its weight is not 0.
    """

    backbone: Any

    def __init__(self, backbone: Any, head: type[OwnHead] | type[NewHead]) -> None:
        super().__init__()
        self.backbone = backbone
        self.head: Any = head(backbone)
        self.dropout = nn.Dropout(0.0)

    def begin(self, seed: int, dropout: float) -> None:
        """Ready to train: attention kernel, head, dropout.  Raises ValueError for a head that can't be taken apart."""
        attention.choose(self.backbone)
        dropouts.spread(self, dropout)
        self.head.begin(self.backbone)

    def hidden(self, ids_BT: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
        """States of the last layer [B, T, D]."""
        return self.backbone.base_model(input_ids=ids_BT, attention_mask=mask_BT).last_hidden_state

    def nll_sum(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """Σ weight · −log-probability of the tokens that are asked for: a float32 scalar.

        Its gradient can be asked for once (`token_loss.cross_entropy_sum`).
        """
        at = (batch["weights"] != 0).nonzero(as_tuple=True)
        states, (weight, bias), rows = self._told(batch, at)
        return token_loss.cross_entropy_sum(
            states, weight, batch["ids"][at], batch["weights"][at], rows, bias=bias
        )

    def token_logprobs(self, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of each token that is asked for, row by row: its log-probability (float32, with gradient) [N], whether the
        model holds it for the likeliest (bool) [N], and its row (int64) [N]."""
        at = (batch["weights"] != 0).nonzero(as_tuple=True)
        states, (weight, bias), rows = self._told(batch, at)
        logprobs, right = token_loss.logprobs(states, weight, batch["ids"][at], rows, bias=bias)
        return logprobs, right, at[0]

    def likeliest(self, batch: Mapping[str, Any], places_BT: torch.Tensor) -> torch.Tensor:
        """The likeliest token at each place that is True, row by row [N]."""
        states, (weight, bias), rows = self._told(batch, places_BT.nonzero(as_tuple=True))
        added = 0.0 if bias is None else bias
        return torch.cat([((part @ weight.T).float() + added).argmax(-1) for part in states.split(rows)])

    def _told(
        self, batch: Mapping[str, Any], at: tuple[torch.Tensor, ...]
    ) -> tuple[torch.Tensor, Matrix, int]:
        """(what the matrix is given at these places [N, D], the matrix, how many of them are computed together)."""
        weight, bias = self.head.matrix(self.backbone)
        states = self.dropout(self.head.read(self.backbone, batch["seen"], batch["mask"]))
        chosen = states.flatten(0, 1).index_select(0, at[0] * states.shape[1] + at[1])
        return chosen.to(weight.dtype), (weight, bias), token_loss.rows_at_once(len(weight))
