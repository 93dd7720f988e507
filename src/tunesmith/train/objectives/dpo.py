"""Makes the better answer likelier than the worse one, measured from the model as it was (DPO, IPO)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from tunesmith.parts import Tensor
from tunesmith.train.objectives._pairs import PairObjective, Scored


class Dpo(PairObjective):
    """Direct preference optimisation (Rafailov et al. 2023); with loss "ipo" identity preference optimisation (Azar et
    al. 2023), with label_smoothing conservative DPO (Mitchell 2023).

    The reference is the net as the run begins; its log-probabilities are computed once and kept.
    """

    usual: ClassVar[bool] = True
    rate: ClassVar[float] = 0.125  # with more it is too sure of itself: measured, bench/preferences.py
    referred: ClassVar[bool] = True

    beta: float = Field(0.1, gt=0, description="how much moving away from the reference costs")
    loss: Literal["sigmoid", "ipo"] = Field(
        "sigmoid", description="sigmoid: DPO; ipo: squared, to a set margin"
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=0.5, description="share of pairs whose order is held to be wrong (sigmoid only)"
    )
    length_normalised: bool = Field(
        False, description="answers are compared by their mean token, so that length does not count"
    )

    @field_validator("label_smoothing")
    @classmethod
    def _read_by_sigmoid(cls, value: float, info: ValidationInfo) -> float:
        if value and info.data.get("loss") == "ipo":
            raise ValueError("label_smoothing has no effect with loss = 'ipo'")
        return value

    def _margin(self, pairs: Scored) -> Tensor:
        from tunesmith.nn import preference_losses

        share = pairs.sizes if self.length_normalised else 1.0
        return preference_losses.margin(pairs.policy / share, pairs.reference / share)

    def sums(self, pairs: Scored) -> dict[str, Tensor]:
        from tunesmith.nn import preference_losses

        if self.loss == "ipo":
            return {"pair": preference_losses.ipo_sum(self._margin(pairs), self.beta)}
        return {"pair": preference_losses.dpo_sum(self._margin(pairs), self.beta, self.label_smoothing)}

    def preference(self, pairs: Scored) -> Tensor:
        return self.beta * self._margin(pairs)
