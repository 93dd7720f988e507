"""Which answers fit a JSON Schema, which schemas can't be used, and answers that are forced into one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chat_endpoint
from answering import said
from tunesmith import catalog, doors
from tunesmith.data import mapping, source
from tunesmith.errors import DataError, UsageError
from tunesmith.evaluate import measure
from tunesmith.fields import Broken, Record
from tunesmith.inputs import schemas
from tunesmith.parts import Answer, Profile

SCHEMA = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
needs_torch = pytest.mark.skipif(not doors.has("torch"), reason='torch is absent: pip install -e ".[train]"')


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('{"name": "Ann"}', True),
        (' {"name": "Ann", "age": 7}\n', True),
        ('{"name": 7}', False),
        ("{}", False),
        ('Sure: {"name": "Ann"}', False),
        ('```json\n{"name": "Ann"}\n```', False),
        ('{"name": "Ann", "age": NaN}', False),
        ("", False),
        ("[" * 100_000, False),
        ("9" * 5000, False),
    ],
)
def test_which_answers_fit(text: str, fits: bool) -> None:
    assert schemas.fits(SCHEMA, text) is fits


@pytest.mark.parametrize("schema", [["type"], {"type": "no such type"}, {"required": "name"}, 7, "x"])
def test_what_is_no_schema_is_refused_with_its_place(schema: Any, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(schema))
    for refused in (lambda: schemas.of_file(path), lambda: schemas.fits(schema, "{}", str(path))):
        with pytest.raises(DataError) as caught:
            refused()
        assert (caught.value.code, caught.value.where) == ("G842", str(path))


def test_a_file_that_is_missing_or_no_json(tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text('{"type": ')
    for name in ("half.json", "nothing.json"):
        with pytest.raises(DataError, match="no JSON Schema"):
            schemas.of_file(tmp_path / name)


def test_what_a_schema_refers_to_is_never_fetched() -> None:
    with chat_endpoint.serving(lambda _: "{}") as (url, seen), pytest.raises(Exception, match="Unresolvable"):
        schemas.fits({"$ref": f"{url}/schema.json"}, "{}")
    assert not seen


def test_the_rate_counts_rows_that_have_a_schema() -> None:
    answers = said(['{"name": "Ann"}', "Ann", "Ann"])
    given = [(SCHEMA, "a:1"), (SCHEMA, "a:2"), (None, "a:3")]
    answers.demands.update(schema=schemas.kept(given, answers))  # type: ignore[attr-defined]
    score = measure.measure(answers, ["schema_valid"])["schema_valid"]
    assert (score.value, score.n) == (0.5, 2)


@pytest.mark.parametrize("form", ["messages", "prompt-completion"])
def test_a_row_brings_its_own(form: str, tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": '{"name": "Ann"}'}]
    row = {"messages": talk} if form == "messages" else {"prompt": "Who?", "completion": '{"name": "Ann"}'}
    lines = [{**row, "answer_schema": SCHEMA}, {**row, "answer_schema": json.dumps(SCHEMA)}, row]
    lines.append({**row, "answer_schema": "an object, please"})
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = source.sniff(str(path))
    records = list(mapping.records(found, mapping.read_as(found, form=form)))
    kept = [each for each in records if isinstance(each, Record)]
    assert [each.fields.get(schemas.FIELD) for each in kept] == [SCHEMA, SCHEMA, None]
    assert isinstance(records[3], Broken) and "answer_schema" in records[3].reason
    part = catalog.part("form", form)()
    assert part.parse(part.render(kept[0].fields)) == kept[0].fields
    task = catalog.part("task", "chat")()
    told = [Answer('{"name": "Bo"}'), Answer("Bo"), Answer("Bo")]
    demanded = task.outcomes(kept, told, [each.key for each in kept]).demands["schema"]
    assert demanded.tolist() == [[1, 1], [0, 1], [0, 0]]


def test_constrained_needs_a_schema() -> None:
    with pytest.raises(UsageError) as caught:
        catalog.part("task", "chat")(constrained=True).codec(None, Profile(1))
    assert caught.value.code == "C163"


@needs_torch
def test_forced_answers_fit_wherever_they_are_written(tmp_path: Path) -> None:
    """In evaluation and prediction (together) and on the server (piece by piece), by a network of random weights."""
    from tunesmith.approaches._tuned import Networked
    from tunesmith.parts import Wish

    torch = doors.open("torch")
    torch.manual_seed(0)
    schema = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}
    schema["additionalProperties"] = False
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(schema))
    rates = []
    for constrained in (False, True):
        task = catalog.part("task", "chat")(
            answer_schema=str(path), constrained=constrained, answer_tokens=24
        )
        rows = task.samples()[:5]
        codec = task.tiny_codec(Profile(5))
        speaker = Networked(task.tiny(codec).eval(), task, codec)
        decoded = [task.decode(r, out, codec) for r, out in zip(rows, speaker.outputs(rows), strict=True)]
        found = task.outcomes(rows, decoded, [row.key for row in rows])
        rates.append(measure.metric("schema_valid").value(found, np.ones(5)))
        spoken = "".join(piece.text for piece in speaker.stream(task.prompt(rows[0]), Wish(max_tokens=24)))
        assert schemas.fits(schema, spoken) is constrained
    assert rates == [0.0, 1.0]
