"""Into another language and back, by a language model behind an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from tunesmith.endpoints import Endpoint
from tunesmith.parts import Augmentation


class BackTranslation(Augmentation):
    """Two questions for each text (Sennrich et al. 2016, arXiv 1511.06709); an empty answer leaves the text alone."""

    needs: ClassVar = "endpoint"
    language: str = Field("German", min_length=2, max_length=40, description="the language in between")
    origin: str = Field("English", min_length=2, max_length=40, description="the language of the texts")

    def vary(self, texts: Sequence[str], draws: Sequence[np.random.Generator], given: Endpoint) -> list[str]:
        seed = int(draws[0].integers(2**31)) if draws else 0
        there = given.answers([_ask(self.language, text) for text in texts], seed=seed)
        back = given.answers([_ask(self.origin, text) for text in there], seed=seed)
        return [new.strip() or text for new, text in zip(back, texts, strict=True)]

    def samples(self) -> list[str]:
        return ["where is my parcel", "please cancel the order"]


def _ask(language: str, text: str) -> list[dict[str, str]]:
    task = f"Translate what the user writes into {language}. Answer with the translation alone."
    return [{"role": "system", "content": task}, {"role": "user", "content": text}]
