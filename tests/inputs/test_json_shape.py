"""Answers in the form of a JSON Schema: always valid, whoever chooses the tokens; refused where that can't be."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith.errors import DataError, MissingError
from tunesmith.inputs.detokenise import joined
from tunesmith.inputs.json_closing import Place
from tunesmith.inputs.json_dates import PATTERNS
from tunesmith.inputs.json_keywords import check
from tunesmith.inputs.json_shape import ANY_OBJECT, Shape

pytest.importorskip("tokenizers", reason="tokenizers is absent: pip install -e '.[train]'")
pytest.importorskip("llguidance", reason="llguidance is absent: pip install llguidance")
jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is absent: pip install jsonschema")

END = 2  # </s> of the stories' tokenizer
LEAVES: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "string", "minLength": 3, "maxLength": 9},
    {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
    {"type": "string", "format": "date"},
    {"type": "integer", "minimum": -5, "maximum": 120},
    {"type": "number", "exclusiveMinimum": 0},
    {"type": "boolean"},
    {"type": "null"},
    {"enum": ["red", "green", 3, None]},
    {"const": {"version": 1}},
    {"type": ["string", "null"]},
]


@cache
def tokenizer(folder: Path) -> tuple[bytes, Any]:
    from tokenizers import Tokenizer

    content = (folder / "models" / "stories260k-llama" / "tokenizer.json").read_bytes()
    return content, Tokenizer.from_str(content.decode())


def schema_of(draw: np.random.Generator, depth: int = 2) -> dict[str, Any]:
    """A small random schema."""
    kind = draw.integers(4) if depth else 0
    if kind == 1:
        least = int(draw.integers(3))
        return {
            "type": "array",
            "items": schema_of(draw, depth - 1),
            "minItems": least,
            "maxItems": least + 2,
        }
    if kind == 2:
        return {"anyOf": [schema_of(draw, depth - 1), {"type": "null"}]}
    if kind == 3:
        names = [str(name) for name in draw.choice(["name", "age", "tags", "city", "note"], 3, replace=False)]
        return {
            "type": "object",
            "properties": {name: schema_of(draw, depth - 1) for name in names},
            "required": names[: draw.integers(4)],
            "additionalProperties": False,
        }
    return dict(LEAVES[draw.integers(len(LEAVES))])


def wandering(shape: Shape, draw: np.random.Generator, room: int) -> tuple[list[int], bool]:
    """Tokens drawn evenly from what is allowed, as nobody speaks; whether they came to an end."""
    ids: list[int] = []
    while (mask := shape.allowed(0, ids, room - len(ids))) is not None:
        assert mask.any()
        if len(ids) == room or (token := int(draw.choice(np.flatnonzero(mask)))) == END:
            return ids, len(ids) < room
        ids.append(token)
    return ids, True


def valid(text: str, schema: Any) -> None:
    # the checker's idea of a time has neither a zone nor parts of seconds
    formats = jsonschema.FormatChecker(set(jsonschema.FormatChecker.checkers) - {"time"})
    jsonschema.Draft202012Validator(schema, format_checker=formats).validate(json.loads(text))


@pytest.mark.parametrize("number", range(20))
def test_twenty_random_schemas_whoever_draws(number: int, shared: Path, seed: int) -> None:
    draw = np.random.default_rng([seed, number])
    schema, (content, known) = schema_of(draw), tokenizer(shared)
    for room in (120, 130, 150, 250):
        ids, ended = wandering(Shape(schema, content, {END}), draw, room)
        assert ended, (schema, joined(known, ids))
        valid(joined(known, ids), schema)


@pytest.mark.neural
def test_a_model_that_knows_no_json_writes_twenty_random_schemas(shared: Path, seed: int) -> None:
    import transformers

    from tunesmith.nn.decoding import decode

    draw, (content, known) = np.random.default_rng([seed, 99]), tokenizer(shared)
    folder = shared / "models" / "stories260k-llama"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    prompts = [[1, *known.encode("Once upon a time", add_special_tokens=False).ids], [1]]
    for number in range(20):
        schema = schema_of(draw)
        shape, rows, ends = Shape(schema, content, {END}), [[], []], ["", ""]
        options = {"max_tokens": [120, 130], "stops": {END}, "seeds": [number, 7], "allowed": shape.allowed}
        for step in decode(model, prompts, **options, temperature=float(number % 2)):
            for token in step:
                rows[token.row].append(token.id)
                ends[token.row] = token.end
        assert ends == ["stop", "stop"], (schema, [joined(known, ids) for ids in rows])
        for ids in rows:
            valid(joined(known, ids), schema)


@pytest.mark.parametrize("room", [2, 9, 40, 150])
def test_any_object_ends_in_time_however_little_there_is(room: int, shared: Path, seed: int) -> None:
    content, known = tokenizer(shared)
    for number in range(8):
        draw = np.random.default_rng([seed, room, number])
        ids, ended = wandering(Shape(ANY_OBJECT, content, {END}), draw, room)
        assert ended
        valid(joined(known, ids), ANY_OBJECT)


def test_a_chain_that_could_go_on_for_ever_ends_in_time(shared: Path, seed: int) -> None:
    content, known = tokenizer(shared)
    chain = {
        "$defs": {
            "link": {
                "type": "object",
                "properties": {
                    "say": {"type": "string"},
                    "next": {"anyOf": [{"$ref": "#/$defs/link"}, {"type": "null"}]},
                },
                "required": ["say", "next"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/link",
    }
    for number in range(8):
        draw = np.random.default_rng([seed, number])
        ids, ended = wandering(Shape(chain, content, {END}), draw, 250)
        assert ended
        valid(joined(known, ids), chain)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "number", "minimum": 0.25, "exclusiveMaximum": 0.3},
        {"type": "integer", "multipleOf": 7, "minimum": 1},
        {"type": "integer", "minimum": 1000},
        {"type": "integer", "maximum": -3},
        {"type": "string", "minLength": 20},
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date", "pattern": "^20"},
        {"type": ["string", "null"], "format": "date-time"},
        {"type": "string", "format": "uuid"},
        {"type": "string", "format": "email"},
        {"type": "string", "format": "ipv4"},
        {"type": "string", "format": "ipv6"},
        {"type": "string", "format": "hostname"},
        {"type": "string", "format": "time"},
        {"type": "string", "format": "duration"},
        {"type": "string", "format": "uri"},
        {"type": "object", "patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": False},
        {"type": "object", "additionalProperties": {"type": "boolean"}, "maxProperties": 2},
        {
            "type": "array",
            "prefixItems": [{"type": "string"}, {"type": "null"}],
            "items": False,
            "minItems": 2,
        },
        {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    ],
)
def test_a_list_of_each_kind_ends_in_time(schema: dict[str, Any], shared: Path, seed: int) -> None:
    content, known = tokenizer(shared)
    several = {"type": "array", "items": schema, "minItems": 1, "maxItems": 9}
    shape = Shape(several, content, {END})
    for number in range(6):
        draw = np.random.default_rng([seed, number])
        shape.allowed(0, [], 120)
        ids, ended = wandering(shape, draw, 120)
        assert ended, joined(known, ids)
        valid(joined(known, ids), several)


@pytest.mark.parametrize(
    ("text", "exists"),
    [
        ("2024-02-29", True),
        ("2000-02-29", True),
        ("2023-02-29", False),
        ("1900-02-29", False),
        ("2023-04-31", False),
        ("2023-12-31", True),
        ("2023-00-10", False),
        ("0000-01-01", False),
    ],
)
def test_dates_that_exist(text: str, exists: bool) -> None:
    assert bool(re.fullmatch(PATTERNS["date"], text)) is exists
    assert bool(re.fullmatch(PATTERNS["date-time"], f"{text}T23:59:59.5+01:00")) is exists


def test_too_little_room_for_the_shortest_answer_is_told_by_length(shared: Path) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    _, ended = wandering(Shape(schema, tokenizer(shared)[0], {END}), np.random.default_rng(1), 4)
    assert not ended


def test_a_number_may_go_on_or_end_and_needs_no_end_token(shared: Path) -> None:
    content, _ = tokenizer(shared)
    seven = Shape({"type": "integer"}, content, {END}).allowed(0, [3 + ord("7")], 50)
    assert seven is not None
    assert seven[END]
    assert seven[3 + ord("1")]
    without = Shape({"type": "integer"}, content, ()).allowed(0, [3 + ord("7")], 50)
    assert without is not None
    assert not without[:3].any()
    assert Shape({"type": "integer"}, content, ()).allowed(0, [3 + ord("7")], 3) is None


def test_rows_stand_where_they_are_and_a_row_may_begin_anew(shared: Path) -> None:
    content, known = tokenizer(shared)
    shape = Shape({"enum": ["ab", "cd"]}, content, {END})
    spelled = [3 + ord(letter) for letter in '"ab"']
    for ids in (spelled[:2], spelled[:1], spelled[:3]):
        shape.allowed(0, ids, 30)
    first, second = shape.allowed(0, spelled[:2], 30), shape.allowed(1, [], 30)
    assert first is not None
    assert second is not None
    assert {known.decode([index]) for index in np.flatnonzero(first)} >= {"b"}
    starts = {known.id_to_token(index) for index in np.flatnonzero(second)}
    assert starts
    assert all(token.startswith(('"', "<0x22>")) for token in starts)
    assert shape.allowed(0, spelled, 30) is None


# ---- what can't be kept -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        ({"not": {"type": "string"}}, "#/not"),
        ({"type": "array", "uniqueItems": True}, "#/uniqueItems"),
        ({"properties": {"a/b": {"if": {}, "then": {}}}}, "#/properties/a~1b/if"),
        ({"anyOf": [{"type": "null"}, {"contains": {}}]}, "#/anyOf/1/contains"),
        ({"$defs": {"x": {"nullable": True}}, "$ref": "#/$defs/x"}, "#/$defs/x/nullable"),
        ({"items": [{"type": "string"}]}, "#/items"),
        ({"properties": []}, "#/properties"),
        ({"anyOf": {}}, "#/anyOf"),
        ({"type": "string", "contentEncoding": "base64"}, "#/contentEncoding"),
        ({"type": "string", "x-guidance": {}}, "#/x-guidance"),
        ({"type": "object", "minProperties": 2}, "#/minProperties"),
        ([], "#"),
        (json.loads('{"items":' * 120 + "{}" + "}" * 120), "#" + "/items" * 101),
    ],
)
def test_a_word_that_can_not_be_kept_is_refused_with_its_place(schema: Any, where: str) -> None:
    with pytest.raises(DataError) as caught:
        check(schema)
    assert caught.value.code == "V131"
    assert caught.value.where == f"schema {where}"


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"type": "string", "format": "iban"}, "format"),
        ({"type": "wrong"}, "wrong"),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, "oneOf"),
        ({"type": "array", "minItems": 3, "maxItems": 2}, "minItems"),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "nsatisfiable"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
        ({"$ref": "https://example.org/schema"}, "example.org"),
        ({"$ref": "#/$defs/absent"}, "absent"),
    ],
)
def test_a_schema_that_can_not_be_kept_is_refused_with_its_reason(
    schema: dict[str, Any], word: str, shared: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match="V131") as caught:
        Shape(schema, tokenizer(shared)[0], {END})
    assert word in caught.value.found
    assert caught.value.fixes
    assert capfd.readouterr() == ("", "")


def test_remarks_change_nothing(shared: Path) -> None:
    content, _ = tokenizer(shared)
    remarks = {
        "title": "T",
        "description": "d",
        "default": 1,
        "examples": [2],
        "$schema": "https://json-schema.org/draft/2020-12/schema",
    }
    plain, told = ({"type": "integer"}, {"type": "integer", **remarks})
    first, second = (Shape(schema, content, {END}).allowed(0, [], 50) for schema in (plain, told))
    assert np.array_equal(first, second)


def test_a_tokenizer_that_lacks_letters_or_bytes_is_told() -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    with pytest.raises(MissingError, match="V132"):
        Shape(ANY_OBJECT, words.to_str().encode(), {1})
    poor = Tokenizer(models.BPE({"a": 0, "b": 1, "c": 2}, []))
    poor.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    poor.decoder = decoders.ByteLevel()
    with pytest.raises(MissingError, match="V132"):
        Shape(ANY_OBJECT, poor.to_str().encode(), {2})


@pytest.mark.parametrize(
    ("text", "in_string", "in_value"),
    [
        ('{"a', True, False),
        ('{"a"', False, False),
        ('{"a":"b', True, True),
        ('{"a":"b\\"', True, True),
        ('{"a":"b\\\\"', False, False),
        ('{"a":["b', True, True),
        ('{"a":[1],"', True, False),
        ('{"a":{"b":1},"c":"', True, True),
        ('"}{', True, True),
        ('["x","', True, True),
    ],
)
def test_where_in_a_text_one_stands(text: str, in_string: bool, in_value: bool) -> None:
    place = Place()
    for byte in text.encode():
        place = place.after(bytes((byte,)))
    assert place == Place().after(text.encode())
    assert (place.in_string, place.in_value) == (in_string, in_value)
