"""Verbs on models that exist: evaluate one, compare several on the same rows, predict."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from tunesmith import catalog, lifecycle
from tunesmith.data import mapping, source
from tunesmith.errors import DataError
from tunesmith.evaluate import compare as comparing
from tunesmith.evaluate import measure
from tunesmith.events import Event, Finished, Note, Stage
from tunesmith.fields import Broken, Field, Record
from tunesmith.lifecycle import bundling
from tunesmith.lifecycle.reading import read
from tunesmith.lifecycle.results import Result
from tunesmith.model import Model
from tunesmith.parts import Outcomes

CHUNK = 256  # rows that are predicted together
SHOWN = 20


def evaluate(
    ref: str, data: str, *, fields: Mapping[str, str] | None = None, home: Path | str | None = None
) -> Iterator[Event]:
    """Score a model on the labelled rows of a file: Finished(Result)."""
    model = lifecycle.open_model(ref, home)
    rows = yield from _labelled(model, data, fields or {})
    yield Stage("evaluate", f"{model.name} on {len(rows):,} rows")
    found = _predictions(model, rows)
    scores = measure.measure(found, measure.metric_names(model.task))
    yield Finished(
        Result(
            {
                "model": model.name,
                "data": data,
                "rows": len(rows),
                "scores": {name: score.to_json() for name, score in scores.items()},
                **bundling.KINDS[model.task.predicts].told(found),
            }
        )
    )


def compare(
    refs: Sequence[str], data: str, *, fields: Mapping[str, str] | None = None, home: Path | str | None = None
) -> Iterator[Event]:
    """Two or more models on the same rows, each against the first: Finished(Result)."""
    models = [lifecycle.open_model(ref, home) for ref in refs]
    rows = yield from _labelled(models[0], data, fields or {})
    yield Stage("compare", f"{', '.join(model.name for model in models)} on {len(rows):,} rows")
    found = [_predictions(model, rows) for model in models]
    name = models[0].task.metrics[0]
    metric = measure.metric(name)
    scores = [measure.measure(each, models[0].task.metrics[:2]) for each in found]
    yield Finished(
        Result(
            {
                "data": data,
                "rows": len(rows),
                "metric": name,
                "models": [
                    {"model": model.name, "scores": {key: score.to_json() for key, score in mine.items()}}
                    for model, mine in zip(models, scores, strict=True)
                ],
                "differences": [
                    _difference(models[0], model, comparing.paired(other, found[0], metric), rows)
                    for model, other in zip(models[1:], found[1:], strict=True)
                ],
            }
        )
    )


def _difference(
    first: Model, second: Model, difference: comparing.Difference, rows: Sequence[Record]
) -> dict[str, Any]:
    texts = {row.key: {"place": str(row.place), "text": first.task.text(row)} for row in rows}
    value = difference.to_json()
    return {
        "model": second.name,
        "against": first.name,
        **{key: value[key] for key in ("value", "low", "high", "n", "outcome", "more_rows")},
        "fixed": len(difference.fixed),
        "broken": len(difference.broken),
        "fixed_rows": [texts[key] for key in difference.fixed[:SHOWN]],
        "broken_rows": [texts[key] for key in difference.broken[:SHOWN]],
    }


def _labelled(model: Model, data: str, fields: Mapping[str, str]) -> Generator[Event, None, list[Record]]:
    """The rows of a file that have a label and a text, by the columns that the model was trained on."""
    found = source.sniff(data)
    known = {
        field: column for field, column in model.recipe.data.fields.items() if column in found.dialect.columns
    }
    table = yield from read(
        data, {**known, **{f: c for f, c in fields.items() if c}}, content=model.task.content
    )
    if table.broken:
        yield Note(
            f"{len(table.broken):,} broken rows were left out; see: tunesmith data check {data}", "warning"
        )
    rows = [row for row in table.records if model.task.target(row) and model.task.text(row).strip()]
    rows = [_known_spelling(model, row) for row in rows]
    if not rows:
        raise DataError(
            "L202",
            f"{Path(data).name} holds no row with a text and a label",
            expected="labelled rows",
            fixes=(f"tunesmith data check {data}", f"tunesmith predict {model.name} {data}"),
            where=data,
        )
    return rows


def _known_spelling(model: Model, row: Record) -> Record:
    """The row with its label as the model spells it, where only case and blanks differ ('Billing ' is 'billing')."""
    label = model.task.target(row) or ""
    if not model.labels or label in model.labels:
        return row
    same = [known for known in model.labels if known.strip().casefold() == label.strip().casefold()]
    field = next(field.name for field in model.task.fields if field.role == "target")
    return replace(row, fields={**row.fields, field: same[0]}) if len(same) == 1 else row


def _predictions(model: Model, rows: Sequence[Record]) -> Outcomes:
    keys = [row.key for row in rows]
    return model.task.outcomes(rows, model.predict(rows), keys)


def predict(
    ref: str,
    data: str,
    *,
    text: str = "",
    home: Path | str | None = None,
    stdin: TextIO | None = None,
) -> Iterator[dict[str, Any]]:
    """One JSON object per row of a file, or per line of standard input ('-': a text, or JSON with the text's field)."""
    model = lifecycle.open_model(ref, home)
    labels = {"labels": list(model.labels)} if model.labels else {}
    rows = iter(_lines(model, stdin or [])) if data == "-" else ROWS[model.task.predicts](model, data, text)
    while chunk := list(islice(rows, CHUNK)):
        readable = [row for row in chunk if isinstance(row, Record)]
        answers = iter(model.predict(readable))
        for row in chunk:
            if isinstance(row, Broken):
                yield {"place": str(row.place), "error": row.reason, "fix": row.fix}
            else:
                yield {"place": str(row.place), **next(answers).to_json(), **labels}


def _input(model: Model) -> Field:
    return next(field for field in model.task.fields if field.role == "input")


def _lines(model: Model, lines: Iterable[str]) -> Iterator[Record | Broken]:
    from tunesmith.findings import Place

    field = _input(model)
    for number, line in enumerate(lines, 1):
        place, text = Place("-", number), line.rstrip("\r\n")
        if not text.strip():
            continue
        if not text.lstrip().startswith("{"):
            yield Record(asked(field, text), place)
            continue
        try:
            value = json.loads(text)
            known = {each.name: value[each.name] for each in model.task.fields if each.name in value}
            known[field.name] = PLAIN[field.kind](value[field.name])
        except (ValueError, KeyError, TypeError):
            wanted = json.dumps(asked(field, "…"), ensure_ascii=False)
            yield Broken(place, f"no JSON object with the key '{field.name}'", f"send {wanted} or plain text")
            continue
        yield Record(known, place)


def _turns(value: Any) -> list[Mapping[str, Any]]:
    """Messages as a task reads them.  Raises ValueError for what are none."""
    sound = isinstance(value, list) and all(
        isinstance(turn, Mapping) and isinstance(turn.get("role"), str) for turn in value
    )
    if not sound:
        raise ValueError("no list of messages")
    return [{**turn, "content": str(turn.get("content") or "")} for turn in value]


# kind of the field that a model reads → that field from JSON
PLAIN: dict[str, Callable[[Any], Any]] = defaultdict(
    lambda: lambda value: value if isinstance(value, str) else str(value), {"messages": _turns}
)


def asked(field: Field, text: str) -> dict[str, Any]:
    """The fields of a record that asks a plain text: one question of a conversation, or the text itself."""
    said = [{"role": "user", "content": text}] if field.kind == "messages" else text
    return {field.name: said}


def _rows(model: Model, data: str, text: str) -> Iterator[Record | Broken]:
    found, name = source.sniff(data), _input(model).name
    columns = found.dialect.columns
    wanted = [text] if text else [model.recipe.data.fields.get(name, ""), name]
    column = next(
        (each for each in wanted if each in columns), columns[0] if len(columns) == 1 and not text else ""
    )
    if not column:
        raise DataError(
            "M205",
            f"{Path(data).name} has no column '{wanted[0]}'",
            expected=f"a text column; there are: {', '.join(columns)}",
            fixes=tuple(f"tunesmith predict {model.name} {data} --text '{each}'" for each in columns[:2]),
            where=data,
        )
    form = model.recipe.data.form or mapping.forms_of(model.task.content)[0]
    yield from mapping.records(found, mapping.Reading(form, mapping.Columns({name: column})))


def _asking(model: Model, data: str, text: str) -> Iterator[Record | Broken]:
    """Rows by the form and the columns that the model was trained on, also where they hold no answers."""
    found = source.sniff(data)
    form = model.recipe.data.form or mapping.forms_of(model.task.content)[0]
    keys = catalog.part("form", form).keys
    wanted = [key.name for key in keys if key.required and key.role == "input"]
    named = {key.name: model.recipe.data.fields.get(key.name, key.name) for key in keys}
    named |= {wanted[0]: text} if text and wanted else {}
    given = {key: column for key, column in named.items() if column in found.dialect.columns}
    if set(wanted) <= set(given):
        reading = mapping.Reading(form, mapping.Columns(given))
    else:
        reading = mapping.read_as(found, given={wanted[0]: text} if text else {}, content=model.task.content)
    yield from mapping.records(found, reading)


ROWS: dict[str, Callable[[Model, str, str], Iterator[Record | Broken]]] = {
    "label": _rows,
    "text": _asking,
}
