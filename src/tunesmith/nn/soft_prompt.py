"""Virtual tokens before the first one of every row (Lester et al. 2021).

They are put in where the backbone reads its words, and taken out of what it says: whoever calls it sees the tokens that
it gave.  With a key-value cache they are read once, before all else.  Axes: B rows, T tokens, P virtual tokens, S
tokens that attention sees, D features.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import torch
from torch import nn

NAME = "prompt_embeddings"  # as in PEFT's files


def prepend(backbone: Any, rows_PD: torch.Tensor) -> None:
    """Let a backbone read `rows_PD` before each row; its window is so much smaller."""
    inner = backbone.base_model
    setattr(inner, NAME, nn.Parameter(rows_PD))
    inner.register_forward_pre_hook(_before, with_kwargs=True)
    inner.register_forward_hook(_after, with_kwargs=True)
    config = backbone.config.get_text_config(decoder=True)
    inner.soft_window = getattr(config, "max_position_embeddings", None)
    if inner.soft_window:
        config.max_position_embeddings = inner.soft_window - len(rows_PD)


def words(backbone: Any, count: int) -> torch.Tensor:
    """The vectors [P, D] of words drawn from the backbone's vocabulary by torch's own generator."""
    table = backbone.get_input_embeddings()
    with torch.no_grad():
        return table(torch.randint(table.num_embeddings, (count,), device=table.weight.device)).clone()


def noise(backbone: Any, count: int) -> torch.Tensor:
    """Random vectors [P, D] as spread as the backbone's words."""
    known = words(backbone, 1024)
    return torch.randn(count, known.shape[1], device=known.device) * known.std()


def _before(inner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[()], dict[str, Any]]:
    """What the backbone is given, with the virtual tokens in it."""
    given = (
        {**dict(zip(signature(inner.forward).parameters, args, strict=False)), **kwargs} if args else kwargs
    )
    rows_PD = getattr(inner, NAME)
    mask, count, begun = given.get("attention_mask"), len(rows_PD), _is_begun(given)
    if not begun:
        words_BTD = given.get("inputs_embeds")
        if words_BTD is None:
            words_BTD = inner.get_input_embeddings()(given.pop("input_ids"))
        _require_room(inner, count + words_BTD.shape[1])
        front_BPD = rows_PD.to(words_BTD.dtype).expand(len(words_BTD), -1, -1)
        given["inputs_embeds"] = _inserted(front_BPD, words_BTD, mask)
    if given.get("token_type_ids") is not None and not begun:
        kinds_BT = given["token_type_ids"]
        given["token_type_ids"] = _inserted(kinds_BT[:, :1].expand(-1, count), kinds_BT, mask)
    if given.get("position_ids") is not None:
        given["position_ids"] = _shifted(given["position_ids"], count, begun, mask)
    given["attention_mask"] = _seen(mask, count, begun)
    return (), given


def _after(inner: Any, _args: Any, kwargs: Mapping[str, Any], said: Any) -> Any:
    """What the backbone says, without what it says of virtual tokens."""
    if kwargs.get("inputs_embeds") is not None:
        count, mask = len(getattr(inner, NAME)), kwargs.get("attention_mask")
        said.last_hidden_state = _without(said.last_hidden_state, count, mask)
        if said.get("hidden_states") is not None:
            said.hidden_states = tuple(_without(states, count, mask) for states in said.hidden_states)
    return said


def _is_begun(given: Mapping[str, Any]) -> bool:
    """Whether a cache holds tokens already, and so the virtual ones."""
    cache = given.get("past_key_values")
    return cache is not None and cache.get_seq_length() > 0


def _require_room(inner: Any, length: int) -> None:
    if inner.soft_window and length > inner.soft_window:
        raise ValueError(
            f"{length} tokens, virtual ones among them, are more than the window of {inner.soft_window}"
        )


def _starts(mask: Any) -> torch.Tensor | None:
    """Where each row begins [B, 1]; None where no row is padded on the left.

    The virtual tokens stand right before a row's first: between them and it, padding would count in the distance that a
    sliding window looks back.
    """
    if mask is None or isinstance(mask, Mapping) or mask.ndim != 2 or bool(mask[:, 0].all()):
        return None
    return mask.long().argmax(1, keepdim=True)


def _inserted(front: torch.Tensor, rows: torch.Tensor, mask: Any) -> torch.Tensor:
    """[B, P + T, …]: `front` [B, P, …] before the first real one of `rows` [B, T, …]."""
    both, starts_B1 = torch.cat([front, rows], 1), _starts(mask)
    if starts_B1 is None:
        return both
    count, at = front.shape[1], torch.arange(both.shape[1], device=both.device)
    padding, within = at < starts_B1, (at >= starts_B1) & (at < starts_B1 + count)
    source = torch.where(padding, at + count, torch.where(within, at - starts_B1, at))
    return _taken(both, source)


def _without(states: torch.Tensor, count: int, mask: Any) -> torch.Tensor:
    """The inverse of `_inserted`: [B, T, …]; `mask` is that with the virtual tokens in it."""
    starts_B1 = _starts(mask)
    if starts_B1 is None:
        return states[:, count:]
    at = torch.arange(states.shape[1] - count, device=states.device)
    return _taken(states, torch.where(at < starts_B1, at, at + count))


def _taken(rows: torch.Tensor, at_BT: torch.Tensor) -> torch.Tensor:
    return rows[torch.arange(len(rows), device=rows.device)[:, None], at_BT]


def _shifted(places: torch.Tensor, count: int, begun: bool, mask: Any) -> torch.Tensor:
    """Places [B, T] behind the virtual tokens, which have the first ones."""
    if begun:
        return places + count
    first = torch.arange(count, device=places.device).expand(len(places), count)
    return _inserted(first, places + count, mask)


def _seen(mask: Any, count: int, begun: bool) -> Any:
    """A mask with the virtual tokens in it: [B, S] (1 = real), [B, 1, T, S] (booleans, or added to scores), or several
    by the kind of layer.  Every token sees them; among themselves they are causal."""
    if isinstance(mask, Mapping):
        return {kind: _seen(each, count, begun) for kind, each in mask.items()}
    if mask is None or mask.ndim == 2:
        return mask if mask is None else _inserted(mask.new_ones(len(mask), count), mask, mask)
    shown, hidden = (True, False) if mask.dtype == torch.bool else (0.0, torch.finfo(mask.dtype).min)
    wide = torch.cat([mask.new_full((*mask.shape[:-1], count), shown), mask], -1)
    if begun:
        return wide
    rows = mask.new_full((*mask.shape[:-2], count, wide.shape[-1]), hidden)
    causal = torch.ones(count, count, dtype=torch.bool, device=mask.device).tril()
    rows[..., :count] = rows[..., :count].masked_fill(causal, shown)
    return torch.cat([rows, wide], -2)
