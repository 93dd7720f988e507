"""Rows of a batch in one sequence without their padding, and which of its tokens see each other.

    tokens      a0 a1 a2 b0 b1 b2 b3 |
    positions    0  1  2  0  1  2  3 |  0
    documents    0  0  0  1  1  1  1 | -1

Nothing is computed for padding, and no row sees another, so losses and gradients are those of the padded rows.  The
answers of a shared prompt (`shared_prompt.py`) are kept apart inside their row.  The sequence is filled up to whole
blocks of the kernel, so that few lengths occur.

Axes: B rows, T tokens of a row, N tokens of the sequence, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from tunesmith.nn.shared_prompt import KNOWN, PROMPT, WINDOWS

BLOCK = 128  # tokens of a block of the kernel for a GPU
FILLING = -1  # the document of what fills up the last block
LEAST = 1 / 16  # share of padding from which on a batch is packed: less is not worth another kernel
DEVICES = ("cuda",)  # where rows are packed; on a CPU the table of all pairs would cost N²
# families that read nothing but the given mask and positions, and hand a mask of blocks to their layers untouched
FAMILIES = KNOWN - {"falcon", "gemma2", "gpt2", "gptj", "xglm"}

# (row, head, place that looks, place that is seen) → whether it may be seen, as flex attention asks
Sees = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Packed:
    """Some rows as one sequence; all tensors are int64.

    ids, positions: of the tokens [1, N].  documents: whose token it is [N].  answers: which answer of the row, PROMPT
    where all of the row see it [N].  places: where the tokens stand in the padded rows, read row by row.  shape: (B, T)
    of these.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    documents: torch.Tensor
    answers: torch.Tensor
    places: torch.Tensor
    shape: tuple[int, int]

    @property
    def sees(self) -> Sees:
        """Which tokens see which; it may be asked for one pair or for all at once."""
        documents, answers = self.documents, self.answers

        def seen(_row: object, _head: object, by: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
            together = (documents[by] == documents[of]) & (documents[by] != FILLING)
            open_to = (answers[of] == PROMPT) | (answers[of] == answers[by])
            return ((by >= of) & together & open_to) | (by == of)

        return seen

    def blocks(self) -> torch.Tensor:
        """The same as a table: bool [1, N, N]."""
        at = torch.arange(len(self.documents), device=self.documents.device)
        return self.sees(at, at, at[:, None], at[None, :])[None]

    def spread(self, states_1ND: torch.Tensor) -> torch.Tensor:
        """States in the padded rows [B, T, D]; zeros at padding."""
        rows = states_1ND.new_zeros(self.shape[0] * self.shape[1], states_1ND.shape[-1])
        return rows.index_copy(0, self.places, states_1ND[0, : len(self.places)]).view(*self.shape, -1)


def pack(
    ids_BT: torch.Tensor,
    mask_BT: torch.Tensor,
    positions_BT: torch.Tensor | None = None,
    answers_BT: torch.Tensor | None = None,
    *,
    block: int = BLOCK,
) -> Packed:
    """The rows of a batch one after the other.

    mask: 0 at padding, wherever it stands.  positions: of the tokens in their rows, by default their places.  answers:
    by default each row is one text.  block: the sequence is filled up to a multiple of it.
    """
    rows, length = ids_BT.shape
    places = mask_BT.flatten().nonzero()[:, 0]
    room = -len(places) % block
    if positions_BT is None:
        positions_BT = torch.arange(length, device=ids_BT.device).expand(rows, length)
    documents_BT = torch.arange(rows, device=ids_BT.device)[:, None].expand(rows, length)
    answers_BT = torch.full_like(ids_BT, PROMPT) if answers_BT is None else answers_BT

    def filled(values_BT: torch.Tensor, value: int) -> torch.Tensor:
        return torch.nn.functional.pad(values_BT.reshape(-1)[places], (0, room), value=value)

    return Packed(
        filled(ids_BT, 0)[None],
        filled(positions_BT, 0)[None],
        filled(documents_BT, FILLING),
        filled(answers_BT, PROMPT),
        places,
        (rows, length),
    )


def suits(body: Any, batch: Mapping[str, Any]) -> bool:
    """Whether a batch (ids, mask, and of shared prompts positions and answers) is better computed packed by a body.

    body: of a transformers model.  One that something is hung on (a soft prompt) expects rows, and so does a batch that
    brings states of its own.
    """
    ids, mask = batch["ids"], batch["mask"]
    if ids.device.type not in DEVICES or body.config.model_type not in FAMILIES or "below" in batch:
        return False
    if body._forward_pre_hooks or body._forward_hooks:
        return False
    windows = [getattr(body.config, name, None) for name in WINDOWS]
    if any(window is not None and ids.shape[1] > window for window in windows):
        return False
    return "answers" in batch or 1.0 - float(mask.float().mean()) >= LEAST
