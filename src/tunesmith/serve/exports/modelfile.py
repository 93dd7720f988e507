"""A GGUF file and the Modelfile with which ollama makes a model of it: template, stops, system text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from tunesmith.inputs import chat
from tunesmith.parts import Export, Net, Obstacle, Origin, Witness
from tunesmith.serve.exports import _gguf, _go, _in_gguf, _words
from tunesmith.store import files

FILE = "Modelfile"
QUOTES = '"""'
# a model that goes on from texts has no frame: what is typed is what it sees
PLAIN = "{{ .Prompt }}"


class Modelfile(Export):
    """`ollama create NAME -f Modelfile` in the folder; ollama itself puts the bos token before what it writes."""

    library: ClassVar = "gguf"
    type: Literal["f32", "f16", "q8_0"] = Field("f16", description="numbers of the matrices")
    system: str = Field("", description="text that stands before every conversation; '' for none")
    temperature: float = Field(0.0, ge=0, le=2, description="0: always the likeliest token, as measured")
    num_ctx: int = Field(0, ge=0, description="tokens that are seen at once; 0: the model's window")

    def obstacle(self, origin: Origin) -> Obstacle | None:
        if found := _in_gguf.obstacle(origin):
            return found
        try:
            written = _template(origin) + self.system
        except ValueError as reason:
            return Obstacle(
                "W106", f"{reason}", "a template with a fixed frame around each turn (as ChatML has)"
            )
        if QUOTES not in written:
            return None
        return Obstacle("W106", "a text holds three quotes in a row", "texts that a Modelfile can quote")

    def write(self, origin: Origin, net: Net, folder: Path) -> Net:
        net = _in_gguf.written(origin, net, folder, self.type)
        files.write(folder / FILE, "\n".join(self._lines(origin)).encode() + b"\n")
        return net

    def _lines(self, origin: Origin) -> Iterator[str]:
        window = self.num_ctx or origin.codec.settings["window"]
        yield f"FROM ./{_gguf.FILE}"
        yield f"TEMPLATE {QUOTES}{_template(origin)}{QUOTES}"
        if self.system:
            yield f"SYSTEM {QUOTES}{self.system}{QUOTES}"
        for stop in sorted(origin.codec.settings["stops"]):
            yield f'PARAMETER stop "{stop}"'
        yield f"PARAMETER temperature {self.temperature:g}"
        if window:
            yield f"PARAMETER num_ctx {window}"

    def witnesses(self, origin: Origin, net: Net, folder: Path) -> Iterator[Witness]:
        program = (folder / FILE).read_text("utf-8").split(QUOTES)[1]

        def write(turns: Sequence[Mapping[str, Any]], _tools: Any, ask: bool) -> str | None:
            return _go.rendered(program, turns) if ask else None  # ollama writes nothing but questions

        yield from _in_gguf.witnesses(net, folder, self.type, write)


def _template(origin: Origin) -> str:
    """The Go template.  Raises ValueError where there is none."""
    if not _words.program(origin.codec):
        return PLAIN
    rules = chat.template(origin.codec)
    begin = rules.words.get("bos_token", "") if _words.begins(origin.codec) else ""
    return _go.derived(rules, begin)
