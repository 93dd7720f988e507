"""UTF-8 that was read as Windows-1252 or Latin-1 ("Ã©" for "é"), found and read again."""

from __future__ import annotations

import re

# bytes 0x80-0x9F as Windows-1252 shows them; the five that it leaves free are controls, as in Latin-1
_SHOWN = {code: bytes([code]).decode("cp1252", "replace") for code in range(0x80, 0xA0)}
_BYTES = {shown: code for code, shown in _SHOWN.items() if shown != "\ufffd"} | {
    chr(n): n for n in range(0x80, 0x100)
}
_NEXT = "[" + re.escape("".join(sign for sign, code in _BYTES.items() if code < 0xC0)) + "]"
_RUN = re.compile(
    f"(?:[\u00c2-\u00df]{_NEXT}|[\u00e0-\u00ef]{_NEXT}{{2}}|[\u00f0-\u00f4]{_NEXT}{{3}}){{1,1000}}"
)
_LEFT_OVER = re.compile("[\x80-\x84\x86-\x9f]")  # what Latin-1 made of Windows-1252 (U+0085 is a line end)
_CERTAIN = ("\u00c3", "\u00c2", "\u00e2", "\u00f0\u0178", "\u00f0\x9f", "\u00ef\u00bb\u00bf")
_QUOTES = "\u00bb\u201d\u201c\u2019\u2018\u2026\u2013\u2014"  # these may follow a real capital: «CAFÉ»
_TWICE = 3  # text can have gone through the wrong reading more than once


def garbled(text: str) -> bool:
    """Whether part of the text is UTF-8 in the wrong reading."""
    return not text.isascii() and read_again(text) != text


def read_again(text: str) -> str:
    """The text as it was before; what can't be told stays as it is."""
    for _ in range(_TWICE):
        better = _LEFT_OVER.sub(_windows, _RUN.sub(_utf8, text) if _sure(text) else text)
        if better == text:
            break
        text = better.replace(
            "\u00c3 ", "\u00e0 "
        )  # its second half was a hard blank, and became a plain one
    return text


def _sure(text: str) -> bool:
    """Whether some run can't be meant: two or three signs may stand side by side for once."""
    return any(_unmeant(match) for match in _RUN.finditer(text))


def _unmeant(match: re.Match[str]) -> bool:
    run, decoded = match[0], _utf8(match)
    if decoded == run:
        return False
    capital = match.string[max(0, match.start() - 1) : match.start()].isupper()
    return len(decoded) > 1 or (run.startswith(_CERTAIN) and not (run[1] in _QUOTES and capital))


def _utf8(match: re.Match[str]) -> str:
    try:
        return bytes(_BYTES[sign] for sign in match[0]).decode("utf-8")
    except UnicodeDecodeError:
        return match[0]


def _windows(match: re.Match[str]) -> str:
    shown = _SHOWN[ord(match[0])]
    return match[0] if shown == "\ufffd" else shown
