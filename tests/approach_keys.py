"""The keys of approaches that answer in words: what each one, changed, changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import chat_endpoint
from tunesmith import catalog
from tunesmith.errors import MissingError
from tunesmith.events import Note
from tunesmith.parts import Job, Profile, Speaker
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files

Effect = Callable[[Path], bool]
RETRIEVE = {"search": "words"}
SMALL = {"vocabulary": 300, "window": 64, "layers": 1, "width": 32}
PARAGRAPHS = "\n\n".join(
    f"Paragraph {n} of a long document about {['cats', 'dogs', 'birds'][n % 3]}." for n in range(30)
)


def job(folder: Path, name: str, **options: Any) -> Job:
    """Eight conversations to learn from."""
    recipe = Recipe.model_validate(
        {
            "data": {"source": "samples"},
            "task": {"name": "chat", "answer_tokens": 4},
            "approach": {"name": name, **options},
            "train": {"epochs": 1, "batch_size": 8, "threads": 1, "dtype": "float32", "dropout": 0.0},
        }
    )
    task = catalog.make("task", recipe.task)
    rows = task.samples()
    based = catalog.part("approach", name).based
    codec = task.tiny_codec(Profile(len(rows))) if based else task.codec(None, Profile(len(rows)))
    roomy = codec.with_settings(window=8000) if based else codec
    return Job(task, recipe, rows[:8], rows[8:12], roomy, None, folder, folder / "cache")


def fit(made: Job) -> list[str]:
    """What it notes."""
    approach = catalog.make("approach", made.recipe.approach)
    return [event.text for event in approach.fit(made) if isinstance(event, Note)]


def opened(made: Job) -> Speaker:
    fit(made)
    return catalog.make("approach", made.recipe.approach).open(
        made.model, made.task, made.codec, None, made.recipe
    )


def said(name: str, key: str, one: Any, other: Any, **rest: Any) -> Effect:
    """Rows are judged or told otherwise."""

    def effect(folder: Path) -> bool:
        found = []
        for number, value in enumerate((one, other)):
            made = job(folder / str(number), name, **{**rest, key: value})
            found.append(opened(made).outputs(made.validation))
        return found[0] != found[1]

    return effect


def left(name: str, file: str, key: str, one: Any, other: Any, **rest: Any) -> Effect:
    """Another file is left."""

    def effect(folder: Path) -> bool:
        found = []
        for number, value in enumerate((one, other)):
            made = job(folder / str(number), name, **{**rest, key: value})
            fit(made)
            found.append((made.model / file).read_bytes())
        return found[0] != found[1]

    return effect


def asked(name: str) -> Effect:
    """A server is asked: at that address, for that model."""

    def effect(folder: Path) -> bool:
        with chat_endpoint.serving(lambda messages: "yes") as (url, seen):
            more = RETRIEVE if name == "retrieve" else {}
            made = job(folder, name, endpoint=url, model="far", **more)
            answers = opened(made).outputs(made.validation[:1])
        return answers[0][0].text == "yes" and seen[0]["model"] == "far"

    return effect


def priced(name: str, key: str) -> Effect:
    """The price comes onto the meter of what is asked."""

    def effect(folder: Path) -> bool:
        far = {
            "endpoint": "http://127.0.0.1:9/v1",
            "model": "far",
            **(RETRIEVE if name == "retrieve" else {}),
        }
        meters = [
            opened(job(folder / str(n), name, **far, **more)).meter for n, more in enumerate(({}, {key: 2.5}))
        ]
        return [getattr(meter, key) for meter in meters] == [None, 2.5]

    return effect


def divided(key: str, one: Any, other: Any) -> Effect:
    """A document is divided into other passages."""

    def effect(folder: Path) -> bool:
        values = {"documents": document(folder), **RETRIEVE}
        return left("retrieve", "retrieve.json", key, one, other, **values)(folder)

    return effect


def document(folder: Path) -> str:
    """The path of a text of thirty paragraphs."""
    files.write(folder / "text.md", PARAGRAPHS.encode())
    return str(folder / "text.md")


def documents(folder: Path) -> bool:
    """Its passages are searched in place of the training rows."""
    return left("retrieve", "retrieve.json", "documents", "", document(folder), **RETRIEVE)(folder)


def over(folder: Path) -> bool:
    """The model that is named is looked for."""
    try:
        fit(job(folder, "retrieve", over="nobody@1", **RETRIEVE))
    except MissingError as lacking:
        return lacking.code == "N501"
    return False


def search(folder: Path) -> bool:
    """How is searched is noted, and 'words' makes no vectors."""
    made = job(folder, "retrieve", **RETRIEVE)
    return (
        fit(made) == ["7 passages are searched by words"]
        and not files.read_json(made.model / "retrieve.json")["encoder"]
    )


CASES: dict[str, Effect] = {
    "approach[prompt].shots": said("prompt", "shots", 0, 2),
    "approach[prompt].endpoint": asked("prompt"),
    "approach[prompt].model": asked("prompt"),
    **{
        f"approach[{name}].{key}": priced(name, key)
        for name in ("prompt", "retrieve")
        for key in ("price_read", "price_written")
    },
    "approach[retrieve].documents": documents,
    "approach[retrieve].chunk": divided("chunk", 200, 400),
    "approach[retrieve].overlap": divided("overlap", 0, 150),
    "approach[retrieve].top": said("retrieve", "top", 1, 3, **RETRIEVE),
    "approach[retrieve].search": search,
    "approach[retrieve].over": over,
    "approach[retrieve].endpoint": asked("retrieve"),
    "approach[retrieve].model": asked("retrieve"),
    "approach[scratch].vocabulary": left("scratch", "tokenizer.json", "vocabulary", 300, 320, **SMALL),
    "approach[scratch].window": left("scratch", "config.json", "window", 64, 32, **SMALL),
    "approach[scratch].layers": left("scratch", "config.json", "layers", 1, 2, **SMALL),
    "approach[scratch].width": left("scratch", "config.json", "width", 32, 64, **SMALL),
}
