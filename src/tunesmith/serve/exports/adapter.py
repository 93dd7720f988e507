"""An adapter in PEFT's file form: what was learnt beside the base, for peft, vLLM and their like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from tunesmith import doors
from tunesmith.parts import Export, Net, Obstacle, Origin, Witness
from tunesmith.serve.exports import _numbers, _reading, _words
from tunesmith.store import files

WEIGHTS, CARD = "adapter_model.safetensors", "adapter_config.json"


class Adapter(Export):
    """adapter_config.json, adapter_model.safetensors, tokenizer files; the base itself is not in it."""

    library: ClassVar = "peft"

    def obstacle(self, origin: Origin) -> Obstacle | None:
        if origin.tuning is not None and _skeleton_card(origin) is not None:
            return None
        how = f"the tuning '{origin.recipe.tuning.name}'" if origin.tuning else "a model that has no base"
        return Obstacle(
            "W102",
            f"PEFT has no file form for {how}",
            "a tuning that PEFT knows: lora (without whole layers), ia3, prompt",
        )

    def write(self, origin: Origin, net: Net, folder: Path) -> Net:
        from tunesmith.nn import peft_form

        assert origin.tuning is not None
        files.write_json(folder / CARD, origin.tuning.card(net, origin.base.name))
        _numbers.save(peft_form.to_file(net, origin.tuning.delta(net)), folder / WEIGHTS)
        _words.write(origin, folder)
        return net

    def witnesses(self, origin: Origin, net: Net, folder: Path) -> Iterator[Witness]:
        from tunesmith.nn import peft_form

        assert origin.tuning is not None
        peft = doors.open("peft")
        base = _reading.causal(origin.base.folder, **_rounded(net))
        with _reading.quiet():
            model = peft.PeftModel.from_pretrained(base, folder, local_files_only=True).eval()
        wanted = peft_form.to_file(net, origin.tuning.delta(net))
        yield Witness(
            f"peft {peft.__version__}",
            _reading.logits(model),
            says=_reading.says(model, generation_config=_reading.generation(folder)),
            reads=_reading.reads(folder),
            gaps=tuple(_numbers.exact(wanted, folder / WEIGHTS)),
        )


def _skeleton_card(origin: Origin) -> dict[str, Any] | None:
    """PEFT's card for the network without its numbers."""
    assert origin.tuning is not None
    with doors.open("torch").device("meta"):
        net = origin.task.build(origin.base, origin.codec)
        return origin.tuning.card(origin.tuning.apply(net), origin.base.name)


def _rounded(net: Net) -> dict[str, Any]:
    """How transformers must load the base where the adapter was learnt beside matrices of 4 bits."""
    if not getattr(net, "is_loaded_in_4bit", False):
        return {}
    torch, transformers = doors.open("torch"), doors.open("transformers")
    how = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32
    )
    return {"quantization_config": how}
