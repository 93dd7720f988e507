"""Keys of the recipe that language models read: each one, changed, changes something that can be seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lessons import job
from miniature import fit, weights
from tunesmith import catalog, doors
from tunesmith.errors import TunesmithError
from tunesmith.lifecycle import general
from tunesmith.parts import Answer, Profile

Effect = Callable[[Path], bool]


def differs(name: str, key: str, one: Any, other: Any, kind: str = "objective", **rest: Any) -> Effect:
    """Other weights after a few steps."""

    def effect(folder: Path) -> bool:
        found = []
        for number, value in enumerate((one, other)):
            made = job(folder / str(number), **{kind: {"name": name, key: value}, "epochs": 1, **rest})
            fit(made)
            found.append(weights(made))
        return found[0] != found[1]

    return effect


def encodes(task: str, key: str, one: Any, other: Any) -> Effect:
    """Other examples of the same rows."""

    def effect(folder: Path) -> bool:
        found = []
        for value in (one, other):
            part = catalog.part("task", task)(**({"max_length": 24} | {key: value}))
            rows = part.samples()
            codec = part.tiny_codec(Profile(len(rows)))
            found.append([example.values for row in rows for example in part.encode(row, codec, None)])
        return found[0] != found[1]

    return effect


def settings(task: str, key: str, one: Any, other: Any) -> Effect:
    """Another codec, which is what the answers are written by."""
    part = catalog.part("task", task)
    return lambda folder: (
        part(**{key: one}).codec(None, Profile(1)) != part(**{key: other}).codec(None, Profile(1))
    )


def compared(task: str) -> Effect:
    part = catalog.part("task", task)

    def effect(folder: Path) -> bool:
        rows = part().samples()
        return (
            len(part(measured_rows=5).measured(rows)) == 5 and len(part(measured_rows=0).measured(rows)) > 5
        )

    return effect


def glossary(task: str) -> Effect:
    def effect(folder: Path) -> bool:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "terms.csv").write_text("source,target,language,forbidden\n,wheel,,tyre\n")
        part = catalog.part("task", task)
        rows = part().samples()[:2]
        said, keys = [Answer("a wheel"), Answer("a tyre")], [row.key for row in rows]
        kept = part(glossary=str(folder / "terms.csv")).outcomes(rows, said, keys).demands["terms"]
        return kept.tolist() == [[1, 1], [0, 1]] and not part().outcomes(rows, said, keys).demands

    return effect


SCHEMA = {"type": "string", "maxLength": 3}


def schema_file(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "answer.json").write_text(json.dumps(SCHEMA))
    return str(folder / "answer.json")


def answer_schema(task: str) -> Effect:
    """What fits is counted, of all rows; without it nothing is demanded."""

    def effect(folder: Path) -> bool:
        part, rows = catalog.part("task", task), catalog.part("task", task)().samples()[:2]
        said, keys = [Answer('"no"'), Answer("no")], [row.key for row in rows]
        kept = part(answer_schema=schema_file(folder)).outcomes(rows, said, keys).demands["schema"]
        return kept.tolist() == [[1, 1], [0, 1]] and not part().outcomes(rows, said, keys).demands

    return effect


def constrained(task: str) -> Effect:
    """The codec, by which answers are written here and on a server, holds the schema or does not."""

    def effect(folder: Path) -> bool:
        part, path = catalog.part("task", task), schema_file(folder)
        free, forced = (
            part(answer_schema=path, constrained=each).codec(None, Profile(1)).settings.get("forced")
            for each in (False, True)
        )
        return free is None and forced == SCHEMA

    return effect


def general_source(folder: Path) -> bool:
    """A given file takes the place of what the base writes."""
    from tunesmith.recipe.sections import General

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "old.txt").write_text("".join(f"Once there was a tale {n} told\n" for n in range(40)))
    rows = [
        general.given(General(source=str(folder / "old.txt")), folder / "home", rehearse=side)
        for side in (True, False)
    ]
    texts = [{row.fields["text"] for row in side} for side in rows]
    return not texts[0] & texts[1] and len(texts[0] | texts[1]) == 40


def general_rows(folder: Path) -> bool:
    from tunesmith.recipe.sections import General

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "old.txt").write_text("".join(f"Once there was a tale {n} told\n" for n in range(40)))
    given = General(source=str(folder / "old.txt"), rows=3)
    return len(general.given(given, folder / "home", rehearse=False)) == 3


def abilities(folder: Path) -> bool:
    """What is named is measured before and after."""
    from tunesmith import lifecycle
    from tunesmith.recipe.sections import Recipe
    from tunesmith.tasks import _samples

    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row) for row in _samples.chats()[:8]]
    (folder / "shop.jsonl").write_text("\n".join(lines) + "\n")
    known = {"rows": 6, "abilities": {"the shop": str(folder / "shop.jsonl")}}
    task = {"name": "chat", "answer_tokens": 4}
    recipe = Recipe.model_validate({"data": {"source": "samples"}, "task": task, "general": known})
    found = lifecycle.run(lifecycle.train(recipe, rehearse=True, home=folder / "home"))["forgetting"]
    return [each["name"] for each in found["abilities"]] == ["general text", "the shop"]


def refuses(code: str, **sections: Any) -> Effect:
    """The value is read: what is not there is asked for."""

    def effect(folder: Path) -> bool:
        try:
            fit(job(folder, **sections))
        except TunesmithError as refused:
            return refused.code.startswith(code)
        return False

    return effect


def four_bits(folder: Path) -> bool:
    """Other weights, or where the library is absent the error that names it."""
    if not doors.has("bitsandbytes"):
        return refuses("E501", tuning={"name": "lora", "bits": 4})(folder)
    return differs("lora", "bits", 16, 4, TUNED, task="chat")(folder)


def stored_teacher(folder: Path) -> bool:
    """What one run stored teaches another, which is refused where it asks for more than was stored."""
    fit(job(folder / "0", {"name": "distill", "top": 4}, epochs=1))
    stored = next((folder / "0" / "cache" / "teachers").iterdir())
    fit(job(folder / "1", {"name": "distill", "top": 4, "teacher": str(stored)}, epochs=1))
    same = weights(job(folder / "0")) == weights(job(folder / "1"))
    more = {"name": "distill", "top": 9, "teacher": str(stored)}
    return same and refuses("C154", objective=more)(folder / "2")


def centre(folder: Path) -> bool:
    found = []
    for value in (0.0, 0.9):
        made = job(folder / str(value), task={"name": "reward", "centre": value}, epochs=1)
        fit(made)
        found.append(weights(made))
    return found[0] != found[1]


TUNED = "tuning"
CASES: dict[str, Effect] = {
    "general.source": general_source,
    "general.rows": general_rows,
    "general.abilities": abilities,
    **{
        f"task[{task}].{key}": case
        for task in ("chat", "completion")
        for key, case in {
            "max_length": encodes(task, "max_length", 16, 60),
            "truncation": encodes(task, "truncation", "left", "right"),
            "answer_tokens": settings(task, "answer_tokens", 4, 9),
            "glossary": glossary(task),
            "answer_schema": answer_schema(task),
            "constrained": constrained(task),
            "measured_rows": compared(task),
        }.items()
    },
    "task[language-model].max_length": encodes("language-model", "max_length", 16, 60),
    "task[language-model].measured_rows": compared("language-model"),
    "task[masked-language-model].max_length": encodes("masked-language-model", "max_length", 16, 60),
    "task[masked-language-model].mask": encodes("masked-language-model", "mask", 0.15, 0.4),
    "task[masked-language-model].whole_words": encodes("masked-language-model", "whole_words", False, True),
    "task[masked-language-model].measured_rows": compared("masked-language-model"),
    "task[reward].max_length": encodes("reward", "max_length", 16, 60),
    "task[reward].truncation": encodes("reward", "truncation", "left", "right"),
    "task[reward].centre": centre,
    "tuning[lora].bits": four_bits,
    "objective[distill].teacher": stored_teacher,
    "objective[distill].temperature": differs("distill", "temperature", 1.0, 4.0),
    "objective[distill].hard": differs("distill", "hard", 0.0, 0.9),
    "objective[distill].top": differs("distill", "top", 1, 20),
    "tuning[full].layer_decay": differs("full", "layer_decay", 1.0, 0.5, TUNED),
    "tuning[freeze].layer_decay": differs("freeze", "layer_decay", 1.0, 0.5, TUNED),
    "tuning[freeze].first": differs("freeze", "first", 0, 1, TUNED),
    "tuning[freeze].embeddings": differs("freeze", "embeddings", False, True, TUNED),
    "tuning[freeze].unfreeze": differs("freeze", "unfreeze", False, True, TUNED),
    "tuning[lora].rslora": differs("lora", "rslora", False, True, TUNED),
    "tuning[lora].dora": differs("lora", "dora", False, True, TUNED),
    "tuning[adapter].head": differs("adapter", "head", 1.0, 10.0, TUNED),
    "tuning[adapter].width": differs("adapter", "width", 4, 8, TUNED),
    "tuning[adapter].blocks": differs("adapter", "blocks", "both", "forward", TUNED),
    "tuning[adapter].layers": differs("adapter", "layers", 0, 1, TUNED),
    "tuning[ia3].head": differs("ia3", "head", 1.0, 10.0, TUNED),
    "tuning[ia3].layers": differs("ia3", "layers", 0, 1, TUNED),
    "tuning[prompt].head": differs("prompt", "head", 1.0, 10.0, TUNED),
    "tuning[prompt].tokens": differs("prompt", "tokens", 2, 4, TUNED),
    "tuning[prompt].begin": differs("prompt", "begin", "words", "noise", TUNED),
    "objective[dpo].beta": differs("dpo", "beta", 0.05, 0.8),
    "objective[dpo].loss": differs("dpo", "loss", "sigmoid", "ipo"),
    "objective[dpo].label_smoothing": differs("dpo", "label_smoothing", 0.0, 0.3),
    "objective[dpo].length_normalised": differs("dpo", "length_normalised", False, True),
    "objective[kto].beta": differs("kto", "beta", 0.05, 0.8),
    "objective[kto].desirable": differs("kto", "desirable", 1.0, 3.0),
    "objective[kto].undesirable": differs("kto", "undesirable", 1.0, 3.0),
    "objective[orpo].weight": differs("orpo", "weight", 0.1, 1.0),
    "objective[simpo].beta": differs("simpo", "beta", 1.0, 4.0),
    "objective[simpo].gamma": differs("simpo", "gamma", 0.1, 2.0),
    **{
        f"regularizer[{name}].{key}": differs(name, key, one, other, "regularizer", task="chat")
        for name, key, one, other in (
            ("ewc", "strength", 1.0, 1e6),
            ("ewc", "windows", 2, 9),
            ("kl-to-base", "strength", 0.1, 5.0),
            ("kl-to-base", "windows", 1, 4),
            ("l2sp", "strength", 0.01, 10.0),
            ("replay", "share", 0.1, 0.6),
        )
    },
}
