"""Text that is no part of the data: given as a file, or written by the base itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from tunesmith import catalog
from tunesmith.approaches._tuned import Networked, untuned
from tunesmith.bases import Base
from tunesmith.data.checking import last
from tunesmith.errors import UsageError
from tunesmith.fields import Record, row_key
from tunesmith.findings import Place
from tunesmith.inputs import speaking
from tunesmith.lifecycle.datasets import opened
from tunesmith.parts import Codec, Task, Wish
from tunesmith.recipe.sections import General, Recipe
from tunesmith.store import files
from tunesmith.train.engine import local

LENGTH = 256  # tokens of a text that the base writes
MEASURE, REHEARSE = 1, 2  # seeds: a regularizer never learns from what forgetting is measured on


def given(section: General, home: Path, *, rehearse: bool) -> list[Record]:
    """Rows of the given file: one half for measuring, the other for a regularizer, by the row's key."""
    read = last(opened(section.source, home, content="document"))
    half = [row for row in read.records if (int(row.key[-1], 16) % 2 == 1) == rehearse]
    return sorted(half, key=lambda row: row.key)[: section.rows]


def written(
    base: Callable[[], Networked], codec: Codec, key: str, rows: int, cache: Path, seed: int
) -> list[Record]:
    """Texts that a base writes when nothing is asked, at temperature 1; kept by what they depend on.

    base: gives the network, which is asked for only where the texts are not kept yet.  key: its digest.
    Raises UsageError C158 for a base without a token that begins a text.
    """
    about = hashlib.sha256(
        f"{key} {rows} {LENGTH} {seed} {sorted(codec.settings.items())}".encode()
    ).hexdigest()
    place = cache / "general" / f"{about[:32]}.json"
    if not place.is_file():
        files.write_json(place, _texts(base(), codec, rows, seed))
    return [_record(text, number) for number, text in enumerate(files.read_json(place)) if text.strip()]


def _texts(base: Networked, codec: Codec, rows: int, seed: int) -> list[str]:
    begin = speaking.begin(codec)
    if not begin:
        raise UsageError(
            "C158",
            "the base can't write texts of its own: no token begins a text",
            expected="texts that are no part of the data",
            fixes=("--set general.source=FILE",),
            where="general.source",
        )
    room = min(
        filter(None, (LENGTH, codec.settings["window"] - len(begin) if codec.settings["window"] else 0))
    )
    wish = Wish(max_tokens=room, temperature=1.0, seed=seed << 32)
    with local.inference(base.net):
        return [said.text for said in speaking.answers(base.net, codec, [begin] * rows, wish)]


def _record(text: str, number: int) -> Record:
    fields = {"text": text}
    return Record(fields, Place("general", number + 1), row_key(fields))


def of_recipe(
    recipe: Recipe, task: Task, codec: Codec, base: Base | None, cache: Path, folder: Path
) -> Sequence[Record]:
    """The rows from which the recipe's regularizer learns; none where it wants none."""
    trains = catalog.part("approach", recipe.approach.name).trains
    if not (trains and catalog.part("regularizer", recipe.regularizer.name).general):
        return ()
    if recipe.general.source:
        return given(recipe.general, cache.parent, rehearse=True)
    key = base.digest if base else "tiny"

    def net() -> Networked:
        return untuned(folder, task, codec, base, recipe)

    return written(net, codec, key, recipe.general.rows, cache, REHEARSE)
