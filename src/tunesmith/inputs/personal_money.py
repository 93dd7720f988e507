"""Detectors of payment numbers: cards by issuer range, length and Luhn; IBAN by country length and mod 97."""

from __future__ import annotations

import re

from tunesmith.inputs.checksums import bare, luhn, mod97
from tunesmith.inputs.personal_words import Detector, when, words

# first digits → lengths, as issuers use them, those of the past included
_ISSUERS: tuple[tuple[re.Pattern[str], tuple[int, ...]], ...] = tuple(
    (re.compile(pattern), lengths)
    for pattern, lengths in (
        (r"4", (13, 16, 19)),
        (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),
        (r"3[47]", (15,)),
        (r"30[0-5]|3095|3[689]", (14, 15, 16, 17, 18, 19)),
        (r"6011|64[4-9]|65|62|81", (16, 17, 18, 19)),
        (r"35", (16, 17, 18, 19)),
        (r"1800|2131", (15,)),
        (r"50|5[6-8]|6[0-9]|0604", (12, 13, 14, 15, 16, 17, 18, 19)),
        (r"220[0-4]|9792", (16, 17, 18, 19)),
    )
)
_CARD_WORDS = words(
    "card*", "visa", "mastercard", "amex", "maestro", "cvv", "cvc", "credit", "debit", "karte", "carte", "tarjeta",
    "cc", "payment*", "pay", "paid",
)  # fmt: skip

IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ LT LU XK MN",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ TL OM SO",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "PT ST LY", 26: "IS TR",
        27: "FR GR IT MC MR SM BI DJ", 28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA",
        30: "JO KW MU", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def _card(value: str) -> bool:
    number = bare(value)
    fits = any(len(number) in lengths and pattern.match(number) for pattern, lengths in _ISSUERS)
    return fits and len(set(number)) > 1 and luhn(number)


def _iban(value: str) -> int:
    """How many characters of the value are an IBAN, whatever word may follow it."""
    length, seen = IBAN_LENGTHS.get(value[:2].upper(), 0), 0
    for position, sign in enumerate(value):
        seen += sign.isalnum()
        if length and seen == length:
            whole = position + 1 == len(value) or not value[position + 1].isalnum()
            return position + 1 if whole and mod97(value[: position + 1]) else 0
    return 0


MONEY = (
    Detector(
        "card",
        "card",
        re.compile(
            r"(?<![\w.+-])(?:\d{14,19}"
            r"|\d{4}([ -])\d{4}\1\d{4}\1(?:\d{4}\1\d{3}|\d{1,7})|\d{4}([ -])\d{6}\2\d{4,5})(?![\w-]|\.\d)",
            re.ASCII,
        ),
        0.9,
        when(_card),
    ),
    Detector(
        "card-short",
        "card",
        re.compile(r"(?<![\w.+-])\d{12,13}(?![\w-]|\.\d)", re.ASCII),
        0.7,
        when(_card),
        near=_CARD_WORDS,
        alone=False,
    ),
    Detector(
        "iban",
        "iban",
        re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){10,42}", re.IGNORECASE | re.ASCII),
        0.99,
        _iban,
    ),
)
