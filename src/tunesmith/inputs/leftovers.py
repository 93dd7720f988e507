"""What other programs leave in texts: HTML entities and tags, and escapes that nobody resolved."""

from __future__ import annotations

import html
import re

_ENTITY = re.compile(
    r"&(?:amp|lt|gt|quot|apos|nbsp|copy|reg|euro|pound|hellip|[mn]dash|[lr][sd]quo|[aeiouncAEIOUNC](?:acute|grave|uml|"
    r"circ|tilde|cedil)|szlig|#\d{2,6}|#[xX][0-9a-fA-F]{2,5});"
)
_TAG = re.compile(
    r"</?(?:br|p|div|span|strong|em|b|i|u|ul|ol|li|font|h[1-6]|table|t[rdh]|a(?=\s+href)|a(?=>)|img(?=\s))"
    r"(?:\s[^<>=]{1,40}=[^<>]{0,200})?\s?/?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6])\s?/?>", re.IGNORECASE)
_ABOUT = ("html", "```", "<!--", "<script", "css", "<?xml", "xml")  # here tags are what the text is about

_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|([nrt"]))')
# \nu and \theta are formulas, C:\new is a path: a letter after the escape leaves it open what is meant
_SURE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|n\\n|r\\n|"|([nrt])(?![a-z]))')
_CODE = (
    "```",
    "print(",
    "printf",
    "regex",
    "def ",
    "const ",
    "#include",
    "console.",
    "\\begin",
    "\\frac",
    "latex",
)


def marked_up(text: str) -> str:
    """'entities' or 'tags' where the text holds such leftovers of HTML, '' where it holds none or speaks of HTML."""
    ampersand = "&" in text and ";" in text
    if not ampersand and not ("<" in text and ">" in text):
        return ""
    kind = "entities" if ampersand and _ENTITY.search(text) else "tags" if _TAG.search(text) else ""
    return "" if not kind or _speaks_of(_ABOUT, text) else kind


def plain(text: str) -> str:
    """The text as a reader of the page would see it."""
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))


def escaped(text: str) -> bool:
    r"""Whether escapes stand in the text as they are written: at least two \n or \" and no real line end, or \u00e9."""
    if "\\" not in text:
        return False
    found = _SURE.findall(text)
    if not found or _speaks_of(_CODE, text):
        return False
    if any(code for code, _ in found):
        return True
    return "\n" not in text and (len(found) > 1 or "\\n\\n" in text or "\\r\\n" in text)


def resolved(text: str) -> str:
    """The text with its escapes resolved; halves of surrogate pairs that stand alone stay as they are."""
    wide = _ESCAPE.sub(_resolve, text)
    paired = wide.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text if any("\ud800" <= sign <= "\udfff" for sign in paired) else paired


def _speaks_of(words: tuple[str, ...], text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in words)


def _resolve(match: re.Match[str]) -> str:
    code, letter = match.groups()
    if code:
        return chr(int(code, 16))
    return {"n": "\n", "r": "", "t": "\t", '"': '"'}[letter]
