"""A model and its bundle: one sealed folder that predicts the same wherever it is opened.

bundle/
    bundle.json        task, approach, base (name and SHA-256), name, created
    codec.json         labels, sizes, temperature, threshold;  codec/*  what the encoding needs besides
    recipe.toml        the resolved recipe
    model/*            what the approach left: weights as a delta in safetensors, JSON
    golden.json        rows and the predictions that every face must repeat
    evaluation.json    the report of the test rows
    lineage.json       hashes of data, split, recipe, base, code; parent
    manifest.json      size and SHA-256 of every file
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import catalog
from tunesmith.bases import Base, resolve
from tunesmith.errors import DataError, IntegrityError
from tunesmith.fields import Record
from tunesmith.parts import Answer, Codec, Prediction, Predictor, Task
from tunesmith.recipe import toml
from tunesmith.recipe.sections import Recipe
from tunesmith.store import files

TOLERANCE = 1e-5  # largest difference of a probability between faces at unequal batch make-up
_SAID = ("label", "probs", "text", "tokens", "stopped", "logprob")  # what faces must agree on


@dataclass(frozen=True)
class Model:
    """A fitted, calibrated model in memory.

    name: 'tickets@3' where it is registered, else the folder's name.  digest: SHA-256 of the bundle's manifest.
    """

    task: Task
    codec: Codec
    predictor: Predictor
    recipe: Recipe
    name: str
    folder: Path
    digest: str

    @staticmethod
    def load(folder: Path | str, *, name: str = "", digest: str = "") -> Model:
        """Open a bundle: every file is checked against the manifest before a byte of it is used.

        Raises IntegrityError (I302, I303) naming the file, MissingError B2xx where the base can't be had.
        """
        folder = Path(folder)
        digest = files.verify(folder, digest)
        about = _about(folder)
        recipe = toml.loads((folder / "recipe.toml").read_text("utf-8"), where=str(folder / "recipe.toml"))
        base = resolve(recipe.base, digest=about["base"]) if about["base"] else None
        task, codec = catalog.make("task", recipe.task), read_codec(folder)
        approach = catalog.make("approach", recipe.approach)
        predictor = approach.open(folder / "model", task, codec, base, recipe)
        return Model(task, codec, predictor, recipe, name or about["name"], folder, digest)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of `probs`; none for a model that answers in words."""
        return tuple(self.codec.settings.get("labels", ()))

    def predict(self, records: Sequence[Record]) -> list[Prediction | Answer]:
        """One calibrated prediction per record, in order."""
        outputs = self.predictor.outputs(records)
        return [
            self.task.decode(record, out, self.codec) for record, out in zip(records, outputs, strict=True)
        ]

    def predict_texts(self, texts: Sequence[str]) -> list[Prediction | Answer]:
        """Predictions for plain texts.  Raises DataError F020 for what is no text."""
        wrong = next((text for text in texts if not _is_text(text)), None)
        if wrong is not None:
            found = "a text that is no Unicode" if isinstance(wrong, str) else type(wrong).__name__
            raise DataError("F020", f"{found} can't be read", expected="a string or a list of strings")
        field = next(field.name for field in self.task.fields if field.role == "input")
        return self.predict([Record({field: text}) for text in texts])

    def golden(self) -> list[dict[str, Any]]:
        """The golden rows: [{fields, label, probs, confidence, abstain}], predicted together in this order."""
        return files.read_json(self.folder / "golden.json")["rows"]

    def evaluation(self) -> dict[str, Any]:
        """The report of the test rows, as it was when the bundle was made."""
        return files.read_json(self.folder / "evaluation.json")

    def parity(self, answers: Sequence[Mapping[str, Any]], *, exact: bool) -> list[str]:
        """How the answers of another face to the golden rows differ from them; empty when they agree.

        answers: [{label, probs}].  exact: every probability must be equal to the last bit (equal batch make-up).
        """
        return compare(self.golden(), answers, exact=exact, keys=self.promised)

    @property
    def promised(self) -> tuple[str, ...]:
        """What of an answer every face must repeat: nothing where a server answers, which may say another thing at each
        time; a face then has to answer every row."""
        return () if self.predictor.meter else _SAID

    def _repr_html_(self) -> str:
        return f"<b>{self.name}</b> · {self.recipe.approach.name} · {len(self.labels)} labels · {self.digest[:12]}"


