"""GGUF files: a network's shape and tensors as llama.cpp reads them, and the same read back.

Families whose tensors llama.cpp takes as they are, or with the rows of queries and keys in another order: Hugging Face
turns the two halves of a head against each other, llama.cpp's `llama` neighbouring numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import doors
from tunesmith.parts import Gap, Net, Origin
from tunesmith.serve.exports import _gguf_words, _numbers
from tunesmith.store import files

FILE = "model.gguf"
# model_type → the architecture's name in the file
FAMILIES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
TURNED = {"llama"}  # architectures that want rows of queries and keys interleaved
TYPES = {"f32": "F32", "f16": "F16", "q8_0": "Q8_0"}
BLOCK = 32  # numbers that share one scale in Q8_0
# what rounding the matrices may do to a log-probability, in nats: see `_numbers.ROUNDING`
ROUNDING = {"f32": 0.0, "f16": _numbers.ROUNDING["float16"], "q8_0": 2.0}
HALF = 1e-3  # largest relative difference of a number in F16 (it rounds at 2⁻¹¹)
# largest difference in Q8_0 in units of its block's scale: a half, and what rounding the scale to F16 adds
SCALES = 0.6
TINY = 2.0**-24  # the smallest number of F16
FILE_TYPES = {"f32": 0, "f16": 1, "q8_0": 7}  # llama.cpp's numbers for them


def unfit(config: Mapping[str, Any]) -> str:
    """Why a configuration has no such file; '' where it has."""
    family = config.get("model_type")
    if family not in FAMILIES:
        return f"a model of the family '{family}'"
    made = _configuration(config)
    if (made.rope_parameters or {}).get("rope_type", "default") != "default":
        return f"a model whose positions are scaled ({made.rope_parameters['rope_type']})"
    if made.hidden_act != "silu":
        return f"a model with the activation '{made.hidden_act}'"
    if family != "qwen2" and (getattr(made, "attention_bias", False) or getattr(made, "mlp_bias", False)):
        return f"a model of the family '{family}' with biases"
    if FAMILIES[family] not in TURNED and _head(made) * made.num_attention_heads != made.hidden_size:
        return f"a model of the family '{family}' whose heads together are not as wide as its states"
    window, sliding = made.max_position_embeddings, _sliding(made)
    return f"a model that sees {sliding} of its {window} tokens at once" if sliding < window else ""


def write(path: Path, origin: Origin, net: Net, kind: str) -> None:
    """Write the file.  kind: one of TYPES, for matrices; vectors stay F32, as llama.cpp wants them."""
    gguf = doors.open("gguf")
    config = net.backbone.config

    def fill(place: Path) -> None:
        writer = gguf.GGUFWriter(str(place), FAMILIES[config.model_type])
        _shape(writer, config, origin, kind)
        _gguf_words.write(writer, origin.codec, config.vocab_size)
        for name, numbers in tensors(net):
            held = _held(gguf, numbers, kind)
            writer.add_tensor(name, gguf.quants.quantize(numbers, held), raw_dtype=held)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    files.write_with(path, fill)


def tensors(net: Net) -> Iterator[tuple[str, np.ndarray]]:
    """(name in the file, float32 numbers as llama.cpp wants them) of every tensor."""
    gguf, config = doors.open("gguf"), net.backbone.config
    kind = FAMILIES[config.model_type]
    names = gguf.get_tensor_name_map(_architecture(gguf, kind), config.num_hidden_layers)
    for name, tensor in _numbers.state(net).items():
        called = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if called is None:
            raise ValueError(f"GGUF has no name for the tensor '{name}'")
        numbers = tensor.float().numpy()
        if kind in TURNED and ".attn_q." in called:
            numbers = interleaved(numbers, config.num_attention_heads)
        if kind in TURNED and ".attn_k." in called:
            numbers = interleaved(numbers, config.num_key_value_heads)
        yield called, np.ascontiguousarray(numbers)


def interleaved(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows [heads · D, …] with those of each head's two halves in turns."""
    halves = rows.reshape(heads, 2, len(rows) // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def round_as(net: Net, kind: str) -> None:
    """Overwrite the network's numbers by what the file holds of them.

    Blocks lie within rows, so that the order of rows changes nothing.
    """
    gguf, torch = doors.open("gguf"), doors.open("torch")
    rounded = {}
    for name, tensor in _numbers.state(net).items():
        numbers = np.ascontiguousarray(tensor.float().numpy())
        held = _held(gguf, numbers, kind)
        found = gguf.quants.dequantize(gguf.quants.quantize(numbers, held), held)
        rounded[name] = torch.from_numpy(np.array(found, np.float32).reshape(numbers.shape))
    _numbers.put(net, rounded)


def gaps(path: Path, net: Net) -> Iterator[Gap]:
    """Every tensor as gguf's own reader has it, dequantised, against the network's."""
    gguf = doors.open("gguf")
    held = {each.name: each for each in gguf.GGUFReader(str(path)).tensors}
    wanted = dict(tensors(net))
    for name in sorted({*held, *wanted}):
        if name not in held or name not in wanted:
            yield Gap(name, float("inf"))
            continue
        kind = held[name].tensor_type
        found = gguf.quants.dequantize(held[name].data, kind)
        yield Gap(name, _worst(wanted[name], found, kind.name))


def _worst(wanted: np.ndarray, found: np.ndarray, kind: str) -> float:
    """The largest difference in units of what the type allows."""
    if wanted.shape != found.shape:
        return float("inf")
    apart = np.abs(wanted - found)
    if kind == "F32":
        return float("inf") if apart.any() else 0.0
    if kind == "F16":
        return float((apart / (HALF * np.abs(wanted) + TINY)).max())
    blocks = (-1, BLOCK)
    scales = np.abs(wanted.reshape(blocks)).max(1, keepdims=True) / 127
    return float((apart.reshape(blocks) / (SCALES * scales + 127 * TINY)).max())


def _held(gguf: Any, numbers: np.ndarray, kind: str) -> Any:
    """The type of one tensor: vectors in F32, rows that are no whole number of blocks in F16."""
    types = gguf.GGMLQuantizationType
    if numbers.ndim == 1:
        return types.F32
    return types.F16 if kind == "q8_0" and numbers.shape[-1] % BLOCK else types[TYPES[kind]]


def _shape(writer: Any, config: Any, origin: Origin, kind: str) -> None:
    head = _head(config)
    writer.add_name(origin.name)
    writer.add_file_type(FILE_TYPES[kind])
    writer.add_quantization_version(doors.open("gguf").GGML_QUANT_VERSION)
    writer.add_context_length(origin.codec.settings["window"] or config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(float(config.rope_parameters["rope_theta"]))
    writer.add_vocab_size(config.vocab_size)


def _architecture(gguf: Any, name: str) -> Any:
    return next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == name)


def _configuration(config: Mapping[str, Any]) -> Any:
    return doors.open("tunesmith.nn.decoder").configuration(config)


def _head(config: Any) -> int:
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def _sliding(config: Any) -> int:
    """Tokens that the narrowest layer sees."""
    if not getattr(config, "use_sliding_window", True):
        return config.max_position_embeddings
    return getattr(config, "sliding_window", None) or config.max_position_embeddings
