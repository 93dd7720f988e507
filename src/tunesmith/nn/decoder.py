"""Causal language models, and reward models, over every decoder that transformers knows.

Axes: B rows, T tokens, N supervised tokens, D features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from torch import nn

from tunesmith.nn import attention, dropouts, packing, readout

# its reports of weights and its progress bars say nothing to our users
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

FAULTS = (ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, RuntimeError, TypeError)
SPREAD = 0.02  # of a new head's weights, as usual since GPT-2


def configuration(config: Mapping[str, Any]) -> Any:
    """The family's configuration, with what `config` leaves out.  Raises ValueError for an unknown family."""
    settings = {key: value for key, value in config.items() if key != "model_type"}
    made = _made(transformers.AutoConfig.for_model, str(config.get("model_type")), **settings)
    if type(made) not in transformers.MODEL_FOR_CAUSAL_LM_MAPPING:
        raise ValueError(f"a model of the family '{config['model_type']}' does not say what comes next")
    return made


def _made(make: Any, *given: Any, **settings: Any) -> Any:
    """What transformers makes of a configuration.  A faulty one ends in errors of many kinds there, here in one."""
    try:
        return make(*given, **settings)
    except (*FAULTS, StrictDataclassError) as odd:
        raise ValueError(
            f"transformers can't use the model's configuration: {odd or type(odd).__name__}"
        ) from None


def structure(config: Mapping[str, Any]) -> CausalLM:
    """A model of the family that `config["model_type"]` names, with random weights (none on the meta device).

    Raises ValueError for a family that the installed transformers does not know as a causal model.
    """
    made = configuration(config)
    kind: Any = transformers.MODEL_FOR_CAUSAL_LM_MAPPING[type(made)]
    return CausalLM(_made(kind, made))


def reward_structure(config: Mapping[str, Any]) -> RewardModel:
    """The same family without its output matrix, below a head that gives one number.  Raises as `structure`."""
    made = configuration(config)
    kind: Any = transformers.MODEL_MAPPING[type(made)]
    return RewardModel(_made(kind, made))


def tiny(vocabulary: int) -> CausalLM:
    """A two-layer Llama of width 32."""
    return CausalLM(transformers.LlamaForCausalLM(_tiny(vocabulary)))


def reward_tiny(vocabulary: int) -> RewardModel:
    """A reward model over a two-layer Llama of width 32."""
    return RewardModel(transformers.LlamaModel(_tiny(vocabulary)))


def _tiny(vocabulary: int) -> Any:
    return transformers.LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
        tie_word_embeddings=True,
    )


