"""Virtual tokens before every row: they alone are learnt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from tunesmith import doors
from tunesmith.nn import parameters
from tunesmith.parts import Group, Net, NeuralTask, Task, Tensor, Tuning
from tunesmith.train.tuning import _peft, _whole


class Prompt(Tuning):
    """Prompt tuning (Lester et al. 2021).

    The virtual tokens take room in the base's window.  Its answers differ from the base's from the first step on.  No
    matrix of the base moves: `merge` raises ValueError and `change` yields nothing.
    """

    # vectors of words are large beside weights: rates of 0.001 hardly move them
    peak_lr: ClassVar[float] = 3e-2
    adds: ClassVar[bool] = True
    measurable: ClassVar[bool] = False
    head: float = Field(1.0, gt=0, description="learning rate of the head ÷ that of the other weights")
    tokens: int = Field(16, ge=1, le=1024, description="virtual tokens")
    begin: Literal["words", "noise"] = Field(
        "words",
        description="what they begin as: words drawn from the vocabulary, or noise as spread as these",
    )

    @property
    def room(self) -> int:
        return self.tokens

    def serves(self, task: Task) -> bool:
        return isinstance(task, NeuralTask)

    def apply(self, net: Net) -> Net:
        from tunesmith.nn import soft_prompt

        net.requires_grad_(False)
        rows = (soft_prompt.words if self.begin == "words" else soft_prompt.noise)(net.backbone, self.tokens)
        soft_prompt.prepend(net.backbone, rows)
        net.head.requires_grad_(True)
        return net

    def groups(self, net: Net) -> list[Group]:
        # words are not near zero
        return _whole.groups(net, _whole.Pace(self.head, shrinks=False))

    def delta(self, net: Net) -> dict[str, Tensor]:
        return parameters.moving(net)

    def load(self, net: Net, delta: Mapping[str, Tensor]) -> None:
        parameters.put(net, delta)

    def change(self, net: Net, start: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        yield from ()

    def merge(self, net: Net) -> Net:
        raise ValueError("virtual tokens are no part of any matrix of the base")

    def card(self, net: Net, base: str) -> dict[str, Any] | None:
        """None for a network with a head of its own: PEFT asks transformers' own class for that."""
        if parameters.has_own_head(net):
            return None
        config = net.backbone.config.get_text_config(decoder=True)
        return _peft.card(
            doors.open("peft").PromptTuningConfig(
                task_type="CAUSAL_LM",
                num_virtual_tokens=self.tokens,
                token_dim=net.backbone.get_input_embeddings().weight.shape[1],
                num_transformer_submodules=1,
                num_layers=config.num_hidden_layers,
                num_attention_heads=config.num_attention_heads,
                prompt_tuning_init="RANDOM",
            ),
            base,
        )
