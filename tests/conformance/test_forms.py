"""Every form, built in or added: its samples are read into its content, and what it writes it reads again."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith import catalog
from tunesmith.fields import Record

FORMS = catalog.parts("form")
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "from", "value", "start", "end", "label", "result", "text", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)

pytestmark = pytest.mark.parametrize("name", list(FORMS))


def made(name: str) -> tuple[Any, Any]:
    form = FORMS[name]()
    return form, catalog.part("content", form.content)()


def test_its_keys_and_its_content_are_known(name: str) -> None:
    form, _ = made(name)
    assert catalog.summary("form", name).endswith((".", ")"))
    assert form.content in catalog.names("content")
    names = [each.name for each in form.keys]
    assert len(set(names)) == len(names)
    assert any(each.required for each in form.keys)
    assert all(len(set(each.synonyms)) == len(each.synonyms) for each in form.keys)


def test_its_samples_are_read_into_its_content(name: str) -> None:
    form, content = made(name)
    legal = {each.name: each.required for each in content.fields}
    assert form.samples()
    for row in form.samples():
        before = copy.deepcopy(row)
        fields = form.parse(row)
        assert row == before
        assert set(fields) <= set(legal)
        assert all(field in fields for field, required in legal.items() if required)
        record = Record(fields)
        assert content.text(record)
        assert json.loads(json.dumps(fields)) == fields


def test_what_it_writes_it_reads_again(name: str) -> None:
    form, _ = made(name)
    for row in form.samples():
        fields = form.parse(row)
        written = form.render(fields)
        assert set(written) <= {each.name for each in form.keys}
        assert form.parse(json.loads(json.dumps(written))) == fields


def test_a_table_of_texts_holds_it_too(name: str) -> None:
    form, _ = made(name)
    for row in form.samples():
        written = form.render(form.parse(row))
        cells = {
            key: value if isinstance(value, str) else json.dumps(value) for key, value in written.items()
        }
        assert form.parse(cells) == form.parse(written)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_wrong_row_is_a_value_error_with_a_fix(name: str, data: st.DataObject) -> None:
    form, content = made(name)
    row = {each.name: data.draw(JUNK) for each in form.keys}
    try:
        fields = form.parse(row)
    except ValueError as wrong:
        what, _, fix = str(wrong).partition("; ")
        assert what
        assert fix, what
        return
    record = Record(fields)
    assert isinstance(content.text(record), str)
    assert all(isinstance(said, str) for _, said in content.passages(record))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=8, max_size=8))
def test_any_texts_come_back(name: str, texts: list[str]) -> None:
    form, _ = made(name)
    rest = iter(texts)
    row = _with_texts(form.samples()[0], rest)
    try:
        fields = form.parse(row)
    except ValueError:
        return
    assert form.parse(form.render(fields)) == fields


def _with_texts(value: Any, texts: Any, key: str = "") -> Any:
    """The value with other texts where content stands (roles, kinds and tags stay)."""
    if isinstance(value, dict):
        return {name: _with_texts(item, texts, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_texts(item, texts, key) for item in value]
    fixed = key in ("role", "from", "type", "tags", "text_labels")
    return next(texts, value) if isinstance(value, str) and not fixed else value