class CausalLM(nn.Module):
    """A whole causal model of transformers; the head is empty, for the output matrix belongs to the model.

    Batches are mappings of tensors: ids, mask, weights [B, T], and where answers share prompts positions [B, T] and
    blocks [B, T, T] (True: may be seen).  A token is supervised where its weight is not 0; it is told from the token
    before it.
    """

    backbone: Any

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Module()
        self.dropout = nn.Dropout(0.0)
        self._readout: readout.Readout | None = None
        self._exact = False

    def begin(self, seed: int, dropout: float) -> None:
        """Ready to train: attention kernel, dropout (`dropouts.spread`).  There are no new weights to seed.

        Raises ValueError for a model whose loss can't be computed from its states (see `readout.of`).
        """
        attention.choose(self.backbone)
        dropouts.spread(self, dropout)
        # attention under a mask of blocks has no dropout, and a family's own attention knows no such mask
        self._exact = not dropout and self.backbone.config._attn_implementation == attention.NAME
        self._readout = readout.of(self.backbone)

    def hidden(
        self,
        ids_BT: torch.Tensor,
        mask_BT: torch.Tensor,
        positions_BT: torch.Tensor | None = None,
        blocks_BTT: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """States before the output matrix [B, T, D]; what stands at padding means nothing."""
        return self.dropout(states(readout.body(self.backbone), ids_BT, mask_BT, positions_BT, blocks_BTT))

    def token_logprobs(self, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of each supervised token, row by row: its log-probability (float32, with gradient) [N], whether the model
        holds it for the likeliest (bool) [N], and its row (int64) [N]."""
        hidden_ND, targets_N, at = self._supervised(batch)
        logprobs, right = self._ready().logprobs(self._matrix(), hidden_ND, targets_N)
        return logprobs, right, at[0]

    def nll_sum(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """Σ weight · −log-probability over the supervised tokens: a float32 scalar.

        Its gradient can be asked for once (`token_loss.cross_entropy_sum`).
        """
        hidden_ND, targets_N, at = self._supervised(batch)
        weights_N = batch["weights"][at[0], at[1] + 1]
        return self._ready().nll_sum(self._matrix(), hidden_ND, targets_N, weights_N)

    def _supervised(
        self, batch: Mapping[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor, tuple[torch.Tensor, ...]]:
        """(states that tell the supervised tokens [N, D], their ids [N], (row, place of the state) [N] each)."""
        ids_BT = batch["ids"]
        rows, places = (batch["weights"][:, 1:] != 0).nonzero(as_tuple=True)
        hidden = self._hidden(batch)
        chosen = hidden.flatten(0, 1).index_select(0, rows * ids_BT.shape[1] + places)
        return chosen, ids_BT[rows, places + 1], (rows, places)

    def _hidden(self, batch: Mapping[str, Any]) -> torch.Tensor:
        """As `hidden`, without computing anything for padding where that pays."""
        body = readout.body(self.backbone)
        if self._exact and packing.suits(body, batch):
            return packed_states(body, batch)
        return self.hidden(batch["ids"], batch["mask"], batch.get("positions"), batch.get("blocks"))

    def _matrix(self) -> nn.Module:
        return self.backbone.get_output_embeddings()

    def _ready(self) -> readout.Readout:
        if self._readout is None:
            self._readout = readout.of(self.backbone)
        return self._readout


class RewardModel(nn.Module):
    """A decoder without output matrix; one linear map of the state at a row's last token is the row's reward."""

    backbone: Any

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout(0.0)
        self.head = nn.Linear(backbone.config.get_text_config().hidden_size, 1, bias=False)

    def begin(self, seed: int, dropout: float) -> None:
        """Ready to train: attention kernel, seeded head (the same on every machine), dropout."""
        attention.choose(self.backbone)
        dropouts.spread(self, dropout)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.head.weight.normal_(0.0, SPREAD, generator=generator)

    def hidden(self, ids_BT: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
        """States of the last layer [B, T, D]."""
        return self.dropout(states(self.backbone, ids_BT, mask_BT))

    def forward(self, ids_BT: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
        """Rewards [B], float32."""
        last = mask_BT.sum(1).clamp(min=1) - 1
        hidden = self.hidden(ids_BT, mask_BT)
        return self.head(hidden[torch.arange(len(last), device=last.device), last].float())[:, 0]


def states(
    decoder: Any,
    ids_BT: torch.Tensor,
    mask_BT: torch.Tensor,
    positions_BT: torch.Tensor | None = None,
    blocks_BTT: torch.Tensor | None = None,
) -> torch.Tensor:
    """The last states of a decoder's body [B, T, D].

    Padding on the right needs no mask: nothing real comes after it, so nothing real sees it.
    """
    given: dict[str, Any] = {}
    if blocks_BTT is not None:
        given["attention_mask"] = attention.to_add(blocks_BTT, decoder.dtype)
    elif not bool((mask_BT[:, 1:] <= mask_BT[:, :-1]).all()):
        given["attention_mask"] = mask_BT
    if positions_BT is not None:
        given["position_ids"] = positions_BT
    return decoder(input_ids=ids_BT, use_cache=False, **given).last_hidden_state


def packed_states(decoder: Any, batch: Mapping[str, Any]) -> torch.Tensor:
    """The last states of a decoder's body [B, T, D], all rows computed as one sequence; zeros at padding."""
    packed = packing.pack(batch["ids"], batch["mask"], batch.get("positions"), batch.get("answers"))
    mask = attention.under(packed, decoder.dtype)
    said = decoder(input_ids=packed.ids, position_ids=packed.positions, attention_mask=mask, use_cache=False)
    return packed.spread(said.last_hidden_state)
