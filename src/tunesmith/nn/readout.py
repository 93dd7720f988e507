"""The last steps of a causal model: its output matrix and what is done to the products.

Families cap their logits (Gemma 2), multiply or divide them (Cohere, Granite) and call the settings by many names.  So
the settings are not read: the family's own forward is shown chosen numbers in place of its products, and what it makes
of them says scale and cap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from tunesmith.nn import int8, token_loss

PROBES = (2.0**-20, -(2.0**-20), 1.0, -3.0, 2.0**20, 2.0**40)  # the last one reaches every cap
CLOSE = 1e-5  # relative: what float32 leaves of numbers that are equal


@dataclass(frozen=True, slots=True)
class Readout:
    """The matrix is given the states times `before`; logits are cap · tanh(scale · product / cap), and scale · product
    where cap is None."""

    scale: float = 1.0
    cap: float | None = None
    before: float = 1.0

    def __call__(self, products: torch.Tensor) -> torch.Tensor:
        scaled = products * self.scale
        return scaled if self.cap is None else self.cap * torch.tanh(scaled / self.cap)

    def logprobs(
        self, matrix: nn.Module, hidden_ND: torch.Tensor, targets_N: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(log-probability [N], whether it is the likeliest [N]) of each target."""
        if type(matrix) is not nn.Linear:
            return self._by_calls(matrix, hidden_ND, targets_N)
        states, rows = self._given(matrix, hidden_ND), token_loss.rows_at_once(matrix.out_features)
        return token_loss.logprobs(
            states,
            matrix.weight,
            targets_N,
            rows,
            bias=matrix.bias,
            cap=self.cap,
            scale=self.scale,
            small=int8.beside(matrix),
        )

    def nll_sum(
        self, matrix: nn.Module, hidden_ND: torch.Tensor, targets_N: torch.Tensor, weights_N: torch.Tensor
    ) -> torch.Tensor:
        """Σ weight · −log-probability of each target, a scalar."""
        if type(matrix) is not nn.Linear:
            return -(weights_N * self._by_calls(matrix, hidden_ND, targets_N)[0]).sum()
        states, rows = self._given(matrix, hidden_ND), token_loss.rows_at_once(matrix.out_features)
        return token_loss.cross_entropy_sum(
            states,
            matrix.weight,
            targets_N,
            weights_N,
            rows,
            bias=matrix.bias,
            cap=self.cap,
            scale=self.scale,
            small=int8.beside(matrix),
        )

    def _given(self, matrix: nn.Linear, hidden_ND: torch.Tensor) -> torch.Tensor:
        states = hidden_ND if self.before == 1.0 else hidden_ND * self.before
        return states.to(matrix.weight.dtype)

    def _by_calls(
        self, matrix: nn.Module, hidden_ND: torch.Tensor, targets_N: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """For a matrix that is more than a matrix (low-rank updates, 4 bits): its own call, twice per chunk."""

        def chunk(states: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            logits = self(matrix(states * self.before).float())
            own = logits.log_softmax(-1).gather(1, targets[:, None])[:, 0]
            return own, logits.argmax(-1) == targets

        rows = token_loss.FEWEST
        parts = [
            checkpoint(chunk, states, targets, use_reentrant=False)
            for states, targets in zip(hidden_ND.split(rows), targets_N.split(rows), strict=True)
        ]
        own, right = zip(*parts, strict=True)
        return torch.cat(own), torch.cat(right)


def of(backbone: Any) -> Readout:
    """What a causal model does after its body.

    Raises ValueError for a model that reads ahead, that has no single output matrix, or whose logits are something
    else: it would learn another loss than its own.
    """
    matrix = backbone.get_output_embeddings()
    if matrix is None:
        raise ValueError("this model has no output matrix")
    ids = torch.tensor([[0, 1, 2], [0, 1, 3]], device=next(backbone.parameters()).device)
    training = backbone.training
    backbone.eval()
    with torch.no_grad():
        states = body(backbone)(input_ids=ids, use_cache=False).last_hidden_state
        read, said = _shown(backbone, matrix, ids)
    backbone.train(training)
    return _explained(said, _compared(states, read))


def body(backbone: Any) -> Any:
    """What a causal model has below its output matrix.  Raises ValueError where that is no module of its own."""
    if backbone.base_model is backbone:
        raise ValueError("this model has no body apart from its output matrix")
    return backbone.base_model


def _shown(backbone: Any, matrix: nn.Module, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(what the matrix is given, what the model makes of the probes) in the model's own forward."""
    seen: list[torch.Tensor] = []

    def probe(_: nn.Module, given: tuple[torch.Tensor, ...], products: torch.Tensor) -> torch.Tensor:
        seen.append(given[0])
        instead = torch.zeros(products.shape, dtype=torch.float64, device=products.device)
        instead[..., : len(PROBES)] = torch.tensor(PROBES, dtype=torch.float64)
        return instead

    hook = matrix.register_forward_hook(probe)
    try:
        said = backbone(input_ids=ids, use_cache=False).logits
    finally:
        hook.remove()
    if len(seen) != 1:
        raise ValueError(f"this model uses its output matrix {len(seen)} times for one text, not once")
    return seen[0], said[0, -1, : len(PROBES)].double()


def _compared(states: torch.Tensor, read: torch.Tensor) -> float:
    """What the states are multiplied by before the matrix reads them."""
    before = 1.0 if read.equal(states) else ((read * states).sum() / states.square().sum()).item()
    size = states.abs().max().item() + 1e-12
    if (
        states.shape != read.shape
        or not (states * before - read).abs().max().item() <= CLOSE * abs(before) * size
    ):
        raise ValueError("this model changes its states before the output matrix")
    if (states[0, :2] - states[1, :2]).abs().max().item() > CLOSE * size:
        raise ValueError("this model reads what comes after a token: it can't learn to say what comes next")
    return before


def _explained(said: torch.Tensor, before: float) -> Readout:
    probes = torch.tensor(PROBES, dtype=torch.float64, device=said.device)
    scale = (said[0] / probes[0]).item()
    capped = abs(said[-1].item()) < abs(scale) * PROBES[-1] / 2
    readout = Readout(scale, said[-1].item() if capped else None, before)
    if not torch.allclose(readout(probes), said, rtol=CLOSE, atol=0.0):
        raise ValueError("the logits of this model are more than scaled and capped products")
    return readout
