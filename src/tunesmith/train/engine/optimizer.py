"""AdamW over all that moves: float32 masters where the net's numbers are narrower, embedding rows only once read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tunesmith import doors
from tunesmith.errors import IntegrityError
from tunesmith.parts import Group, Net, Tensor

if TYPE_CHECKING:
    from tunesmith.nn.touched import Touched

BETAS = (0.9, 0.999)
EPSILON = 1e-8
MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class Optimizer:
    """What moves, its gradients' sums and its moments, all in float32.

    A parameter that the net holds in float32 is its own master; a narrower one has a copy that takes the updates, so
    that small steps are not rounded away.  Large embeddings take part by the rows that were read (`nn.touched`).
    """

    def __init__(
        self, net: Net, groups: Sequence[Group], masters: Mapping[str, Tensor], decay: float
    ) -> None:
        """masters: name → float32 values of each parameter: its own memory, or where the net was made narrower what it
        was before."""
        from tunesmith.nn import adamw, touched

        self._torch = doors.open("torch")
        self._groups = groups
        self._params: dict[str, Tensor] = {name: p for group in groups for name, p in group.members}
        large = touched.tables(net)
        self._tables: dict[str, Touched] = {
            name: touched.Touched(large[id(p)], masters[name])
            for name, p in self._params.items()
            if id(p) in large
        }
        self._masters = {name: masters[name] for name in self._params if name not in self._tables}
        self._apart = [name for name, m in self._masters.items() if m.dtype != self._params[name].dtype]
        self._adam = adamw.AdamW(
            [
                {
                    "params": [self._leaf(name) for name, _ in group.members],
                    "weight_decay": decay if group.decay else 0.0,
                }
                for group in groups
            ],
            betas=BETAS,
            eps=EPSILON,
        )

    def take(self) -> None:
        """Add the net's gradients to the sums, and forget them."""
        for table in self._tables.values():
            table.take()
        for name, master in self._masters.items():
            param = self._params[name]
            if param.grad is None:
                continue
            fresh, param.grad = param.grad.float(), None
            master.grad = fresh if master.grad is None else master.grad.add_(fresh)

    def step(self, rate: float, share: float, clip: float) -> float:
        """Clip, update, forget the gradients; the norm before clipping.

        A norm that is not finite is returned and nothing is updated.
        """
        gradients = [each for each in map(self._gradient, self._params) if each is not None]
        norm = float(self._torch.nn.utils.get_total_norm(gradients))
        if math.isfinite(norm):
            if norm > clip:
                self._torch._foreach_mul_(gradients, clip / (norm + 1e-6))
            self._seat()
            self._update(rate, share)
            self.publish()
        self.forget()
        return norm

    def _update(self, rate: float, share: float) -> None:
        for state, group in zip(self._adam.param_groups, self._groups, strict=True):
            state["lr"] = rate * group.scale * (share >= group.opens_at)
            for name, _ in group.members:
                if name in self._tables:
                    self._tables[name].shrink *= 1.0 - state["lr"] * state["weight_decay"]
        self._adam.step()

    def forget(self) -> None:
        """Drop the gradients' sums."""
        for name in self._params:
            self._leaf(name).grad = None

    def settle(self) -> None:
        """Let the net hold what it would with every embedding row updated at every step."""
        for table in self._tables.values():
            table.settle()

    def publish(self) -> None:
        """Put the masters' numbers into the net."""
        for table in self._tables.values():
            table.publish()
        if self._apart:
            into, values = ([held[name] for name in self._apart] for held in (self._params, self._masters))
            with self._torch.no_grad():
                self._torch._foreach_copy_(into, values)

    def complete(self) -> None:
        """Put all numbers into the net as precisely as it holds them."""
        self.publish()
        for table in self._tables.values():
            table.complete()

    def tensors(self) -> dict[str, Tensor]:
        """Everything that `load` needs to go on with the same bits."""
        found = {f"weight/{name}": master for name, master in self._masters.items()}
        for name, table in self._tables.items():
            found |= {f"{key}/{name}": value for key, value in table.saved().items()}
        for name in self._params:
            leaf = self._leaf(name)
            found |= {f"{key}/{name}": value for key, value in self._adam.state.get(leaf, {}).items()}
        return found

    def weights(self) -> dict[str, Tensor]:
        """The float32 weights that move, as a copy."""
        self.settle()
        held = {name: table.saved()["weight"] for name, table in self._tables.items()}
        return {f"weight/{name}": (self._masters | held)[name].clone() for name in self._params}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` or `weights` gave.  Raises IntegrityError I304 where names or shapes differ."""
        whole = self._masters | {name: table.saved()["weight"] for name, table in self._tables.items()}
        for name, master in whole.items():
            saved = tensors.get(f"weight/{name}")
            if saved is None or saved.shape != master.shape:
                raise IntegrityError(
                    "I304",
                    f"the checkpoint does not fit: '{name}'",
                    expected="a checkpoint of this recipe and base",
                )
            if name in self._tables:
                self._tables[name].restore(
                    saved, tensors.get(f"rows/{name}"), tensors.get(f"shrink/{name}", 1.0)
                )
            else:
                master.copy_(saved)
        self._seat()
        self._load_moments(tensors)
        self.publish()

    def _load_moments(self, tensors: Mapping[str, Tensor]) -> None:
        for name in self._params:
            moments = {key: tensors[f"{key}/{name}"] for key in MOMENTS if f"{key}/{name}" in tensors}
            if moments:
                leaf = self._leaf(name)
                self._adam.state[leaf] = {
                    key: value.to(leaf.device, copy=True) for key, value in moments.items()
                }

    def _leaf(self, name: str) -> Tensor:
        return self._tables[name].leaf if name in self._tables else self._masters[name]

    def _gradient(self, name: str) -> Tensor | None:
        return self._tables[name].gradient if name in self._tables else self._masters[name].grad

    def _seat(self) -> None:
        """Give the optimiser the tables' rows as they are: with more of them a table is another tensor."""
        for state, group in zip(self._adam.param_groups, self._groups, strict=True):
            for place, (name, _) in enumerate(group.members):
                old, leaf = state["params"][place], self._leaf(name)
                if old is leaf:
                    continue
                state["params"][place] = leaf
                moments = self._adam.state.pop(old, {})
                if moments:
                    self._adam.state[leaf] = {
                        key: value if key == "step" else _grown(value, leaf) for key, value in moments.items()
                    }


def _grown(moment: Tensor, leaf: Tensor) -> Tensor:
    larger = leaf.new_zeros(leaf.shape)
    larger[: len(moment)] = moment
    return larger
