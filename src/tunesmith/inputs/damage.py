"""Signs that nobody meant to write: what is invisible, what controls a terminal, what is not composed."""

from __future__ import annotations

import re
import unicodedata

_JOINERS = "\u200c\u200d"  # they shape words of Persian and the scripts of India, and join emoji
_DIRECTIONS = "\u200e\u200f\u202a-\u202e\u2066-\u2069"
_FLAG_LETTERS = "\U000e0020-\U000e007f"
_BIDIRECTIONAL = re.compile(f"[{_DIRECTIONS}]+")
_NEVER_MEANT = re.compile("[\u00ad\u180e\u2060\ufeff\ufff9-\ufffb]+")
_BY_NEIGHBOURS = re.compile(f"[\u200b{_JOINERS}{_FLAG_LETTERS}]")
_INVISIBLE = re.compile(
    f"[\u00ad\u180e\u200b\u2060\ufeff\ufff9-\ufffb{_JOINERS}{_DIRECTIONS}{_FLAG_LETTERS}]"
)
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# Thai, Lao, Burmese and Khmer write no blanks: there U+200B says where a line may break
_NO_BLANKS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_CONTROL = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]|[\x00-\x08\x0e-\x1f\x7f]")
_COMPATIBLE = re.compile("[\uf900-\ufaff\U0002f800-\U0002fa1f]")
# below stand Latin, Greek, Cyrillic and Armenian, whose letters are never joined by a sign
_LETTERS_ALONE = 0x0590


def invisible(text: str) -> bool:
    """Whether the text holds a sign that is not seen and means nothing where it stands."""
    return not text.isascii() and bool(_INVISIBLE.search(text)) and seen(text) != text


def seen(text: str) -> str:
    """The text without such signs.  Joiners stay in emoji, Persian and Indic words, marks of direction in texts that
    run from right to left, break marks in Thai and its neighbours, letters of flags after a flag."""
    text = _NEVER_MEANT.sub("", text)
    if not _RIGHT_TO_LEFT.search(text):
        text = _BIDIRECTIONAL.sub("", text)
    return _BY_NEIGHBOURS.sub(_kept, text)


def _kept(match: re.Match[str]) -> str:
    sign, text, where = match[0], match.string, match.start()
    if sign in _JOINERS:
        around = text[max(0, where - 1) : where] + text[where + 1 : where + 2]
        joined = (ord(letter) >= _LETTERS_ALONE and not _INVISIBLE.match(letter) for letter in around)
        return sign if any(joined) else ""
    if sign == "\u200b":
        return sign if _NO_BLANKS.search(text[max(0, where - 1) : where + 2]) else ""
    return sign if "\U0001f3f4" in text[max(0, where - 8) : where] else ""


def controls(text: str) -> bool:
    """Whether the text holds NUL or another control character (tabs, line ends and page breaks are none)."""
    return not text.isprintable() and bool(_CONTROL.search(text))


def uncontrolled(text: str) -> str:
    """The text without them, and without the codes by which terminals change colours."""
    return _CONTROL.sub("", text)


def decomposed(text: str) -> bool:
    """Whether letters and their accents stand apart (Unicode's form NFC joins them).

    Texts with compatibility ideographs are left alone: NFC would replace them by other characters.
    """
    return not unicodedata.is_normalized("NFC", text) and not _COMPATIBLE.search(text)


def composed(text: str) -> str:
    """The text with its accents joined to their letters."""
    return unicodedata.normalize("NFC", text)
