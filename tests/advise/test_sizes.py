"""Parameters are counted from the configuration alone, and both ways of counting agree."""

from __future__ import annotations

import pytest

from baseshapes import BERT, FAMILIES, GPT2, LLAMA_7B, MISTRAL_7B, QWEN2_05B, SMOLLM_135M
from tunesmith import doors
from tunesmith.advise import sizes
from tunesmith.errors import MissingError

# as published with the models
KNOWN = [
    (LLAMA_7B, 6_738_415_616),
    (MISTRAL_7B, 7_241_732_096),
    (QWEN2_05B, 494_032_768),
    (SMOLLM_135M, 134_515_008),
    (GPT2, 124_439_808),
]


@pytest.mark.parametrize(("config", "parameters"), KNOWN, ids=lambda each: str(each)[:24])
def test_the_formula_knows_published_counts(config: dict, parameters: int) -> None:
    assert sizes.shape(config, counted="formula").parameters == parameters


@pytest.mark.parametrize("config", [*FAMILIES, GPT2, BERT], ids=lambda config: config["model_type"])
def test_building_without_memory_and_the_formula_agree(config: dict) -> None:
    pytest.importorskip("transformers")
    config = {**config, "num_hidden_layers": 2, "n_layer": 2}
    decoder = config["model_type"] != "bert"
    built, computed = (sizes.shape(config, decoder=decoder, counted=how) for how in ("meta", "formula"))
    for name in (
        "parameters",
        "stack",
        "embedding",
        "output",
        "rest",
        "layers",
        "width",
        "kv_heads",
        "gated",
    ):
        assert getattr(built, name) == getattr(computed, name), name
    if config["model_type"] != "phi3":  # which fuses its maps
        assert [(m.inputs, m.outputs, m.attention) for m in built.matrices] == [
            (m.inputs, m.outputs, m.attention) for m in computed.matrices
        ]


def test_an_unknown_family_is_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "has", lambda library: False)
    with pytest.raises(MissingError) as caught:
        sizes.shape({"model_type": "rwkv"}, decoder=True)
    assert caught.value.code == "A903"
    assert "llama" in caught.value.expected
    assert "tunesmith[train]" in caught.value.fixes[0]


def test_building_an_unknown_family_is_the_same_error() -> None:
    pytest.importorskip("transformers")
    with pytest.raises(MissingError, match="nonsense"):
        sizes.shape({"model_type": "nonsense"}, decoder=True, counted="meta")


def test_the_architecture_says_whether_it_is_a_decoder() -> None:
    assert sizes.is_decoder({"architectures": ["MistralForCausalLM"], "model_type": "mistral"})
    assert not sizes.is_decoder({"architectures": ["BertModel"], "model_type": "bert"})
    assert sizes.is_decoder({"model_type": "gpt2"})


def test_a_nested_configuration_of_text_is_found() -> None:
    nested = {"model_type": "outer", "architectures": ["XForConditionalGeneration"], "text_config": QWEN2_05B}
    assert sizes.shape(nested, counted="formula").parameters == 494_032_768
