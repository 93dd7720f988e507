"""5,000 rows of each format, a share of them broken on purpose: each is reported at its line, no good one is lost."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tunesmith.data import source
from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record

ROWS, SHARE = 5000, 0.06
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


def _table(rng: random.Random) -> list[tuple[str, str, str]]:
    return [(_text(rng, k), rng.choice(LABELS), f"R-{k:05d}") for k in range(ROWS)]


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


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("everything", [False, True])
def test_csv(tmp_path: Path, seed: int, everything: bool) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    pieces, good, ledger, line = [_line(COLUMNS)], [], [], 2
    for row in _table(rng):
        fault = rng.choice([*CSV_FAULTS]) if rng.random() < SHARE else ""
        piece = CSV_FAULTS[fault](rng, row) if fault else _line(row, everything)
        if fault:
            ledger.append((line, fault))
        else:
            good.append((line, sum(map(len, pieces)) if seed == 0 and line < 500 else -1, row))
        pieces.append(piece)
        line += piece.count(b"\n")
    path = tmp_path / "rows.csv"
    path.write_bytes(b"".join(pieces))
    rows = list(source.rows(source.sniff(path)))
    found = {row.place.line: row for row in rows if isinstance(row, Record)}
    lost = [(at, row) for at, _, row in good if at not in found or tuple(found[at].fields.values()) != row]
    assert not lost, lost[:3]
    assert all(found[at].place.byte == byte for at, byte, _ in good if byte >= 0)
    reported = _reported(rows)
    assert not [entry for entry in ledger if entry[0] not in reported]
    assert {fault for _, fault in ledger} == set(CSV_FAULTS)


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


@pytest.mark.parametrize("seed", range(4))
def test_jsonl(tmp_path: Path, seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    lines, good, ledger = [], {}, {}
    for number, values in enumerate(_table(rng), start=1):
        row = dict(zip(COLUMNS, values, strict=True))
        fault = rng.choice([*JSON_FAULTS]) if rng.random() < SHARE else ""
        (ledger if fault else good)[number] = fault or row
        lines.append(JSON_FAULTS[fault](rng, row) if fault else _dump(row))
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    rows = list(source.rows(source.sniff(path)))
    assert {row.place.line: row.fields for row in rows if isinstance(row, Record)} == good
    assert {row.place.line for row in rows if isinstance(row, Broken)} == set(ledger)
    assert set(ledger.values()) == set(JSON_FAULTS)


def _write_parquet(path: Path, table: list[tuple[str, str, str]], spoilt: set[int]) -> None:
    raw = [
        text.encode() + (b"\xe9\xff" if k in spoilt else b"") for k, (text, _, _) in enumerate(table, start=1)
    ]
    texts = pa.Array.from_buffers(pa.utf8(), len(raw), pa.array(raw, pa.binary()).buffers())
    rest = {name: [row[k] for row in table] for k, name in enumerate(COLUMNS) if k}
    pq.write_table(pa.table({"text": texts, **rest}), path, row_group_size=1500, write_page_checksum=True)


@pytest.mark.parametrize("seed", range(2))
def test_parquet(tmp_path: Path, seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    table = _table(rng)
    spoilt = {k for k in range(1, ROWS + 1) if rng.random() < SHARE}
    path = tmp_path / "rows.parquet"
    _write_parquet(path, table, spoilt)
    rows = list(source.rows(source.sniff(path)))
    assert {row.place.line for row in rows if isinstance(row, Broken)} == spoilt
    good = {row.place.line: tuple(row.fields.values()) for row in rows if isinstance(row, Record)}
    assert good == {k: row for k, row in enumerate(table, start=1) if k not in spoilt}


def test_a_damaged_parquet_is_one_refusal(tmp_path: Path) -> None:
    """Truncated anywhere, or one bit flipped in its pages, which carry checksums."""
    rng = random.Random(11)
    path = tmp_path / "rows.parquet"
    _write_parquet(path, _table(rng)[:400], set())
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
