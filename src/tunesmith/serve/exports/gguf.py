"""One GGUF file with weights, tokenizer and chat template: for llama.cpp and what is built on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from tunesmith.parts import Export, Net, Obstacle, Origin, Witness
from tunesmith.serve.exports import _in_gguf


class Gguf(Export):
    """`model.gguf`; vectors are always F32, and rows that Q8_0 can't divide into blocks of 32 are F16."""

    library: ClassVar = "gguf"
    type: Literal["f32", "f16", "q8_0"] = Field("f16", description="numbers of the matrices")

    def obstacle(self, origin: Origin) -> Obstacle | None:
        return _in_gguf.obstacle(origin)

    def write(self, origin: Origin, net: Net, folder: Path) -> Net:
        return _in_gguf.written(origin, net, folder, self.type)

    def witnesses(self, origin: Origin, net: Net, folder: Path) -> Iterator[Witness]:
        yield from _in_gguf.witnesses(net, folder, self.type)