def _is_text(value: object) -> bool:
    """A string without lone surrogates, which no tokenizer and no UTF-8 file can hold."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def compare(
    golden: Sequence[Mapping[str, Any]],
    answers: Sequence[Mapping[str, Any]],
    *,
    exact: bool,
    keys: Sequence[str] = _SAID,
) -> list[str]:
    """One line for each golden row that is not repeated: words must be equal, numbers within the tolerance.

    keys: what of an answer is compared.
    """
    if len(golden) != len(answers):
        return [f"{len(answers)} answers for {len(golden)} golden rows"]
    wrong = []
    for index, (row, answer) in enumerate(zip(golden, answers, strict=True)):
        said = {key: answer[key] for key in _SAID if key in answer}
        gaps = {key: _gap(row.get(key), value) for key, value in said.items() if key in keys}
        bad = [
            key for key, gap in gaps.items() if not gap <= (0.0 if exact else TOLERANCE)
        ]  # NaN: no agreement
        if bad or not said:
            shown = "; ".join(f"{key} {_short(row.get(key))} became {_short(said[key])}" for key in bad)
            wrong.append(f"golden row {index}: {shown or 'no answer'}")
    return wrong


def _gap(ours: Any, theirs: Any) -> float:
    """The largest difference of two values of JSON; infinite where no number tells it."""
    if ours == theirs:
        return 0.0
    try:
        one, other = np.asarray(ours, float), np.asarray(theirs, float)
    except (TypeError, ValueError):
        return float("inf")
    if one.shape != other.shape or not one.size:
        return float("inf")
    return float(np.max(np.abs(one - other) / np.maximum(1.0, np.abs(one))))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


CODEC = "codec.json"


def write_codec(folder: Path, codec: Codec) -> None:
    """Write `codec.json` and the codec's files."""
    files.write_json(folder / CODEC, {"settings": dict(codec.settings), "files": sorted(codec.files)})
    for name, content in codec.files.items():
        files.write(folder / "codec" / name, content)


def read_codec(folder: Path) -> Codec:
    """The inverse of `write_codec`."""
    about = files.read_json(folder / CODEC)
    inside = {path.name: path for path in (folder / "codec").glob("*") if path.is_file()}
    if lacking := sorted(set(about["files"]) - set(inside)):
        raise IntegrityError(
            "I303",
            f"the bundle lacks {lacking[0]!r}",
            expected="the codec's files in the folder codec/",
            where=str(folder / CODEC),
        )
    return Codec(about["settings"], {name: inside[name].read_bytes() for name in about["files"]})


def write_bundle(
    folder: Path,
    *,
    name: str,
    codec: Codec,
    recipe: Recipe,
    base: Base | None,
    evaluation: Mapping[str, Any],
    lineage: Mapping[str, Any],
    golden: Sequence[Record],
) -> Model:
    """Complete a folder that holds `model/` into a bundle: golden rows are predicted by the bundle as reloaded."""
    write_codec(folder, codec)
    files.write(folder / "recipe.toml", toml.dumps(recipe).encode())
    files.write_json(
        folder / "bundle.json",
        {"format": 1, "name": name, "task": recipe.task.name, "approach": recipe.approach.name}
        | {"base": base.digest if base else "", "base_name": recipe.base if base else ""},
    )
    files.write_json(folder / "evaluation.json", evaluation)
    files.write_json(folder / "lineage.json", lineage)
    files.seal(folder)
    rows = [{"fields": dict(r.fields), **p.to_json()} for r, p in _predict(Model.load(folder), golden)]
    files.write_json(folder / "golden.json", {"rows": rows})
    files.seal(folder)
    return Model.load(folder, name=name)


def _predict(model: Model, records: Sequence[Record]) -> list[tuple[Record, Prediction | Answer]]:
    return list(zip(records, model.predict(records), strict=True))


def _about(folder: Path) -> dict[str, Any]:
    about = files.read_json(folder / "bundle.json")
    if about.get("format") != 1:
        raise IntegrityError(
            "I303",
            f"the bundle has format {about.get('format')}",
            expected="format 1",
            fixes=("pip install -U tunesmith",),
            where=str(folder / "bundle.json"),
        )
    return about
