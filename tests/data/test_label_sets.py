"""Sets of labels as texts, and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tunesmith.data import label_sets
from tunesmith.data.checks._rows import label_form

LABELS = st.lists(st.text("abcXYZ 1+#", min_size=1).map(str.strip).filter(bool), max_size=5)


@given(LABELS)
def test_what_is_shown_is_read_again(labels: list[str]) -> None:
    text = label_sets.shown(labels)
    assert set(label_sets.split(text)) == set(labels)
    assert label_sets.same(labels, text)
    assert label_sets.parsed(text, {label_form(each): each for each in labels}) is not None


def test_what_people_write_is_spelt_as_the_data_does() -> None:
    classes = {"bug": "Bug", "money": "money"}
    assert label_sets.parsed("money;bug ", classes) == "Bug; money"
    assert label_sets.parsed("(none)", classes) == "(none)"
    assert label_sets.parsed("bug; cat", classes) is None
    assert label_sets.parsed("; ", classes) is None


def test_a_single_label_stays_a_text() -> None:
    assert label_sets.same("Bug ", "bug")
    assert not label_sets.same(["bug"], "bug; money")
    assert label_sets.like("bug", "money") == "money"
    assert label_sets.like(["bug"], "bug; money") == ["bug", "money"]
    assert label_sets.like(["bug"], "(none)") == []
