"""Writes on from prompts with a causal language model: many rows together, token by token, over a key-value cache.

Axes: B rows, T tokens, V words of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import torch

from tunesmith.nn import kv_cache, sampling

# (row, its new tokens so far, how many more it may have) → bool [V] of the words that may follow, None where none may
Allowed = Callable[[int, Sequence[int], int], np.ndarray | None]


class Token(NamedTuple):
    """A new token of a row.

    logprob: its natural log-probability as the model has it, before temperature, top_p and what is allowed.  rivals:
    (id, logprob) of the likeliest words here, best first.  end: '' while the row goes on, 'stop' where the token is one
    of `stops` or nothing may follow it, 'length' where there is no more room.  A row that can't begin has the id -1.
    """

    row: int
    id: int
    logprob: float
    rivals: tuple[tuple[int, float], ...]
    end: str


def decode(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    max_tokens: Sequence[int],
    stops: Container[int],
    seeds: Sequence[int],
    temperature: float = 0.0,
    top_p: float = 1.0,
    rivals: int = 0,
    allowed: Allowed | None = None,
    left: Container[int] = (),
) -> Iterator[list[Token]]:
    """At each step the new token of every row that still runs.

    model: a Hugging Face causal model in evaluation mode.  max_tokens, seeds: one for each prompt.  temperature 0: the
    likeliest token.  A row's tokens depend on its prompt and its seed, and on its neighbours only by rounding.  left:
    rows that the caller no longer wants; it may grow between steps.  Nothing here is kept for a whole thread, so
    several decodings may run in turns or in threads of their own.

    Raises ValueError for an empty prompt, one longer than the model's window, settings out of range and a model in
    training mode; FloatingPointError where the model's logits are no numbers.
    """
    window = window_of(model)
    _check(model, prompts, window)
    manner = _Manner(temperature, top_p, rivals)
    rooms = [
        most if window is None else min(most, window - len(prompt))
        for most, prompt in zip(max_tokens, prompts, strict=True)
    ]
    rows = [
        _Row(index, room, seed, allowed) for index, (room, seed) in enumerate(zip(rooms, seeds, strict=True))
    ]
    return _run(model, prompts, rows, stops, manner, left)


def window_of(model: Any) -> int | None:
    """How many tokens the model reads at most; None where its configuration does not say."""
    config = model.config.get_text_config(decoder=True)
    return getattr(config, "max_position_embeddings", None)


def _check(model: Any, prompts: Sequence[Sequence[int]], window: int | None) -> None:
    if model.training:
        raise ValueError("the model is in training mode; decoding needs model.eval()")
    for index, prompt in enumerate(prompts):
        if not prompt:
            raise ValueError(f"prompt {index} has no tokens")
        if window is not None and len(prompt) > window:
            raise ValueError(f"prompt {index} has {len(prompt)} tokens, the model's window is {window}")


def _run(
    model: Any,
    prompts: Sequence[Sequence[int]],
    rows: Sequence[_Row],
    stops: Container[int],
    manner: _Manner,
    left: Container[int],
) -> Iterator[list[Token]]:
    if idle := [Token(row.index, -1, 0.0, (), row.end) for row in rows if row.end]:
        yield idle
    running = [row for row in rows if not row.end and row.index not in left]
    if not running:
        return
    net = _Cached(model, [prompts[row.index] for row in running], max(row.room for row in running))
    logits_BV = net.prefill()
    while True:
        chosen = manner.choose(logits_BV, running)
        yield [
            Token(row.index, token, logprob, rivals, row.grow(token, stops))
            for row, (token, logprob, rivals) in zip(running, chosen, strict=True)
        ]
        places = [place for place, row in enumerate(running) if not row.end and row.index not in left]
        if not places:
            return
        if len(places) < len(running):
            net.keep(places)
            running = [running[place] for place in places]
        logits_BV = net.feed([row.ids[-1] for row in running])


class _Row:
    """One answer in the making.  room: tokens that it may have in all.  end: why it is over, '' while it is not."""

    __slots__ = ("_allowed", "draws", "end", "ids", "index", "mask", "room")

    def __init__(self, index: int, room: int, seed: int, allowed: Allowed | None) -> None:
        self.index, self.room, self._allowed = index, room, allowed
        self.ids: list[int] = []
        self.mask: np.ndarray | None = None
        self.draws = np.random.default_rng(seed % 2**64)
        self.end = "" if room > 0 else "length"
        self._ask()

    def grow(self, token: int, stops: Container[int]) -> str:
        """Take a token; why the row is over, or ''."""
        self.ids.append(token)
        self.end = "stop" if token in stops else "length" if len(self.ids) >= self.room else ""
        if self.end != "stop":
            self._ask()
        return self.end

    def _ask(self) -> None:
        """Find what may follow.  An answer that nothing may follow is whole, even where it just fills its room."""
        if self._allowed is None:
            return
        self.mask = self._allowed(self.index, self.ids, self.room - len(self.ids))
        if self.mask is None or not self.mask.any():
            self.end = "stop"


@dataclass(frozen=True, slots=True)
class _Manner:
    """How tokens are chosen and what is told of them."""

    temperature: float
    top_p: float
    rivals: int

    def __post_init__(self) -> None:
        if not (isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature is {self.temperature}; it must be 0 or more")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; it must be above 0 and at most 1")
        if self.rivals < 0:
            raise ValueError(f"rivals is {self.rivals}; it must be 0 or more")

    @torch.inference_mode()
    def choose(self, logits_BV: torch.Tensor, rows: Sequence[_Row]) -> list[tuple[int, float, Any]]:
        """(id, log-probability, rivals) for each row."""
        totals_B1 = logits_BV.logsumexp(-1, keepdim=True)
        within_BV = _within(logits_BV, rows)
        chosen_B = sampling.choose(within_BV, self._draws(rows, logits_BV), self.temperature, self.top_p)
        logprobs = (logits_BV.gather(-1, chosen_B[:, None]) - totals_B1)[:, 0].tolist()
        if not all(map(isfinite, logprobs)):
            raise FloatingPointError("the model's logits are no numbers (NaN or infinite)")
        told = self._rivals(logits_BV, totals_B1) if self.rivals else [()] * len(rows)
        return list(zip(chosen_B.tolist(), logprobs, told, strict=True))

    def _draws(self, rows: Sequence[_Row], like: torch.Tensor) -> torch.Tensor | None:
        if not self.temperature:
            return None
        return torch.tensor([row.draws.random() for row in rows], dtype=torch.float64, device=like.device)

    def _rivals(
        self, logits_BV: torch.Tensor, totals_B1: torch.Tensor
    ) -> list[tuple[tuple[int, float], ...]]:
        best = logits_BV.topk(min(self.rivals, logits_BV.shape[-1]))
        logprobs = (best.values - totals_B1).tolist()
        return [tuple(zip(*row, strict=True)) for row in zip(best.indices.tolist(), logprobs, strict=True)]


def _within(logits_BV: torch.Tensor, rows: Sequence[_Row]) -> torch.Tensor:
    """The logits with -inf for what a row may not say."""
    masks = [row.mask for row in rows if row.mask is not None]
    if not masks:
        return logits_BV
    return sampling.restrict(logits_BV, torch.from_numpy(np.stack(masks)).to(logits_BV.device))


class _Cached:
    """What the model remembers of the running rows.  Prompts are padded on the left, so all rows end in one column."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], room: int) -> None:
        self.model, self.device = model, next(model.parameters()).device
        width = max(map(len, prompts))
        lengths_B1 = torch.tensor([[len(prompt)] for prompt in prompts], device=self.device)
        self.places_BT = torch.arange(width, device=self.device) - (width - lengths_B1)
        self.ids_BT = torch.tensor(
            [[0] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=self.device
        )
        self.mask_BT = torch.ones(len(prompts), width + room, dtype=torch.bool, device=self.device)
        self.mask_BT[:, :width] = self.places_BT >= 0
        self.padded = bool((lengths_B1 < width).any())
        self.cache = kv_cache.empty(model.config)
        self.columns = 0

    def prefill(self) -> torch.Tensor:
        """Read the prompts whole: float32 logits [B, V] of what follows."""
        return self._forward(self.ids_BT, self.places_BT.clamp(min=0))

    def feed(self, tokens: Sequence[int]) -> torch.Tensor:
        """Read one more token of each row: float32 logits [B, V] of what follows."""
        self.places_BT = self.places_BT[:, -1:] + 1
        return self._forward(torch.tensor(tokens, device=self.device)[:, None], self.places_BT)

    @torch.inference_mode()
    def _forward(self, ids_BT: torch.Tensor, places_BT: torch.Tensor) -> torch.Tensor:
        self.columns += ids_BT.shape[1]
        said = self.model(
            input_ids=ids_BT,
            attention_mask=self.mask_BT[:, : self.columns] if self.padded else None,
            position_ids=places_BT,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return said.logits[:, -1].float()

    @torch.inference_mode()
    def keep(self, places: Sequence[int]) -> None:
        """Forget the rows at all other places."""
        at = torch.tensor(places, device=self.device)
        self.cache.batch_select_indices(at)
        self.mask_BT, self.places_BT = self.mask_BT[at], self.places_BT[at]
        self.padded = not bool(self.mask_BT.all())
