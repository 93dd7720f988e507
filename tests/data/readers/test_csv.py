"""CSV: what is a row, what is broken, and where reading goes on."""

from __future__ import annotations

import csv
import gzip
import io
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.data.readers.csv import Csv
from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record
from tunesmith.inputs import delimited, streams
from tunesmith.parts import Dialect

TWO = ("text", "label")


def read(path: Path, content: bytes | str, dialect: Dialect | None = None) -> list[Record | Broken]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(Csv().read(path, dialect or Csv().sniff(path)))


def values(rows: list[Record | Broken]) -> list[tuple[str, ...]]:
    return [tuple(row.fields.values()) for row in rows if isinstance(row, Record)]


def broken(rows: list[Record | Broken]) -> list[tuple[int, str]]:
    return [(row.place.line, row.reason) for row in rows if isinstance(row, Broken)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_sniffs_how_a_file_is_written(path: Path, delimiter: str, encoding: str, newline: str) -> None:
    table = [("text", "label"), (f'a{delimiter} "b" é', "x"), ("two\nlines", "y"), ("plain, text; here", "x")]
    table += [(f"more words here {k}", "y") for k in range(9)]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows(table)
    rows = read(path, out.getvalue().encode(encoding))
    assert values(rows) == table[1:]
    assert Csv().sniff(path).columns == TWO


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_reads_back_whatever_pythons_csv_writes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    columns = data.draw(st.integers(1, 4))
    cell = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
    rich = st.one_of(cell, st.text(',;"\n\r a\u2028', max_size=6))
    # three and more line breaks in a row may look like rows that a quote swallowed: the rule for those has its own test
    row = st.tuples(*[rich] * columns).filter(lambda cells: "".join(cells).count("\n") < 3)
    table = data.draw(st.lists(row, max_size=8))
    delimiter = data.draw(st.sampled_from(",;\t|"))
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quoting=quoting).writerows(table)
    details = {"encoding": "utf-8", "delimiter": delimiter, "header": False}
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    rows = read(path, out.getvalue().encode(), Dialect(tuple(map(str, range(columns))), details))
    assert not broken(rows)
    assert values(rows) == table


def test_each_row_knows_its_line_and_byte(path: Path) -> None:
    rows = read(path, '\ufefftext,label\r\nä,x\r\n"two\r\nlines",y\r\n\r\nz,x\r\n')
    assert [(row.place.line, row.place.byte) for row in rows] == [(2, 15), (3, 21), (6, 39)]
    raw = path.read_bytes()
    assert raw[39:40] == b"z"
    assert raw[15:17] == "ä".encode()


def test_offsets_in_utf16_are_those_of_the_file(path: Path) -> None:
    rows = read(path, "text,label\nä😀,x\nz,x\n".encode("utf-16"))
    offset = rows[1].place.byte
    assert path.read_bytes()[offset : offset + 2] == "z".encode("utf-16-le")


def test_gzip_is_transparent(path: Path) -> None:
    plain = "text,label\nhello there,x\ngood bye,y\n"
    assert values(read(path.with_suffix(".csv.gz"), gzip.compress(plain.encode()))) == values(
        read(path, plain)
    )


def test_a_torn_gzip_is_one_refusal(path: Path) -> None:
    plain = "text,label\n" + "".join(f"text {k * 7919},l{k % 3}\n" for k in range(200_000))
    packed = gzip.compress(plain.encode())
    with pytest.raises(DataError) as refusal:
        read(path, packed[: len(packed) * 3 // 4])
    assert refusal.value.code == "F004"
    assert path.name in refusal.value.found


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"only one", "1 column where the header has 2"),
        (b"one,two,three", "3 columns where the header has 2"),
        (b'"open,x', "quote"),
        (b'"closed" and more,x', "text follows a closing quote"),
        (b"caf\xe9\xff,x", "not UTF-8"),
        (b"nul \0 byte,x", "NUL"),
    ],
)
def test_a_broken_row_is_reported_and_takes_no_other(path: Path, bad: bytes, reason: str) -> None:
    good = [f"Grüße {k},label".encode() for k in range(6)]
    rows = read(path, b"\n".join([b"text,label", *good[:3], bad, *good[3:]]) + b"\n")
    assert [text for text, _ in values(rows)] == [f"Grüße {k}" for k in range(6)]
    (found,) = broken(rows)
    assert found[0] == 5
    assert reason in found[1]
    mark = next(row for row in rows if isinstance(row, Broken))
    assert mark.fix
    assert mark.place.byte == len(b"\n".join([b"text,label", *good[:3]])) + 1


def test_an_open_quote_swallows_no_row_of_many_lines(path: Path) -> None:
    rows = read(path, 'text,label\n"open,x\n"two\nlines",y\nplain,x\n"open at the end,y\nlast,x\n')
    assert values(rows) == [("two\nlines", "y"), ("plain", "x"), ("last", "x")]
    assert [line for line, _ in broken(rows)] == [2, 6]


def test_what_an_open_quote_swallowed_is_listed(path: Path) -> None:
    rows = read(path, 'text,label\n"open and then\nprose\nmore prose\ngood,x\n')
    assert values(rows) == [("good", "x")]
    assert "swallowed lines 3–4" in broken(rows)[0][1]


