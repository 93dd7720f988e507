"""Exports as transformers reads them: next-token scores, answers, tokens of conversations."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import doors
from tunesmith.parts import Prompt

Logits = Callable[[Sequence[int]], np.ndarray]
Says = Callable[[Sequence[int], int], list[int]]
Reads = Callable[[Prompt, Any, bool], list[int] | None]


def program() -> str:
    """The name and version of what reads."""
    return f"transformers {doors.open('transformers').__version__}"


def causal(folder: Path, **how: Any) -> Any:
    """A causal model from a folder, computing in float32; nothing is fetched and no code of the folder runs."""
    doors.open("tunesmith.nn.decoder")  # quietens transformers
    torch, transformers = doors.open("torch"), doors.open("transformers")
    kind = transformers.AutoModelForCausalLM
    with quiet():
        return kind.from_pretrained(folder, dtype=torch.float32, local_files_only=True, **how).eval()


def quiet() -> AbstractContextManager[Any]:
    """What libraries say while they load (bars, advice to their own authors) is nothing that a user can act on."""
    return redirect_stderr(io.StringIO())


def logits(model: Any) -> Logits:
    """token ids [T] → float32 [T, V].  What stands before them (virtual tokens) is left out."""
    torch = doors.open("torch")

    def scored(ids: Sequence[int]) -> np.ndarray:
        with torch.inference_mode():
            said = model(input_ids=torch.tensor([list(ids)])).logits
        return said[0, -len(ids) :].float().numpy()

    return scored


def says(model: Any, **how: Any) -> Says:
    """The likeliest next tokens by the model's own `generate`, which ends where the export says that answers end."""
    torch = doors.open("torch")

    def said(ids: Sequence[int], count: int) -> list[int]:
        given = torch.tensor([list(ids)])
        with torch.inference_mode():
            made = model.generate(
                input_ids=given,
                attention_mask=torch.ones_like(given),
                max_new_tokens=count,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                **how,
            )
        return made[0, len(ids) :].tolist()

    return said


def generation(folder: Path) -> Any:
    """How a folder says that answers are generated, and where they end."""
    return doors.open("transformers").GenerationConfig.from_pretrained(folder, local_files_only=True)


def reads(folder: Path) -> Reads:
    """Tokens of a text or of messages by the folder's tokenizer and chat template."""
    kind = doors.open("transformers").AutoTokenizer
    tokenizer = kind.from_pretrained(folder, local_files_only=True)

    def read(prompt: Prompt, tools: Any, ask: bool) -> list[int]:
        if isinstance(prompt, str):
            return list(tokenizer(prompt).input_ids)
        turns: list[Mapping[str, Any]] = [dict(turn) for turn in prompt]
        return list(
            tokenizer.apply_chat_template(turns, tools=tools, add_generation_prompt=ask, return_dict=False)
        )

    return read
