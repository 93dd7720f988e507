"""Detectors of what reaches or dates a person: e-mail, phone, IP address, address with a login, date of birth."""

from __future__ import annotations

import ipaddress
import re

from tunesmith.inputs.checksums import digits
from tunesmith.inputs.personal_words import Detector, has, when, words

_CALL = words(
    "phone*", "tel", "telephone*", "call", "calls", "calling", "mobile", "cell", "cellphone", "fax", "dial", "ring",
    "whatsapp", "hotline", "helpline", "landline", "reach", "text me", "txt", "contact", "desk", "office", "answering",
    "messages to", "pick up", "telefon*", "handy", "mobil", "téléphone", "portable", "appel*", "teléfono", "telefono",
    "móvil", "celular", "telefone", "telefoon",
)  # fmt: skip
_OTHER = re.compile(
    r"\b(?:order|invoice|ticket|account|card|tracking|reference|ref|case|serial|isbn|policy|booking|id|no|nr|version|"
    r"bestellung|rechnung|commande|pedido)\b[^.!?\n]{0,16}$",
    re.IGNORECASE,
)
_NOT_IN_NUMBER = r"(?<![\w.,+@#/-])(?<!\d )"
_DOTTED = re.compile(r"\d\.\d{1,3}\.\d")


def _international(value: str) -> bool:
    count = len(digits(value)) - 2 * (not value.startswith("+"))
    return 8 <= count <= 15


def _national(value: str) -> bool:
    numbers = digits(value.partition("x")[0])
    if value[0] in "12" and re.fullmatch(r"(?:19|20)\d\d\D(?:0\d|1[0-2])\D[0-3]\d", value[:10]):
        return False  # a date
    parts = re.split(r"\D+", value.partition("x")[0])
    # of two numbers with a sign between, most are a price or a difference
    pair = len(parts) > 2 or (
        len(parts[0]) < 5 and len(parts[1]) > 3 and ("-" not in value or len(parts[0]) == 3)
    )
    return pair and 7 <= len(numbers) <= 12 and len(set(numbers)) > 2


def _address(value: str) -> bool:
    parts = [int(part) for part in value.split(".")]
    # a version or section number has small parts; this machine, nobody and everybody are no one's address
    return max(parts) > 9 and parts[0] not in (0, 127, 255)


def _address6(value: str) -> bool:
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return sum(map(bool, value.split(":"))) > 2 and not address.is_loopback


CONTACTS = (
    Detector(
        "email",
        "email",
        re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b"),
        0.95,
        gate=has("@"),
    ),
    Detector(
        "login-url",
        "login",
        re.compile(
            r"\b(?:[a-z]{2,5}\+)?[a-z]{2,12}://[^\s/:@]{0,64}:[^\s/@]{1,128}@[^\s\"'<>]{1,253}", re.IGNORECASE
        ),
        0.99,
        gate=lambda low: "@" in low and "://" in low,
    ),
    Detector(
        "phone-international",
        "phone",
        re.compile(
            r"(?<![\w.+#/-])(?:\+|\(\+|(?<!\d )00(?=[1-9]))\d(?:[ .()/\u00a0-]{0,3}\d){6,14}(?:x\d{1,5})?(?!\w)",
            re.ASCII,
        ),
        0.8,
        when(_international),
        near=_CALL,
        never=_OTHER,
    ),
    Detector(
        "phone-north-america",
        "phone",
        re.compile(
            _NOT_IN_NUMBER
            + r"(?:(?:\+|00)?1[-. ])?(?:\([2-9]\d\d\)[ \u00a0]?[2-9]\d\d[-. ]|[2-9]\d\d([-. ])[2-9]\d\d\1)\d{4}"
            r"(?:x\d{1,5}| ?ext\.? ?\d{1,5})?(?![\w-])",
            re.ASCII,
        ),
        0.75,
        near=_CALL,
        never=_OTHER,
    ),
    Detector(
        "phone-trunk",
        "phone",
        re.compile(
            _NOT_IN_NUMBER
            + r"(?:\(0\d{1,4}\)|0\d{1,4})(?:[ ./-]{1,2}\d{2,8})(?:[ .-]\d{2,4}){0,4}(?!\w|-\d|[.,]\d)",
            re.ASCII,
        ),
        0.6,
        when(lambda value: 9 <= len(digits(value)) <= 12),
        near=_CALL,
        never=_OTHER,
    ),
    Detector(
        "phone-mobile",
        "phone",
        re.compile(_NOT_IN_NUMBER + r"0[1-9]\d{8,9}(?!\w|-\d|[.,]\d)", re.ASCII),
        0.55,
        near=_CALL,
        alone=False,
    ),
    Detector(
        "phone-near-word",
        "phone",
        re.compile(
            _NOT_IN_NUMBER
            + r"(?:\(\d{1,4}\)[ \u00a0]?)?\d{2,5}(?:[ .\u00a0-]\d{2,6}){1,5}(?:x\d{1,5})?(?!\w|-\d|[.,]\d)",
            re.ASCII,
        ),
        0.4,
        when(_national),
        near=_CALL,
        alone=False,
    ),
    Detector(
        "phone-bare",
        "phone",
        re.compile(_NOT_IN_NUMBER + r"[1-9]\d{8,10}(?!\w|-\d|[.,]\d)", re.ASCII),
        0.35,
        when(lambda value: len(set(value)) > 2),
        near=_CALL,
        alone=False,
    ),
    Detector(
        "ipv4",
        "ip",
        re.compile(
            r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?![\w-]|\.\d)",
            re.ASCII,
        ),
        0.85,
        when(_address),
        gate=lambda low: low.count(".") > 2 and _DOTTED.search(low) is not None,
        never=re.compile(
            r"(?:\bversion|\bv|\brelease|\bsection|\barticle|\bec)[ .:]{0,3}$", re.IGNORECASE | re.ASCII
        ),
    ),
    Detector(
        "ipv6",
        "ip",
        re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])", re.IGNORECASE | re.ASCII),
        0.85,
        when(_address6),
        gate=lambda low: "::" in low or low.count(":") > 6,
    ),
    Detector(
        "birth-date",
        "birth-date",
        re.compile(
            r"(?:\b(?:born|birth|birthday|birthdate|geboren|naissance|nacimiento|nascita)|\bd\.?o\.?b\b)[^\d\n]{0,24}"
            r"(?P<value>(?:\d{1,2}[./ -]{1,2}(?:\d{1,2}|[^\W\d_]{3,9})[./, -]{1,2}(?:19|20)?\d\d"
            r"|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}"
            r"|(?<=\s)\d{1,2}(?:st|nd|rd|th)? (?:of )?[^\W\d_]{3,9},? (?:19|20)\d\d))(?!\d)",
            re.IGNORECASE,
        ),
        0.8,
        gate=has("born", "birth", "dob", "d.o.b", "geboren", "naci", "nais", "nasc"),
    ),
)
