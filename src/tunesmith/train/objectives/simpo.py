"""Makes the mean token of the better answer likelier than that of the worse one by a margin (SimPO)."""

from __future__ import annotations

from pydantic import Field

from tunesmith.parts import Tensor
from tunesmith.train.objectives._pairs import PairObjective, Scored


class Simpo(PairObjective):
    """Simple preference optimisation (Meng et al. 2024): no reference, and length does not count."""

    beta: float = Field(2.0, gt=0, description="scale of the difference of mean log-probabilities")
    gamma: float = Field(1.0, ge=0, description="margin that the scaled difference is to reach")

    def sums(self, pairs: Scored) -> dict[str, Tensor]:
        from tunesmith.nn import preference_losses

        return {"pair": preference_losses.simpo_sum(pairs.means, self.beta, self.gamma)}

    def preference(self, pairs: Scored) -> Tensor:
        return self.beta * (pairs.means[:, 0] - pairs.means[:, 1])
