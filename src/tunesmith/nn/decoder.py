"""Causal language models as networks of a task: likelihoods of supervised tokens without ever holding full logits.

Axes: B rows, T tokens, D features, V words of the vocabulary, N supervised tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import transformers
from torch import nn

from tunesmith.nn import token_loss

SHORT = 1024  # tokens up to which plain batched products are faster than the fused kernel on a CPU


def structure(config: Mapping[str, Any]) -> CausalLM:
    """A causal model of the family that `config["model_type"]` names, with random weights.

    Raises ValueError for a family that has no causal model.
    """
    return CausalLM(_made(config, transformers.MODEL_FOR_CAUSAL_LM_MAPPING))


def tiny(vocabulary: int) -> CausalLM:
    """A two-layer miniature of width 32."""
    return CausalLM(transformers.LlamaForCausalLM(_tiny_config(vocabulary)))


def reward_structure(config: Mapping[str, Any]) -> RewardModel:
    """The bare model of a family with a head of one number."""
    return RewardModel(_made(config, transformers.MODEL_MAPPING))


def reward_tiny(vocabulary: int) -> RewardModel:
    """A two-layer miniature of width 32."""
    return RewardModel(transformers.LlamaModel(_tiny_config(vocabulary)))


def _made(config: Mapping[str, Any], mapping: Any) -> Any:
    settings = {key: value for key, value in config.items() if key != "model_type"}
    made = transformers.AutoConfig.for_model(config["model_type"], **settings)
    if type(made) not in mapping:
        raise ValueError(f"the family {config['model_type']!r} has no causal language model")
    return mapping[type(made)](made)


def _tiny_config(vocabulary: int) -> Any:
    return transformers.LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=64,
        max_position_embeddings=256,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=True,
    )


class CausalLM(nn.Module):
    """A whole causal model as `backbone`; its own output matrix is its head, so `head` is empty."""

    backbone: Any

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.backbone = model
        self.head = nn.Module()

    def begin(self, seed: int, dropout: float) -> None:
        """Ready to train: attention kernel, one dropout for all."""
        self.backbone.set_attn_implementation("eager")
        set_dropout(self.backbone, dropout)

    def hidden(
        self,
        ids_BT: torch.Tensor,
        mask_BT: torch.Tensor,
        positions_BT: torch.Tensor | None = None,
        blocks_BTT: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """States [B, T, D] before the output matrix.  blocks_BTT: True where a token may see another."""
        mask = mask_BT if blocks_BTT is None else _additive(blocks_BTT, self.backbone.dtype)
        return self.backbone.base_model(
            input_ids=ids_BT, attention_mask=mask, position_ids=positions_BT, use_cache=False
        ).last_hidden_state

    def token_logprobs(
        self, tensors: Mapping[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(log-probability float32 with gradient, whether it is the likeliest, row) of each supervised token [N]."""
        states_ND, targets_N, rows_N = self._supervised(tensors)
        logprobs_N, right_N = token_loss.logprobs(states_ND, *self._output(), targets_N, **self._shape())
        return logprobs_N, right_N, rows_N

    def nll_sum(self, tensors: Mapping[str, Any]) -> torch.Tensor:
        """−Σ weight · log-probability of the supervised tokens."""
        logprobs_N, _, _ = self.token_logprobs(tensors)
        weights = tensors["weights"]
        return -(logprobs_N * weights[weights != 0]).sum()

    def _supervised(self, tensors: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """States that predict a supervised token, those tokens, and their rows."""
        states = self.hidden(
            tensors["ids"], tensors["mask"], tensors.get("positions"), tensors.get("blocks")
        )
        rows_N, at_N = (tensors["weights"] != 0).nonzero(as_tuple=True)
        before_N = tensors["before"][rows_N, at_N] if "before" in tensors else at_N - 1
        return states[rows_N, before_N], tensors["ids"][rows_N, at_N], rows_N

    def _output(self) -> tuple[torch.Tensor, torch.Tensor | None]:
        matrix = self.backbone.get_output_embeddings()
        return matrix.weight, matrix.bias

    def _shape(self) -> dict[str, float]:
        """What some families do to their logits."""
        config = self.backbone.config
        scale = getattr(config, "logit_scale", None) or 1.0 / (getattr(config, "logits_scaling", None) or 1.0)
        return {"cap": getattr(config, "final_logit_softcapping", None) or 0.0, "scale": scale}


class RewardModel(nn.Module):
    """One number for a conversation: a linear head on the state of its last token."""

    backbone: Any

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.backbone = model
        self.head = nn.Linear(model.config.hidden_size, 1, bias=False)

    def begin(self, seed: int, dropout: float) -> None:
        """Ready to train: attention kernel, seeded head, one dropout for all."""
        self.backbone.set_attn_implementation("eager")
        with torch.no_grad():
            self.head.weight.normal_(0.0, 0.02, generator=torch.Generator().manual_seed(seed))
        set_dropout(self.backbone, dropout)

    def forward(self, ids_BT: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
        """Rewards float32 [B] at the last real token."""
        states = self.backbone(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False).last_hidden_state
        last_B = mask_BT.sum(1) - 1
        return self.head(states[torch.arange(len(ids_BT)), last_B].float())[:, 0]


def _additive(blocks_BTT: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """[B, 1, T, T]: 0 where a token may see another, the lowest number elsewhere."""
    zeros = torch.zeros(blocks_BTT.shape, dtype=dtype)
    return zeros.masked_fill(~blocks_BTT, torch.finfo(dtype).min)[:, None]


def set_dropout(model: Any, share: float) -> None:
    """One dropout, whether a family keeps it as a module or as a number."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = share
