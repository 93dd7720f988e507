"""What the arms of encoder classifiers share: rows, when weights are looked at, the form in which they are saved.

A classifier is saved as `backbone.*` under the names of transformers' BertModel, `head.weight` [C, F] and `head.bias`
[C].  Its form says what the head reads: 'pooler' (the first state through the trained pooler), 'mean' (the mean of the
last states), 'unit' (that at length one), 'words' (the mean input embedding at length one beside it).
Imports what peers have: the standard library, numpy, torch, safetensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import _common


def save(folder: Path, form: str, backbone: Mapping[str, Any], weight: Any, bias: Any) -> None:
    """`model.safetensors` in float32.  backbone: by BertModel's names, without prefix."""
    from safetensors.torch import save_file

    tensors = {f"backbone.{name}": each for name, each in backbone.items() if each.is_floating_point()}
    tensors |= {"head.weight": weight, "head.bias": bias}
    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: each.detach().float().contiguous().clone() for name, each in tensors.items()}
    save_file(plain, str(folder / "model.safetensors"), {"form": form})


@dataclass
class Marks:
    """Looks at the weights while they are trained, on which the clock does not run.

    a_epoch: looks in each epoch, 0: none.  limit: seconds of training after which it ends, 0: never.  keep: folder →
    saves the weights as they are.  found: (seconds of training so far, updates, folder) of each look.
    """

    clock: _common.Clock
    out: Path
    a_epoch: int
    limit: float
    keep: Any
    found: list[tuple[float, int, str]] = field(default_factory=list)

    def after(self, step: int, updates_an_epoch: int, last: bool) -> bool:
        """To be called after each update; whether the time is over.  last: there is no other update."""
        over = bool(self.limit) and self.clock.ends("train") > self.limit
        if self.a_epoch and (last or over or self._due(step, updates_an_epoch)):
            seconds = self.clock.ends("train")
            folder = self.out / "marks" / f"{step:06d}"
            self.keep(folder)
            self.found.append((seconds, step, str(folder)))
            self.clock.skips()
        return over

    def _due(self, step: int, updates_an_epoch: int) -> bool:
        """Whether a share of an epoch ends with this update."""
        done, before = (int(each * self.a_epoch / updates_an_epoch) for each in (step, step - 1))
        return done > before
