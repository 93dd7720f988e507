"""Learns the better answer and makes its odds higher than those of the worse one (ORPO)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tunesmith.parts import Tensor
from tunesmith.train.objectives._pairs import PairObjective, Scored


class Orpo(PairObjective):
    """Odds ratio preference optimisation (Hong et al. 2024): instruction tuning and preference in one, no reference.

    The supervised term is a mean over tokens of chosen answers, the odds ratio's a mean over pairs.
    """

    terms: ClassVar[tuple[str, ...]] = ("token", "pair")

    weight: float = Field(0.1, gt=0, description="weight of the odds ratio beside the supervised term")

    def sums(self, pairs: Scored) -> dict[str, Tensor]:
        from tunesmith.nn import preference_losses

        odds = preference_losses.orpo_sum(pairs.means)
        return {"token": -pairs.policy[:, 0].sum(), "pair": self.weight * odds}

    def preference(self, pairs: Scored) -> Tensor:
        from tunesmith.nn import preference_losses

        odds = preference_losses.log_odds(pairs.means)
        return odds[:, 0] - odds[:, 1]
