"""A folder as Hugging Face's libraries read it: what was learnt is in the weights, the template beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from tunesmith.bases import WEIGHTS
from tunesmith.parts import Export, Net, Obstacle, Origin, Witness
from tunesmith.serve.exports import _numbers, _reading, _words
from tunesmith.store import files


class Merged(Export):
    """config.json, generation_config.json, model.safetensors, tokenizer files; it is also a base to tune again."""

    library: ClassVar = "transformers"
    dtype: Literal["base", "float32", "float16", "bfloat16"] = Field(
        "base", description="numbers of the weights; base: as in the base"
    )

    def obstacle(self, origin: Origin) -> Obstacle | None:
        return _numbers.unmergeable(origin)

    def write(self, origin: Origin, net: Net, folder: Path) -> Net:
        net = origin.merged(net)
        dtype = self._dtype(origin)
        config = {key: value for key, value in origin.base.config.items() if key not in _words.FOREIGN}
        kind = type(net.backbone).__name__
        files.write_json(folder / "config.json", {**config, "architectures": [kind], "dtype": dtype})
        _words.write(origin, folder)
        _numbers.save(_numbers.as_type(_numbers.state(net), dtype), folder / WEIGHTS)
        return net

    def witnesses(self, origin: Origin, net: Net, folder: Path) -> Iterator[Witness]:
        dtype, model = self._dtype(origin), _reading.causal(folder)
        wanted = _numbers.as_type(_numbers.state(net), dtype)
        gaps = tuple(_numbers.exact(wanted, folder / WEIGHTS))
        _numbers.put(net, wanted)
        yield Witness(
            _reading.program(),
            _reading.logits(model),
            _reading.logits(net.backbone) if dtype != "float32" else None,
            _numbers.ROUNDING[dtype],
            _reading.says(model),
            _reading.reads(folder),
            gaps,
        )

    def _dtype(self, origin: Origin) -> str:
        return _numbers.own_type(origin.base.config) if self.dtype == "base" else self.dtype
