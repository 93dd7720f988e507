"""How large a network is, from its configuration alone: counted by building it without memory, or by a formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tunesmith import doors
from tunesmith.errors import MissingError

# families whose layers are attention with an output map, a gated block of three matrices, and RMS norms
GATED = ("gemma", "gemma2", "llama", "mistral", "olmo2", "phi3", "qwen2", "qwen3", "smollm3")
PLAIN = ("bert", "gpt2")  # a block of two matrices and LayerNorms with biases
TIED = {"bert", "gemma", "gemma2", "gpt2", "smollm3"}  # where the configuration does not say it


@dataclass(frozen=True, slots=True)
class Matrix:
    """A linear map of a layer.  attention: it belongs to the attention block, else to the feed-forward one."""

    name: str
    inputs: int
    outputs: int
    attention: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """What memory and time depend on.

    width, inner, head_width: of hidden states, of the feed-forward block, of a head.  matrices: the linear maps of one
    layer.  stack, embedding, output, rest: parameters of all layers, of the input tables, of an output matrix of its
    own (0 where it is tied or there is none), of what is left.  counted: 'meta' or 'formula'.
    """

    family: str
    decoder: bool
    gated: bool
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    inner: int
    vocabulary: int
    window: int
    matrices: tuple[Matrix, ...]
    stack: int
    embedding: int
    output: int
    rest: int
    counted: str

    @property
    def parameters(self) -> int:
        """All parameters of the base."""
        return self.stack + self.embedding + self.output + self.rest


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The sizes that a configuration names, whatever its family calls them."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    inner: int
    vocabulary: int
    window: int


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
        return _built(inner, family, causal)
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


def dimensions(config: Mapping[str, Any]) -> Dimensions:
    """Sizes under the names that the families use."""

    def first(*names: str, default: int = 0) -> int:
        return int(next((config[name] for name in names if config.get(name)), default))

    width = first("hidden_size", "n_embd", "d_model", "dim")
    heads = first("num_attention_heads", "n_head", "n_heads", default=1)
    return Dimensions(
        layers=first("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
        width=width,
        heads=heads,
        kv_heads=first("num_key_value_heads", "num_kv_heads", default=heads),
        head_width=first("head_dim", default=width // max(heads, 1)),
        inner=first("intermediate_size", "n_inner", "ffn_dim", "hidden_dim", default=4 * width),
        vocabulary=first("vocab_size"),
        window=first("max_position_embeddings", "n_positions"),
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


# ---- by building it on the meta device --------------------------------------------------------------------------


def _built(config: Mapping[str, Any], family: str, decoder: bool) -> Shape:
    torch = doors.open("torch")
    net, complete = _empty(config, family, decoder)
    # one stack, the longest: what the engine freezes and adapts by layers too
    stacks = [m for m in net.modules() if isinstance(m, torch.nn.ModuleList)]
    if not stacks:
        raise _unknown(family, "tunesmith doctor")
    layers = max(stacks, key=len)
    matrices = _matrices(layers[0], torch)
    stack, embedding, output = _count(layers), _count_tables(net, torch), _own_output(net) if decoder else 0
    return Shape(
        family=family,
        decoder=decoder,
        gated=any("gate" in each.name and not each.attention for each in matrices),
        **asdict(dimensions({**complete, **config})),
        matrices=matrices,
        stack=stack,
        embedding=embedding,
        output=output,
        rest=_count(net) - _pooler(net) - stack - embedding - output,
        counted="meta",
    )


def _empty(config: Mapping[str, Any], family: str, decoder: bool) -> tuple[Any, dict[str, Any]]:
    """(the network without memory, its configuration with every default)."""
    transformers, torch = doors.open("transformers"), doors.open("torch")
    transformers.logging.set_verbosity_error()  # it warns of token ids, which do not change a size
    settings = {key: value for key, value in config.items() if key != "model_type"}
    kinds = transformers.MODEL_FOR_CAUSAL_LM_MAPPING if decoder else transformers.MODEL_MAPPING
    try:
        made = transformers.AutoConfig.for_model(family, **settings)
        with torch.device("meta"):
            return kinds[type(made)](made), made.to_dict()
    except (KeyError, ValueError, TypeError) as refusal:
        raise _unknown(family, "tunesmith doctor") from refusal


def _count(module: Any) -> int:
    return sum(p.numel() for p in module.parameters())


def _pooler(net: Any) -> int:
    """BERT's pooler is not part of what is trained here (`nn.encoder`)."""
    return sum(p.numel() for name, p in net.named_parameters() if name.startswith("pooler."))


def _count_tables(net: Any, torch: Any) -> int:
    return sum(m.weight.numel() for m in net.modules() if isinstance(m, torch.nn.Embedding))


def _own_output(net: Any) -> int:
    """The output matrix where it is not the table of the inputs."""
    head = net.get_output_embeddings()
    if head is None or head.weight is net.get_input_embeddings().weight:
        return 0
    return head.weight.numel()


def _matrices(layer: Any, torch: Any) -> tuple[Matrix, ...]:
    found = []
    for name, module in layer.named_modules():
        if isinstance(module, torch.nn.Linear):
            sizes = module.in_features, module.out_features
        elif type(module).__name__ == "Conv1D":  # GPT-2's linear map, stored transposed
            sizes = module.weight.shape[0], module.weight.shape[1]
        else:
            continue
        attention = "attn" in name.lower() or "attention" in name.lower()
        found.append(Matrix(name.rpartition(".")[2], *sizes, attention))
    return tuple(found)
