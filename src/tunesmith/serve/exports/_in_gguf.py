"""What the exports in GGUF share: whether a model has such a file, the file, who reads it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from tunesmith.parts import Net, Obstacle, Origin, Witness
from tunesmith.serve.exports import _gguf, _gguf_reading, _gguf_words, _numbers, _reading, _words


def obstacle(origin: Origin) -> Obstacle | None:
    """Why a model has no GGUF file here."""
    if found := _numbers.unmergeable(origin):
        return found
    if unfit := _gguf.unfit(origin.base.config):
        families = ", ".join(_gguf.FAMILIES)
        return Obstacle(
            "W104",
            f"{unfit} has no GGUF form here",
            f"a plain model of one of the families {families}",
        )
    if unfit := _gguf_words.unfit(origin.codec) or _endless(origin):
        return Obstacle(
            "W105", f"{unfit}: GGUF can't hold it here", "byte-level BPE, or BPE like SentencePiece's"
        )
    return None


def _endless(origin: Origin) -> str:
    """llama.cpp takes a token of its own choice for the end where a file names none."""
    return "" if _words.stops(origin.codec) else "no token ends its answers"


def written(origin: Origin, net: Net, folder: Path, kind: str) -> Net:
    """The file in the folder; the network whose numbers it holds."""
    net = origin.merged(net)
    _gguf.write(folder / _gguf.FILE, origin, net, kind)
    return net


def witnesses(
    net: Net, folder: Path, kind: str, write: _gguf_reading.Write | None = None
) -> Iterator[Witness]:
    """transformers runs the file; its words and numbers are read by gguf's own reader.

    write: how messages become text, where it is not the file's own chat template.
    """
    path = folder / _gguf.FILE
    model, words = _reading.causal(folder, gguf_file=_gguf.FILE), _gguf_reading.Vocabulary(path)
    gaps = tuple(_gguf.gaps(path, net))
    _gguf.round_as(net, kind)
    yield Witness(
        f"{_reading.program()} (GGUF)",
        _reading.logits(model),
        _reading.logits(net.backbone) if kind != "f32" else None,
        _gguf.ROUNDING[kind],
        _reading.says(model, eos_token_id=words.stops, pad_token_id=words.stops[0]),
    )
    yield Witness(f"gguf {version('gguf')}", reads=_gguf_reading.reads(words, write), gaps=gaps)
