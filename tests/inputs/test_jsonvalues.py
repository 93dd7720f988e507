"""Strict objects: the quick look lets through exactly what the close look does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tunesmith.inputs import jsonvalues
from tunesmith.inputs.jsonvalues import BadValue, parse_object

TEXT = st.text(st.sampled_from('ab":\\ud8\t {}[],\u2028'), max_size=8)
LEAF = st.one_of(TEXT, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none())
VALUE = st.recursive(
    LEAF, lambda inner: st.one_of(st.lists(inner), st.dictionaries(TEXT, inner)), max_leaves=12
)


def closely(raw: bytes, patch: pytest.MonkeyPatch) -> dict[str, Any] | str:
    with patch.context() as context:
        context.setattr(jsonvalues, "_quick", lambda text: None)
        return said(raw)


def said(raw: bytes) -> dict[str, Any] | str:
    try:
        return parse_object(raw)
    except BadValue as bad:
        return bad.reason


@given(
    st.dictionaries(TEXT, VALUE), st.sampled_from([(",", ":"), (", ", ": "), (" ,", " :"), (",\t", "\t:")])
)
@settings(max_examples=300, deadline=None)
def test_what_json_writes_is_read(row: dict[str, Any], signs: tuple[str, str]) -> None:
    raw = json.dumps(row, separators=signs, ensure_ascii=False).encode()
    assert parse_object(raw) == row
    assert parse_object(b"  " + raw + b" \r\n") == row


@given(st.lists(st.tuples(st.sampled_from("abc"), VALUE), min_size=1, max_size=5), st.booleans())
@example([("a", '":'), ("a", 1)], False)
@example([("a", {"b": 1}), ("a", " :")], True)
@settings(max_examples=300, deadline=None)
def test_a_key_that_stands_twice_is_never_missed(pairs: list[tuple[str, Any]], wide: bool) -> None:
    colon = " :" if wide else ":"
    members = ",".join(f"{json.dumps(key)}{colon}{json.dumps(value)}" for key, value in pairs)
    for raw in (f"{{{members}}}", f'{{"x": [{{{members}}}]}}', f'{{"x": {{{members}}}}}'):
        found = said(raw.encode())
        twice = len({key for key, _ in pairs}) < len(pairs)
        assert ("stands twice" in found) is twice if isinstance(found, str) else not twice


@given(st.binary(max_size=60) | TEXT.map(str.encode) | VALUE.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=500, deadline=None)
def test_the_quick_look_says_what_the_close_one_says(raw: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        assert said(raw) == closely(raw, patch)


@pytest.mark.parametrize("depth", [2, 62, 63, 64, 65, 66, 500, 100_000])
@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_bounded(depth: int, start: str, end: str) -> None:
    raw = ('{"x": ' + start * (depth - 1) + "1" + end * (depth - 1) + "}").encode()
    with pytest.MonkeyPatch.context() as patch:
        found = said(raw)
        assert isinstance(found, dict) is (depth <= 64)
        assert isinstance(found, dict) or "nested too deeply" in found
        assert found == closely(raw, patch)


def test_repeated_keys_are_named_without_their_values() -> None:
    assert said(b'{"a": "secret", "a": "secret"}') == "the key 'a' stands twice, with equal values"
    assert said(b'{"a": "secret", "b": 1, "a": "x"}') == "the key 'a' stands twice, with different values"
