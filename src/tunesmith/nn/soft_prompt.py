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
    given = {**dict(zip(signature(inner.forward).parameters, args, strict=False)), **kwargs}
    rows_PD = getattr(inner, NAME)
    count, begun = len(rows_PD), _is_begun(given)
    if not begun:
        given["inputs_embeds"] = _joined(inner, given.pop("input_ids", None), given.get("inputs_embeds"))
    given["attention_mask"] = _seen(given.get("attention_mask"), count, begun)
    for name in ("position_ids", "cache_position"):
        if given.get(name) is not None:
            given[name] = _shifted(given[name], count, begun)
    if given.get("token_type_ids") is not None and not begun:
        kinds_BT = given["token_type_ids"]
        given["token_type_ids"] = torch.cat([kinds_BT[:, :1].expand(-1, count), kinds_BT], 1)
    return (), given


def _after(inner: Any, _args: Any, kwargs: Mapping[str, Any], said: Any) -> Any:
    """What the backbone says, without what it says of virtual tokens."""
    if kwargs.get("inputs_embeds") is not None:
        count = len(getattr(inner, NAME))
        said.last_hidden_state = said.last_hidden_state[:, count:]
        if said.get("hidden_states") is not None:
            said.hidden_states = tuple(states_BTD[:, count:] for states_BTD in said.hidden_states)
    return said


def _is_begun(given: Mapping[str, Any]) -> bool:
    """Whether a cache holds tokens already, and so the virtual ones."""
    cache = given.get("past_key_values")
    return cache is not None and cache.get_seq_length() > 0


def _joined(inner: Any, ids_BT: torch.Tensor | None, states_BTD: torch.Tensor | None) -> torch.Tensor:
    if states_BTD is None:
        states_BTD = inner.get_input_embeddings()(ids_BT)
    assert states_BTD is not None
    rows_PD = getattr(inner, NAME).to(states_BTD.dtype)
    whole, window = len(rows_PD) + states_BTD.shape[1], inner.soft_window
    if window and whole > window:
        raise ValueError(f"{whole} tokens, virtual ones among them, are more than the window of {window}")
    return torch.cat([rows_PD.expand(len(states_BTD), -1, -1), states_BTD], 1)


def _shifted(places: torch.Tensor, count: int, begun: bool) -> torch.Tensor:
    """Places [T] or [B, T] behind the virtual tokens, which have the first ones."""
    if begun:
        return places + count
    first = torch.arange(count, device=places.device).expand(*places.shape[:-1], count)
    return torch.cat([first, places + count], -1)


def _seen(mask: Any, count: int, begun: bool) -> Any:
    """A mask with the virtual tokens in it: [B, S] (1 = real), [B, 1, T, S] (booleans, or added to scores), or several
    by the kind of layer.  Every token sees them; among themselves they are causal."""
    if isinstance(mask, Mapping):
        return {kind: _seen(each, count, begun) for kind, each in mask.items()}
    if mask is None or mask.ndim == 2:
        return mask if mask is None else torch.cat([mask.new_ones(len(mask), count), mask], 1)
    shown, hidden = (True, False) if mask.dtype == torch.bool else (0.0, torch.finfo(mask.dtype).min)
    wide = torch.cat([mask.new_full((*mask.shape[:-1], count), shown), mask], -1)
    if begun:
        return wide
    rows = mask.new_full((*mask.shape[:-2], count, wide.shape[-1]), hidden)
    causal = torch.ones(count, count, dtype=torch.bool, device=mask.device).tril()
    rows[..., :count] = rows[..., :count].masked_fill(causal, shown)
    return torch.cat([rows, wide], -2)
