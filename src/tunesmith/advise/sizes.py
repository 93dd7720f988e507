"""How large a network is, from its configuration alone: counted by building it without memory, or by a formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tunesmith import doors
from tunesmith.advise import building
from tunesmith.advise.shapes import Dimensions, Matrix, Shape, dimensions
from tunesmith.errors import MissingError

# families whose layers are attention with an output map, a gated block of three matrices, and RMS norms
GATED = ("gemma", "gemma2", "llama", "mistral", "olmo2", "phi3", "qwen2", "qwen3", "smollm3")
PLAIN = ("bert", "gpt2")  # a block of two matrices and LayerNorms with biases
TIED = {"bert", "gemma", "gemma2", "gpt2", "smollm3"}  # where the configuration does not say it


def shape(config: Mapping[str, Any], *, decoder: bool | None = None, counted: str = "") -> Shape:
    """The shape of a base from its `config.json`.

    decoder: a causal model, else an encoder; None: what the configuration's architecture says.  counted: 'meta' (build
    it without memory; needs torch) or 'formula' (of the families above); '' takes the first that can be had.
    Raises MissingError A903 for a family that is not known here.
    """
    inner = config.get("text_config") or config
    family = str(inner.get("model_type", ""))
    causal = is_decoder(config) if decoder is None else decoder
    how = counted or ("meta" if doors.has("torch") and doors.has("transformers") else "formula")
    if how == "meta":
        try:
            return building.built(inner, family, causal)
        except building.Unknown as refusal:
            raise _unknown(family, "tunesmith doctor") from refusal
    if family not in (*GATED, *PLAIN):
        raise _unknown(family, 'pip install "tunesmith[train]"')
    return _computed(inner, family, causal)


def is_decoder(config: Mapping[str, Any]) -> bool:
    """Whether a configuration is that of a causal language model."""
    names = " ".join(config.get("architectures") or ())
    if names:
        return "CausalLM" in names or "LMHead" in names or "ConditionalGeneration" in names
    return config.get("model_type") in {*GATED, "gpt2"}


def _unknown(family: str, fix: str) -> MissingError:
    return MissingError(
        "A903",
        f"the size of a base of family '{family}' can't be told here",
        expected=f"one of {', '.join((*GATED, *PLAIN))}, or torch and transformers, which know more",
        fixes=(fix,),
        where="config.json: model_type",
    )


# ---- by a formula -----------------------------------------------------------------------------------------------


def _computed(config: Mapping[str, Any], family: str, decoder: bool) -> Shape:
    d = dimensions(config)
    gated = family in GATED
    matrices = _gated_matrices(d) if gated else _plain_matrices(d, family)
    layer = sum(each.inputs * each.outputs for each in matrices)
    layer += _gated_vectors(config, d, family) if gated else sum(m.outputs for m in matrices) + 4 * d.width
    tables = d.vocabulary + (0 if gated else d.window + int(config.get("type_vocab_size", 0)))
    rest = d.width if gated else 2 * d.width
    tied = bool(config.get("tie_word_embeddings", family in TIED))
    return Shape(
        family=family,
        decoder=decoder,
        gated=gated,
        **asdict(d),
        matrices=matrices,
        stack=layer * d.layers,
        embedding=tables * d.width,
        output=d.vocabulary * d.width if decoder and not tied else 0,
        rest=rest,
        counted="formula",
    )


def _gated_matrices(d: Dimensions) -> tuple[Matrix, ...]:
    asked, kept = d.heads * d.head_width, d.kv_heads * d.head_width
    return (
        Matrix("q_proj", d.width, asked, True),
        Matrix("k_proj", d.width, kept, True),
        Matrix("v_proj", d.width, kept, True),
        Matrix("o_proj", asked, d.width, True),
        Matrix("gate_proj", d.width, d.inner, False),
        Matrix("up_proj", d.width, d.inner, False),
        Matrix("down_proj", d.inner, d.width, False),
    )


def _plain_matrices(d: Dimensions, family: str) -> tuple[Matrix, ...]:
    split = [("c_attn", 3)] if family == "gpt2" else [("query", 1), ("key", 1), ("value", 1)]
    return (
        *(Matrix(name, d.width, times * d.width, True) for name, times in split),
        Matrix("attention_output", d.width, d.width, True),
        Matrix("inner", d.width, d.inner, False),
        Matrix("output", d.inner, d.width, False),
    )


def _gated_vectors(config: Mapping[str, Any], d: Dimensions, family: str) -> int:
    """Norms and biases of a layer."""
    asked, kept = d.heads * d.head_width, d.kv_heads * d.head_width
    norms = d.width * (4 if family == "gemma2" else 2)
    norms += {"qwen3": 2 * d.head_width, "olmo2": asked + kept}.get(family, 0)
    if family == "qwen2":
        norms += asked + 2 * kept
    elif config.get("attention_bias"):
        norms += asked + 2 * kept + d.width
    return norms + (2 * d.inner + d.width if config.get("mlp_bias") else 0)
