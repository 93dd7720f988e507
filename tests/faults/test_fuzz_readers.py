"""10,000 broken rows of each format among good ones: each is reported at its line, no good one is lost, none crashes.

Tables differ by more than their breaks: line ends are mixed, fields hold U+2028, quotes and delimiters.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import random
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from tunesmith.data import source
from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record

BROKEN = 10_000  # of each format, over all seeds
COLUMNS = ("text", "label", "ref")
LABELS = ("billing", "access", "bug, severe", "refund", 'so-called "legal"', "other")
WORDS = [
    *(
        "the",
        "order",
        "has",
        "not",
        "arrived,",
        "please",
        "help;",
        "us",
        "—",
        "naïve",
        "東京",
        "😀",
        "e\u2028mail",
    ),
    *("tab\there", "pipe", "|", '"quoted"', "word,", '6"', "said", '"no"', "and", "left", ",", '","'),
]


def _text(rng: random.Random, number: int) -> str:
    def line() -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(2, 12)))

    breaks = rng.choice(["\n", "\r\n", "\r"])
    kind = rng.random()
    body = breaks.join(line() for _ in range(rng.randint(2, 5))) if kind < 0.15 else line()
    body += rng.choice(["", "", "", "\n", '"', ",", " "]) if kind > 0.9 else ""
    return f"{number} {body}" if rng.random() < 0.9 else f"{body} {number}"


def _table(rng: random.Random, rows: int) -> list[tuple[str, str, str]]:
    return [(_text(rng, k), rng.choice(LABELS), f"R-{k:05d}") for k in range(rows)]


def _line(values: Sequence[str], everything: bool = False) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL).writerow(values)
    return out.getvalue().encode()


def _simple(rng: random.Random, number: int) -> str:
    return f"{number} " + " ".join(rng.choices(["plain", "words", "without", "signs"], k=5))


CSV_FAULTS: dict[str, Callable[[random.Random, tuple[str, str, str]], bytes]] = {
    "missing column": lambda rng, row: _line(row[:2]),
    "extra column": lambda rng, row: _line([*row, "more"]),
    "open quote": lambda rng, row: b'"' + _simple(rng, 7).encode() + b",billing," + row[2].encode() + b"\r\n",
    "open quote in the last": lambda rng, row: _simple(rng, 7).encode() + b',billing,"' + row[2].encode() + b"\r\n",
    "lost closing quote": lambda rng, row: _line([_simple(rng, 8), *row[1:]], True).replace(b'","', b",", 1),
    "text after a quote": lambda rng, row: b'"' + _simple(rng, 9).encode() + b'" x,a,' + row[2].encode() + b"\r\n",
    "undecodable": lambda rng, row: _line([row[0] + "\ue000", *row[1:]]).replace(b"\xee\x80\x80", b"\xe9\xff"),
    "nul": lambda rng, row: _line([row[0] + "\ue000", *row[1:]]).replace(b"\xee\x80\x80", b"\0"),
}  # fmt: skip


def _reported(rows: list[Record | Broken]) -> set[int]:
    """Every line that a Broken stands at or says it swallowed."""
    lines: set[int] = set()
    for row in rows:
        if isinstance(row, Broken):
            lines.add(row.place.line)
            if swallowed := re.search(r"swallowed lines? (\d+)(?:–(\d+))?", row.reason):
                lines |= set(range(int(swallowed[1]), int(swallowed[2] or swallowed[1]) + 1))
    return lines


CSV_SHARE, CSV_FILES = 0.06, 4


@pytest.mark.parametrize("seed", range(CSV_FILES))
def test_csv(tmp_path: Path, seed: int) -> None:
    print(f"seed {seed}")
    rng, everything = random.Random(seed), bool(seed % 2)
    pieces, good, ledger, line, byte = [_line(COLUMNS)], {}, {}, 2, len(_line(COLUMNS))
    for row in _table(rng, int(1.05 * BROKEN / CSV_FILES / CSV_SHARE)):
        fault = rng.choice([*CSV_FAULTS]) if rng.random() < CSV_SHARE else ""
        piece = CSV_FAULTS[fault](rng, row) if fault else _line(row, everything)
        piece = piece[:-2] + rng.choice([b"\r\n", b"\n"])
        if fault:
            ledger[line] = fault
        else:
            good[line] = (byte, row)
        pieces.append(piece)
        line += piece.count(b"\n")
        byte += len(piece)
    path = tmp_path / "rows.csv"
    path.write_bytes(b"".join(pieces))
    rows = list(source.rows(source.sniff(path)))
    found = {row.place.line: row for row in rows if isinstance(row, Record)}
    lost = [
        (at, row)
        for at, (_, row) in good.items()
        if at not in found or tuple(found[at].fields.values()) != row
    ]
    assert not lost, lost[:3]
    assert all(found[at].place.byte == byte for at, (byte, _) in good.items())
    reported = _reported(rows)
    assert not [(at, fault) for at, fault in ledger.items() if at not in reported]
    assert set(ledger.values()) == set(CSV_FAULTS)
    assert len(ledger) >= BROKEN / CSV_FILES


JSON_FAULTS: dict[str, Callable[[random.Random, dict[str, str]], bytes]] = {
    "torn": lambda rng, row: _dump(row)[: rng.randint(1, len(_dump(row)) - 1)],
    "no object": lambda rng, row: json.dumps([*row.values()]).encode(),
    "key twice": lambda rng, row: _dump(row)[:-1] + b', "text": "again"}',
    "nan": lambda rng, row: _dump(row)[:-1] + b', "n": NaN}',
    "infinite": lambda rng, row: _dump(row)[:-1] + b', "n": -1e999}',
    "half a pair": lambda rng, row: _dump(row)[:-1] + b', "n": "\\udc00"}',
    "deep": lambda rng, row: _dump(row)[:-1] + b', "n": ' + b"[" * 9000 + b"]" * 9000 + b"}",
    "undecodable": lambda rng, row: _dump(row)[:-1] + b', "n": "\xe9\xff"}',
    "nul": lambda rng, row: _dump(row)[:-1] + b', "n": "\0"}',
    "noise": lambda rng, row: bytes(rng.choices([b for b in range(256) if b not in b"\n\r \t"], k=40)),
}


def _dump(row: dict[str, str]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()


def _ledger(rng: random.Random, faults: Iterable[str]) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Rows and what is wrong with each, '' for nothing, until BROKEN of them are broken."""
    names = [*faults]
    table = _table(rng, 2 * BROKEN + BROKEN // 4)
    for row, broken in zip(table, _mixed(rng, len(table)), strict=True):
        yield row, rng.choice(names) if broken else ""


def _mixed(rng: random.Random, count: int) -> list[bool]:
    broken = [k < BROKEN for k in range(count)]
    rng.shuffle(broken)
    return broken


def _compare(path: Path, good: dict[int, object], ledger: dict[int, str], faults: Iterable[str]) -> None:
    rows = list(source.rows(source.sniff(path)))
    found = {row.place.line: row.fields for row in rows if isinstance(row, Record)}
    assert found == good, [at for at in {**found, **good} if found.get(at) != good.get(at)][:5]
    broken = {row.place.line for row in rows if isinstance(row, Broken)}
    assert broken == set(ledger), [(at, ledger.get(at)) for at in broken ^ set(ledger)][:5]
    assert all(row.reason and row.fix and len(row.raw) <= 200 for row in rows if isinstance(row, Broken))
    assert set(ledger.values()) == set(faults)
    assert len(ledger) >= BROKEN


def test_jsonl(tmp_path: Path) -> None:
    print("seed 0")
    rng = random.Random(0)
    lines, good, ledger = [], {}, {}
    for number, (values, fault) in enumerate(_ledger(rng, JSON_FAULTS), start=1):
        row = dict(zip(COLUMNS, values, strict=True))
        (ledger if fault else good)[number] = fault or row
        lines.append((JSON_FAULTS[fault](rng, row) if fault else _dump(row)) + rng.choice([b"\n", b"\r\n"]))
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(lines))
    _compare(path, good, ledger, JSON_FAULTS)


