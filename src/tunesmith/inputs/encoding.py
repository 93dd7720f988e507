"""Which encoding a text file is written in, judged by a sample of its bytes."""

from __future__ import annotations

import codecs
import re
from typing import Any

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Bytes that no Western European text holds: five have no meaning in code page 1252, two are all but unused.
_NOT_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d\xfe\xff]")
_HIGH = re.compile(rb"[\x80-\xff]")


def sniff_encoding(sample: bytes) -> dict[str, Any]:
    """{'encoding': …, 'bom': …} and, where it was guessed, 'encoding_guess': why.

    A few undecodable lines in a file that holds real UTF-8 do not change the guess: those rows are broken.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return {"encoding": name, "bom": True}
    if name := _unmarked_wide(sample):
        return {"encoding": name, "bom": False, "encoding_guess": "every second byte is zero"}
    valid = invalid = 0
    for line in sample.split(b"\n")[: -1 if sample.count(b"\n") else None]:
        if _HIGH.search(line):
            try:
                line.decode("utf-8")
                valid += 1
            except UnicodeDecodeError:
                invalid += 1
    if invalid > valid and not _NOT_CP1252.search(sample):
        return {"encoding": "cp1252", "bom": False, "encoding_guess": "not UTF-8; read as Windows-1252"}
    return {"encoding": "utf-8", "bom": False}


def _unmarked_wide(sample: bytes) -> str:
    head = sample[: 4096 - len(sample) % 2]
    if len(head) < 8:
        return ""
    even, odd = head[::2].count(0), head[1::2].count(0)
    most = 0.4 * len(head) / 2
    if odd > most and even == 0:
        return "utf-16-le"
    return "utf-16-be" if even > most and odd == 0 else ""


def is_binary(sample: bytes) -> bool:
    """Whether the sample is no text: many control bytes in what is not UTF-16."""
    if sniff_encoding(sample)["encoding"].startswith("utf-16"):
        return False
    control = sum(sample[:65536].count(byte) for byte in (*range(9), *range(14, 27), *range(28, 32)))
    return control > 0.05 * min(len(sample), 65536)


def spoken(encoding: str, bom: bool) -> str:
    """An encoding as people write it: 'UTF-8 with BOM'."""
    name = {"cp1252": "Windows-1252"}.get(encoding, encoding.upper().replace("-LE", "").replace("-BE", ""))
    return f"{name} with BOM" if bom else name