def test_a_quote_closed_by_accident_gives_the_rows_back(path: Path) -> None:
    inside = [f"row {k},label" for k in range(5)]
    rows = read(path, "\n".join(["text,label", '"open,x', *inside, 'pipe 6",hardware']) + "\n")
    assert len(values(rows)) == 6
    assert values(rows)[-1] == ('pipe 6"', "hardware")
    assert "rows themselves" in broken(rows)[0][1]


def test_a_letter_with_as_many_commas_as_columns_is_no_table(path: Path) -> None:
    rows = [(f"question number {k}", "ab"[k % 2]) for k in range(30)]
    letter = ("Hello\nSmith, John\nBerlin, Germany\nbye for now", "a")
    out = io.StringIO(newline="")
    csv.writer(out).writerows([TWO, *rows, letter])
    assert values(read(path, out.getvalue())) == [*rows, letter]


@pytest.mark.parametrize("first", [", a line\nand more", '"" quoted"" and\nmore', "\nafter a line break"])
def test_a_row_that_starts_like_the_end_of_another_is_kept(path: Path, first: str) -> None:
    known = [(f"question number {k}", "xy"[k % 2]) for k in range(30)]
    before = "".join(f"{text},{label}\n" for text, label in known)
    rows = read(path, f'text,label\n{before}"open,x\n"{first}",y\nlast,x\n')
    assert values(rows) == [*known, (first.replace('""', '"'), "y"), ("last", "x")]
    assert [line for line, _ in broken(rows)] == [32]


def test_long_quoted_text_survives(path: Path) -> None:
    text = "Dear team,\n\nplease help: my order, the blue one,\nhas not arrived.\nRegards, Ann\nBerlin, Germany\n"
    out = io.StringIO(newline="")
    csv.writer(out).writerows([TWO, (text, "delivery"), ("short", "other"), (text * 30, "delivery")])
    rows = read(path, out.getvalue())
    assert values(rows) == [(text, "delivery"), ("short", "other"), (text * 30, "delivery")]


def test_a_broken_row_of_many_lines_keeps_its_lines(path: Path) -> None:
    rows = read(path, 'text,label\n"one\ntwo, three\nfour\nfive",x,extra\ngood,x\n')
    assert values(rows) == [("good", "x")]
    assert [line for line, _ in broken(rows)] == [2]


def test_stray_quotes_and_blanks_are_text(path: Path) -> None:
    rows = read(path, 'text,label\n5" pipe and 6" pipe,x\n "no quotes" ,y\n"quoted"  ,x\nlast,y')
    assert values(rows) == [
        ('5" pipe and 6" pipe', "x"),
        (' "no quotes" ', "y"),
        ("quoted", "x"),
        ("last", "y"),
    ]


def test_blanks_before_quotes_are_skipped_where_the_file_does_so_throughout(path: Path) -> None:
    rows = read(path, 'text, label\n"a, b", "x"\n"c", "y, z"\n')
    assert values(rows) == [("a, b", "x"), ("c", "y, z")]


def test_a_header_is_cleaned_and_it_says_so(path: Path) -> None:
    path.write_text("text , label,,label\na b,c,d,e\n")
    dialect = Csv().sniff(path)
    assert dialect.columns == ("text", "label", "column_3", "label_2")
    assert dialect.details["trimmed_header"] == ["text", "label"]
    assert dialect.details["renamed_header"] == ["column_3", "label_2"]


def test_a_table_without_header_gets_names(path: Path) -> None:
    rows = read(
        path, "".join(f"this is message {k} of many,{'ham' if k % 3 else 'spam'}\n" for k in range(30))
    )
    assert len(rows) == 30
    assert list(rows[0].fields) == ["column_1", "column_2"] if isinstance(rows[0], Record) else False


def test_excels_first_line_names_the_delimiter(path: Path) -> None:
    rows = read(path, "sep=|\r\ntext|label\r\na, b; c|x\r\n")
    assert values(rows) == [("a, b; c", "x")]
    assert rows[0].place.line == 3


def test_a_row_over_the_limit_is_broken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MAX_ROW", 50_000)
    monkeypatch.setattr(streams, "MAX_ROW", 50_000)
    monkeypatch.setattr(streams, "_CHUNK", 4096)
    long = "x" * 200_000
    rows = read(path, f'text,label\na,x\n{long},y\nb,x\n"{long}",y\nc,x\n')
    assert values(rows) == [("a", "x"), ("b", "x"), ("c", "x")]
    assert [line for line, _ in broken(rows)] == [3, 5]
    assert rows[-1].place.byte == len(f'text,label\na,x\n{long},y\nb,x\n"{long}",y\n')


def test_binary_is_refused(path: Path) -> None:
    with pytest.raises(DataError) as refusal:
        read(path, bytes(range(256)) * 40)
    assert refusal.value.code == "F004"


@pytest.mark.parametrize(
    "line", ['"a","b\n', 'a","b\n', '"\n', '"""\n', 'x"",""",\n', ',"\n', 'a,"b\n', '",",\n']
)
def test_time_grows_with_rows_not_with_their_square(path: Path, line: str) -> None:
    def seconds(count: int) -> float:
        path.write_text("text,label\n" + line * count)
        dialect = Dialect(TWO, {"encoding": "utf-8", "delimiter": ","})
        best = 9e9
        for _ in range(3):
            start = time.process_time()
            sum(1 for _ in Csv().read(path, dialect))
            best = min(best, time.process_time() - start)
        return best

    few, eightfold = seconds(2000), seconds(16_000)
    assert eightfold <= 24 * few + 0.2  # a square would take 64 times as long
