"""The sheet: what is written is read back, and what does not fit is named at its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.data import audit_sheet
from tunesmith.data.audit import Answer, Item
from tunesmith.errors import DataError

LABELS = ("billing", "=sum(1)", "bug, or so", "-1")


def items(texts: list[str]) -> list[Item]:
    return [
        Item(n, f"t.csv:{n + 2}", text, LABELS[n % 4], "suspects", LABELS[:2], 2.0)
        for n, text in enumerate(texts)
    ]


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8")), st.sampled_from(["", "accept", "skip", *LABELS])),
        max_size=8,
    )
)
def test_a_round_trip_loses_no_answer(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    queue = items([text for text, _ in rows])
    said = {}
    for item, (_, verdict) in zip(queue, rows, strict=True):
        if verdict in ("accept", "skip"):
            said[item.row] = Answer(
                "ann", item.row, verdict, item.label if verdict == "accept" else "", "now"
            )
        elif verdict:
            kind = "accept" if verdict == item.label else "relabel"
            said[item.row] = Answer("ann", item.row, kind, verdict, "now")
    path = tmp_path_factory.mktemp("sheet") / "sheet.csv"
    path.write_bytes(audit_sheet.written(queue, said))
    assert {each.row: each for each in audit_sheet.read(path, queue, LABELS, "ann", "now")} == said


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    sheet = audit_sheet.written(items(["=cmd|' /C calc'!A0", "+1", "plain"]), {}).decode("utf-8-sig")
    assert "'=cmd" in sheet
    assert "'+1" in sheet
    assert "\nt.csv:4,suspects,plain," in sheet


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("row,answer\nt.csv:2,ok\nt.csv:99,ok\n", 3, "has no row 't.csv:99'"),
        ("row,answer\nt.csv:2,ok\nt.csv:2,?\n", 3, "stands there twice"),
        ("row,answer\nt.csv:2,biling\n", 2, "'biling' is none of the labels"),
        ("row,text\nt.csv:2,x\n", 1, "no column 'answer'"),
        ("", 1, "no column 'row'"),
        ('row,text,answer\nt.csv:2,"two\nlines",ok\nt.csv:3,x,nope\n', 4, "'nope' is none of the labels"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, line: int, what: str) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        audit_sheet.read(path, items(["a", "b"]), LABELS, "ann", "now")
    assert caught.value.code == "L216"
    assert caught.value.where == f"{path}:{line}"
    assert what in caught.value.found


def test_a_sheet_that_is_not_utf8_is_an_error_and_semicolons_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_bytes(b"row;answer\nt.csv:2;OK\n")
    assert [each.verdict for each in audit_sheet.read(path, items(["a"]), LABELS, "ann", "now")] == ["accept"]
    path.write_bytes("row,answer\nt.csv:2,b\xfcg\n".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        audit_sheet.read(path, items(["a"]), LABELS, "ann", "now")
