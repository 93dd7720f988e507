"""Vectors of what texts mean, by the sentence encoder that comes with the extra 'train'."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith import bases, catalog, doors
from tunesmith.errors import MissingError
from tunesmith.fields import Record
from tunesmith.inputs.nearest import Embed
from tunesmith.parts import Profile
from tunesmith.recipe.sections import Part, Recipe
from tunesmith.train import frozen

ENCODER = "minilm"
TEXTS_PER_SECOND = 300.0  # two cores, texts of a few sentences


def at_hand() -> bool:
    """Whether torch and the encoder are installed."""
    try:
        return doors.has("torch") and bool(bases.resolve(ENCODER, offline=True))
    except MissingError:
        return False


def embed(recipe: Recipe, digest: str = "") -> tuple[Embed, str]:
    """(texts → float32 [B, D], digest of the encoder).  digest: which weights it must have.

    Raises MissingError E501 or B201 where it is not installed, IntegrityError B203 for other weights.
    """
    doors.open("torch")
    base = bases.resolve(ENCODER, offline=True, digest=digest)
    task = catalog.make("task", Part(name="text-classification"))
    encoder = frozen.Encoder(task, task.codec(base, Profile(0, {"none": 1})), base, recipe)

    def vectors(texts: Sequence[str]) -> np.ndarray:
        return encoder.vectors([Record({"text": text}) for text in texts])

    return vectors, base.digest
