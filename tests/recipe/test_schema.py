"""What the schema tells of the recipe, and where keys stand in a text."""

from __future__ import annotations

import json

from tunesmith.recipe import toml
from tunesmith.recipe.places import Places

TEXT = '''\
# a comment = 1
base = "x"   # base = "y"
data.source = "a.csv"
[data.split]
test = 0.1
[ train ]
"epochs" = 3
text = """
seed = 1
"""
dtype = "auto"
[gate]
macro_f1 = ">= 0.8"
'''


def test_every_key_has_a_type_and_a_meaning() -> None:
    rows = {path: (kind, default, meaning) for path, kind, default, meaning in toml.schema()}
    assert rows["train.batch_size"] == ("integer", 32, "rows of one optimiser step")
    assert rows["task.name"][1] == "text-classification"
    assert rows["tuning[freeze].layers"][0] == "integer"
    assert {"data.split.test", "serve.max_queue", "decided"} <= set(rows)
    assert all(kind and meaning for kind, _, meaning in rows.values()), rows


def test_every_default_of_the_schema_is_legal() -> None:
    for path, _, default, _ in toml.schema():
        if isinstance(default, (str, int, float)) and default != "" and "[" not in path:
            toml.loads('data.source = "a"', overrides=[f"{path}={json.dumps(default)}"])


def test_the_json_schema_holds_the_parts_keys() -> None:
    schema = toml.json_schema()
    tuning = schema["properties"]["tuning"]["anyOf"]
    assert "freeze" in tuning[0]["enum"]
    freeze = next(option for option in tuning[1:] if option["properties"]["name"] == {"const": "freeze"})
    assert "layers" in freeze["properties"]
    assert freeze["additionalProperties"] is False
    assert json.loads(json.dumps(schema)) == schema


def test_places_find_the_line_of_a_key() -> None:
    places = Places(TEXT, "f")
    expected = {
        "base": "f:2",
        "data.source": "f:3",
        "data.split.test": "f:5",
        "train.epochs": "f:7",
        "gate.macro_f1": "f:13",
    }
    assert {path: places.of(path) for path in expected} == expected
    assert places.of("train.seed") == "f:6"  # the one in the text block is no key: the section is named
    assert places.of("train.dtype") == "f:11"
    assert places.of("serve.max_queue") == "f"
    places.override("train.epochs")
    assert places.of("train.epochs") == "--set train.epochs"