WRAPS = [b"[\n%s\n]\n", b'{"version": 1, "data": [\n%s\n], "other": [1, 2]}\n']


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("wrap", WRAPS, ids=["array", "object"])
def test_json(tmp_path: Path, wrap: bytes, seed: int) -> None:
    """Elements one a line, as programs write them: of a plain array, and of the one list in an object."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    faults = [fault for fault in JSON_FAULTS if fault != "noise"]
    lines, good, ledger = [], {}, {}
    for number, (values, fault) in enumerate(_ledger(rng, faults), start=2):
        row = dict(zip(COLUMNS, values, strict=True))
        (ledger if fault else good)[number] = fault or row
        made = JSON_FAULTS[fault](rng, row) if fault else _dump(row)
        lines.append(
            b"  " + (made.replace(b"[" * 8900, b"").replace(b"]" * 8900, b"") if fault == "deep" else made)
        )
    path = tmp_path / "rows.json"
    path.write_bytes(wrap % b",\n".join(lines))
    _compare(path, good, ledger, faults)


CONLL_FAULTS: dict[str, Callable[[list[bytes], int], None]] = {
    "no tag": lambda lines, k: lines.__setitem__(k, lines[k].split()[0]),
    "three columns": lambda lines, k: lines.__setitem__(k, lines[k] + b" O"),
    "no such tag": lambda lines, k: lines.__setitem__(k, lines[k].split()[0] + b" person"),
    "undecodable": lambda lines, k: lines.__setitem__(k, b"\xe9\xff" + lines[k]),
    "half a pair": lambda lines, k: lines.__setitem__(k, b"\xed\xa0\x80" + lines[k]),
    "nul": lambda lines, k: lines.__setitem__(k, b"a\0" + lines[k]),
}


def test_conll(tmp_path: Path) -> None:
    print("seed 2")
    rng = random.Random(2)
    lines, good, ledger = [], {}, {}
    for (text, *_), fault in _ledger(rng, CONLL_FAULTS):
        tokens = [token for token in re.split(r"[ \t\r\n]+", text) if token]
        tags = rng.choices(["O", "B-person", "I-person"], k=len(tokens))
        sentence = [f"{token} {tag}".encode() for token, tag in zip(tokens, tags, strict=True)]
        first = len(lines) + 1
        if fault:
            at = rng.randrange(len(sentence))
            CONLL_FAULTS[fault](sentence, at)
            ledger[first + at] = fault
        else:
            good[first] = {"tokens": tokens, "tags": tags}
        lines += [*sentence, *[b""] * rng.randint(1, 2)]
    path = tmp_path / "rows.conll"
    path.write_bytes(b"".join(line + rng.choice([b"\n", b"\r\n"]) for line in lines))
    _compare(path, good, ledger, CONLL_FAULTS)


def test_txt(tmp_path: Path) -> None:
    print("seed 3")
    rng = random.Random(3)
    lines, good, ledger = [], {}, {}
    for number, ((text, *_), fault) in enumerate(_ledger(rng, ("undecodable", "nul")), start=1):
        body = " ".join(re.split(r"[\r\n]+", text)).strip()
        (ledger if fault else good)[number] = fault or {"text": body}
        lines.append({"": b"", "nul": b"\0", "undecodable": b"\xff"}[fault] + body.encode())
    path = tmp_path / "rows.txt"
    path.write_bytes(b"".join(line + rng.choice([b"\n", b"\r\n"]) for line in lines))
    _compare(path, good, ledger, ("undecodable", "nul"))


def test_sqlite(tmp_path: Path) -> None:
    print("seed 4")
    rng = random.Random(4)
    good, ledger = {}, {}
    path = tmp_path / "rows.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE rows (text TEXT, label TEXT, ref TEXT)")
        for number, (values, fault) in enumerate(_ledger(rng, ("undecodable", "half a pair")), start=1):
            (ledger if fault else good)[number] = fault or dict(zip(COLUMNS, values, strict=True))
            end = {"": b"", "undecodable": b"\xe9\xff", "half a pair": b"\xed\xa0\x80"}[fault]
            database.execute(
                "INSERT INTO rows VALUES (CAST(? AS TEXT), ?, ?)", (values[0].encode() + end, *values[1:])
            )
    _compare(path, good, ledger, ("undecodable", "half a pair"))


def _write_parquet(path: Path, table: list[tuple[str, str, str]], spoilt: set[int]) -> None:
    raw = [
        text.encode() + (b"\xe9\xff" if k in spoilt else b"") for k, (text, _, _) in enumerate(table, start=1)
    ]
    texts = pa.Array.from_buffers(pa.utf8(), len(raw), pa.array(raw, pa.binary()).buffers())
    rest = {name: [row[k] for row in table] for k, name in enumerate(COLUMNS) if k}
    made = pa.table({"text": texts, **rest})
    if path.suffix == ".parquet":
        pq.write_table(made, path, row_group_size=1500, write_page_checksum=True)
        return
    with (pa.ipc.new_file if path.suffix == ".feather" else pa.ipc.new_stream)(str(path), made.schema) as out:
        out.write_table(made, max_chunksize=1500)


@pytest.mark.parametrize("name", ["rows.parquet", "rows.feather", "rows.arrow"])
def test_arrow_and_parquet(tmp_path: Path, name: str) -> None:
    print("seed 5")
    rng = random.Random(5)
    table, good, ledger = [], {}, {}
    for number, (values, fault) in enumerate(_ledger(rng, ("undecodable",)), start=1):
        (ledger if fault else good)[number] = fault or dict(zip(COLUMNS, values, strict=True))
        table.append(values)
    path = tmp_path / name
    _write_parquet(path, table, set(ledger))
    _compare(path, good, ledger, ("undecodable",))


def test_a_damaged_parquet_is_one_refusal(tmp_path: Path) -> None:
    """Truncated anywhere, or one bit flipped in its pages, which carry checksums."""
    rng = random.Random(11)
    path = tmp_path / "rows.parquet"
    _write_parquet(path, _table(rng, 400), set())
    whole = path.read_bytes()
    pages = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    intact = list(source.rows(source.sniff(path)))
    refused = 0
    for case in range(150):
        spoilt = bytearray(whole[: rng.randrange(1, len(whole))] if case < 50 else whole)
        if case >= 50:
            spoilt[rng.randrange(4, pages)] ^= 1 << rng.randrange(8)
        path.write_bytes(spoilt)
        try:
            assert list(source.rows(source.sniff(path))) == intact, case
        except DataError as refusal:
            assert path.name in refusal.found
            refused += 1
    assert refused >= 130


HUGE: dict[
    str, tuple[bytes, bytes, bytes]
] = {  # before, the row around its text, after: rows 1 and 3 are good
    "rows.csv": (b"text,label\nfirst,a\n", b'"%s",b\n', b"last,a\n"),
    "rows.jsonl": (b'{"text": "first"}\n', b'{"text": "%s"}\n', b'{"text": "last"}\n'),
    "rows.json": (b'[{"text": "first"},\n', b'{"text": "%s"},\n', b'{"text": "last"}]'),
    "rows.txt": (b"first\n", b"%s\n", b"last\n"),
    "rows.conll": (b"first B-a\n\n", b"%s O\n\n", b"last O\n"),
}


@pytest.mark.parametrize("name", HUGE)
@pytest.mark.parametrize("size", [49_000_000, 51_000_000])
def test_a_row_of_50_megabytes_takes_no_other(tmp_path: Path, name: str, size: int) -> None:
    before, around, after = HUGE[name]
    path = tmp_path / name
    path.write_bytes(before + around % (b"x" * size) + after)
    rows = list(source.rows(source.sniff(path)))
    assert len(rows) == 3
    assert [type(row) for row in rows[::2]] == [Record, Record]
    assert isinstance(rows[1], Record if size < 50_000_000 else Broken)
    if isinstance(rows[1], Broken):
        assert "longer than 50 MB" in rows[1].reason
        assert rows[1].place.line == before.count(b"\n") + 1


def test_noise_of_any_kind_never_crashes(tmp_path: Path) -> None:
    """Bytes at random in good files of every kind: rows, broken rows, or one refusal that names the file."""
    rng = random.Random(6)
    for case in range(300):
        before, around, after = HUGE[name := rng.choice([*HUGE])]
        content = bytearray(before + around % b"middle" + after)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(content))
            content[at : at + rng.randint(0, 3)] = bytes(
                rng.choices(b'\0\xff\xe2\x80\xa8"{}[],:\\\r\n\t x', k=2)
            )
        path = tmp_path / name
        path.write_bytes(content)
        try:
            rows = list(source.rows(source.sniff(path)))
            assert all(isinstance(row, Record) or row.reason for row in rows), case
        except DataError as refusal:
            assert path.name in refusal.found
