"""Embedding rows that training has read: only they have gradients, so only they need moments and updates.

A row that no batch has read has never had a gradient: its moments are zero, and all that AdamW does to it is to shrink
it by the weight decay.  So the optimiser is given a small table of the rows that were read, and the factor by which the
others have shrunk waits until one of them is read, or until all are.  What comes out is what the whole table gives.

Axes: V rows of the table, S rows that were read, D features.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

FEWEST = 4096  # rows from which on a table is worth it
SMALLEST = 1024  # rows for which the small table has room at first


def tables(net: nn.Module) -> dict[int, nn.Embedding]:
    """id of the weight → module: the large embeddings that move and that no other module shares."""
    owners: dict[int, list[nn.Module]] = {}
    for module in net.modules():
        for weight in module.parameters(recurse=False):
            owners.setdefault(id(weight), []).append(module)
    return {
        key: held[0]
        for key, held in owners.items()
        if len(held) == 1
        and isinstance(held[0], nn.Embedding)
        and held[0].weight.requires_grad
        and held[0].num_embeddings >= FEWEST
        and held[0].max_norm is None
        and not held[0].scale_grad_by_freq
    }


class Touched:
    """The rows of one embedding that were read.

    leaf: float32 [room, D], what the optimiser updates; its first rows are those read, in the order in which they were
    first read, the others zero.  `room` is a function of their number alone, so that a resumed run computes in the same
    shapes.  shrink: by what the rows that nobody read are still to be multiplied.
    """

    def __init__(self, module: nn.Embedding, whole_VD: torch.Tensor) -> None:
        """whole: the table in float32; the module's own numbers, or where these are narrower a copy from before."""
        self._param, self._whole = module.weight, whole_VD
        self._apart = module.weight.data_ptr() != whole_VD.data_ptr()
        self._slots = torch.full((len(self._whole),), -1, dtype=torch.long, device=self._whole.device)
        self.rows = self._slots[:0]
        self.leaf = self._whole.new_zeros(0, self._whole.shape[1])
        self.shrink = 1.0
        module.sparse = True
        module.register_forward_pre_hook(self._read)

    @property
    def gradient(self) -> torch.Tensor | None:
        """[S, D] of the rows that were read; None where there is none."""
        return None if self.leaf.grad is None else self.leaf.grad[: len(self.rows)]

    def _read(self, module: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if module.training and torch.is_grad_enabled():
            self.touch(given[0].reshape(-1))

    def touch(self, ids: torch.Tensor) -> None:
        """Give the rows of these ids a place in `leaf`."""
        fresh = ids[self._slots[ids] < 0].unique()
        if not len(fresh):
            return
        self._slots[fresh] = torch.arange(len(self.rows), len(self.rows) + len(fresh), device=fresh.device)
        self.rows = torch.cat([self.rows, fresh])
        values = self._whole[fresh] * self.shrink
        self._put(fresh, values)
        self._grow(values)

    def _put(self, rows: torch.Tensor, values: torch.Tensor) -> None:
        with torch.no_grad():
            self._whole.index_copy_(0, rows, values)
            if self._apart:
                self._param.index_copy_(0, rows, values.to(self._param.dtype))

    def _grow(self, values: torch.Tensor) -> None:
        """Room for the newest rows, which have these values."""
        before, count = len(self.rows) - len(values), len(self.rows)
        room = max(SMALLEST, 1 << (count - 1).bit_length())
        if room > len(self.leaf):
            self.leaf, old = self._whole.new_zeros(room, values.shape[1]), self.leaf
            self.leaf[:before] = old[:before]
            if old.grad is not None:
                self.leaf.grad = torch.zeros_like(self.leaf)
                self.leaf.grad[:before] = old.grad[:before]
        self.leaf[before:count] = values

    def take(self) -> None:
        """Add the table's gradient to that of `leaf`, and forget it."""
        found, self._param.grad = self._param.grad, None
        if found is None:
            return
        if not found.is_sparse:  # somebody else asks for the table as a whole: every row has a gradient
            self.touch(torch.arange(len(self._whole), device=found.device))
            ids, values = self.rows, found[self.rows]
        else:
            ids, values = found._indices()[0], found._values()
        if self.leaf.grad is None:
            self.leaf.grad = torch.zeros_like(self.leaf)
        self.leaf.grad.index_add_(0, self._slots[ids], values.float())

    def publish(self) -> None:
        """Put the updated rows into the net."""
        self._put(self.rows, self.leaf[: len(self.rows)])

    def settle(self) -> None:
        """Shrink the rows that nobody read, so that the net holds what the whole table would."""
        if self.shrink == 1.0:
            return
        factors = torch.where(self._slots < 0, self.shrink, 1.0).to(self._whole.dtype)
        with torch.no_grad():
            self._whole.mul_(factors[:, None])
            if self._apart:
                self._param.copy_(self._whole)
        self.shrink = 1.0

    def complete(self) -> None:
        """Let the net hold the whole table, unrounded where it can."""
        self.settle()
        if self._apart:
            with torch.no_grad():
                self._param.copy_(self._whole)

    def saved(self) -> dict[str, torch.Tensor]:
        """What `restore` needs: weight [V, D], rows [S], shrink."""
        shrink = torch.tensor(self.shrink, dtype=torch.float64)
        return {"weight": self._whole, "rows": self.rows, "shrink": shrink}

    def restore(self, weight: torch.Tensor, rows: torch.Tensor | None, shrink: Any) -> None:
        """Be as `saved` said; without rows, those that were read so far are kept."""
        with torch.no_grad():
            self._whole.copy_(weight)
            if self._apart:
                self._param.copy_(self._whole)
        read = self.rows if rows is None else rows
        self._slots.fill_(-1)
        self.rows, self.leaf, self.shrink = self._slots[:0], self.leaf[:0], 1.0
        if len(read):
            self._slots[read] = torch.arange(len(read), device=read.device)
            self.rows = read.clone()
            self._grow(self._whole[self.rows])
        self.shrink = float(shrink)
